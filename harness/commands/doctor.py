# SPDX-License-Identifier: MIT
"""`kevbench doctor`: what this machine can measure and what disturbs it."""

from __future__ import annotations

import argparse

from harness import doctor
from harness.commands.parser import Subparsers, add_verb, not_built, print_json
from harness.environment.collect import collect
from harness.errors import OK

_EXAMPLES = """\
  kevbench doctor
  kevbench doctor --json
"""


def add(subparsers: Subparsers) -> None:
    """Mounts the verb."""
    parser = add_verb(
        subparsers, "doctor", "show what this machine can measure and what disturbs it", _EXAMPLES
    )
    parser.add_argument("--json", action="store_true", help="print findings and environment")
    parser.add_argument("--apply", action="store_true", help="not built yet")
    parser.add_argument("--undo", action="store_true", help="not built yet")
    parser.set_defaults(main=main)


def main(args: argparse.Namespace) -> int:
    """Reads and prints; changes nothing."""
    if args.apply or args.undo:
        not_built("doctor changes nothing yet: apply its remedies by hand")
    environment = collect()
    findings = doctor.examine(environment)
    if args.json:
        print_json(
            {
                "schema": "kvb.doctor",
                "findings": [one.fields() for one in findings],
                "environment": environment,
            }
        )
    else:
        print(doctor.render(findings))
    return OK
