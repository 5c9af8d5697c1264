# SPDX-License-Identifier: MIT
"""The command line: `/usr/bin/python3 -m harness.cli VERB ...`, from the root of the tree.

Exit status: 0 ok, 1 regressed or failed, 2 invalid (unequal work, build or data fault),
3 inconclusive (also a failed A/A control, or stopped by the user), 4 usage or environment error.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import os
import sys
from collections.abc import Sequence

from harness import tree
from harness.commands import compare, doctor, exchange, gate, history, list as listing, load
from harness.commands import report, run, selftest
from harness.commands.parser import Parser
from harness.errors import INCONCLUSIVE, INVALID, USAGE, MeasurementFault, UsageError
from results.errors import ResultsError

_LATER = {
    "guest": "guests are not part of this build",
}


def make_parser() -> Parser:
    """All verbs."""
    parser = Parser(
        prog="kevbench",
        description="Runs every Linux event-notification mechanism on identical work and reports.",
        epilog="exit status: 0 ok, 1 regressed or failed, 2 invalid, 3 inconclusive, 4 usage",
    )
    parser.add_argument("--version", action="version", version=f"kevbench {tree.version()}")
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", parser_class=Parser)
    verbs.required = True
    for module in (listing, run, report, history, compare, gate, selftest, exchange, doctor, load):
        module.add(verbs)
    _add_guest(verbs)
    return parser


def _add_guest(verbs: "argparse._SubParsersAction[Parser]") -> None:
    """The guest's own verbs, where that part of the tree is present."""
    if importlib.util.find_spec("harness.guest") is None:
        return
    guest = importlib.import_module("harness.guest.cli")
    guest.add_guest_parser(verbs)


def _announced(arguments: Sequence[str]) -> str | None:
    """The answer to a verb whose part of the tree is absent."""
    verb = arguments[0] if arguments else ""
    if verb == "guest" and importlib.util.find_spec("harness.guest") is not None:
        return None
    return _LATER.get(verb)


def dispatch(arguments: Sequence[str]) -> int:
    """Parses and runs; turns every expected failure into one line and a status."""
    try:
        later = _announced(arguments)
        if later is not None:
            raise UsageError(later)
        args = make_parser().parse_args(arguments)
        args.argv = ["kevbench", *arguments]
        if args.verb == "guest":
            return int(importlib.import_module("harness.guest.cli").main(args))
        return int(args.main(args))
    except UsageError as problem:
        return _complain(str(problem), USAGE)
    except ResultsError as problem:
        return _complain(str(problem), USAGE)
    except MeasurementFault as problem:
        return _complain(str(problem), INVALID)
    except KeyboardInterrupt:
        return _complain("stopped; finished slices are kept in results.jsonl", INCONCLUSIVE)
    except BrokenPipeError:
        # The reader of our output went away, as `| head` does; nothing is left to tell it.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return USAGE


def _complain(text: str, status: int) -> int:
    print(f"kevbench: {' '.join(text.split())}", file=sys.stderr)
    return status


def main() -> None:
    """Entry point."""
    sys.exit(dispatch(sys.argv[1:]))


if __name__ == "__main__":
    main()
