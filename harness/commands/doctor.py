# SPDX-License-Identifier: MIT
"""`kevbench doctor`: what this machine can measure, what disturbs it, and steadying it."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from harness import doctor
from harness.commands.parser import Subparsers, add_verb, print_json
from harness.environment.collect import collect
from harness.errors import OK, REGRESSED, UsageError
from harness.tuning import apply as tuning
from harness.tuning.settings import SETTINGS, Role

_EXAMPLES = """\
  kevbench doctor
  kevbench doctor --json
  kevbench doctor --apply --dry-run
  kevbench doctor --apply --role server
  kevbench doctor --undo
"""


def add(subparsers: Subparsers) -> None:
    """Mounts the verb."""
    parser = add_verb(
        subparsers, "doctor", "show what this machine can measure and what disturbs it", _EXAMPLES
    )
    parser.add_argument("--json", action="store_true", help="print findings and environment")
    act = parser.add_mutually_exclusive_group()
    act.add_argument(
        "--apply", action="store_true", help="tune this machine; old values are kept for --undo"
    )
    act.add_argument("--undo", action="store_true", help="put back what --apply changed")
    parser.add_argument("--dry-run", action="store_true", help="say what would change")
    parser.add_argument(
        "--role",
        action="append",
        choices=[role.value for role in Role],
        default=[],
        help="of this machine in the measurement; both unless given",
    )
    parser.add_argument(
        "--namespace-only",
        action="store_true",
        help="change nothing that reaches beyond this network namespace",
    )
    parser.add_argument(
        "--with",
        dest="extra",
        action="append",
        default=[],
        choices=[one.name for one in SETTINGS if one.extra],
        help="also this setting, which weakens the machine",
    )
    parser.add_argument(
        "--state",
        type=Path,
        default=tuning.DEFAULT_STATE,
        metavar="FILE",
        help="old values (%(default)s)",
    )
    parser.set_defaults(main=main)


def main(args: argparse.Namespace) -> int:
    """Reads and prints; changes something only with --apply or --undo."""
    if args.apply:
        roles = frozenset(Role(name) for name in args.role) or frozenset(Role)
        request = tuning.Request(
            roles, not args.namespace_only, frozenset(args.extra), args.dry_run
        )
        return _tell(tuning.apply(request, args.state), args.json)
    if args.undo:
        steps = tuning.undo(args.state, dry_run=args.dry_run)
        refused = [step for step in steps if step.state == "refused"]
        _tell(steps, args.json)
        return REGRESSED if refused else OK
    if args.dry_run or args.role or args.extra or args.namespace_only:
        raise UsageError("--dry-run, --role, --with and --namespace-only go with --apply or --undo")
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


def _tell(steps: Sequence[tuning.Step], as_json: bool) -> int:
    changed = any(step.state in ("changed", "would change") for step in steps)
    if as_json:
        document = {"schema": tuning.SCHEMA, "changed": changed}
        print_json({**document, "steps": [asdict(step) for step in steps]})
        return OK
    for step in steps:
        values = "" if step.old is None else f" {step.old} -> {step.new}"
        reason = f" ({step.reason})" if step.reason else ""
        print(f"  {step.state:<12} {step.name}{values}{reason}")
    if not changed:
        print("nothing to change")
    return OK
