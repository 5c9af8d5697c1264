# SPDX-License-Identifier: MIT
"""The verbs that a host of a playbook needs, on the standard library alone.

`python3 -m harness.host VERB ...`; the launcher comes here for `load agent`, `load stop`, `doctor
--apply` and `doctor --undo`, so that a guest needs neither numpy nor a compiler.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from harness.commands import agent, doctor
from harness.commands.parser import Parser
from harness.errors import INVALID, USAGE, MeasurementFault, UsageError


def dispatch(arguments: Sequence[str]) -> int:
    """Parses and runs; turns every expected failure into one line and a status."""
    parser = Parser(prog="kevbench")
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", parser_class=Parser, required=True)
    load = verbs.add_parser("load")
    agent.add(load.add_subparsers(dest="act", metavar="VERB", parser_class=Parser, required=True))
    doctor.add(verbs)
    try:
        args = parser.parse_args(arguments)
        return int(args.main(args))
    except UsageError as problem:
        print(f"kevbench: {problem}", file=sys.stderr)
        return USAGE
    except MeasurementFault as problem:
        print(f"kevbench: {problem}", file=sys.stderr)
        return INVALID


if __name__ == "__main__":
    sys.exit(dispatch(sys.argv[1:]))
