# SPDX-License-Identifier: MIT
"""`kevbench list`: mechanisms with variants and workloads with parameters."""

from __future__ import annotations

import argparse
from pathlib import Path

from harness import catalogue
from harness.commands.parser import Subparsers, add_verb, print_json
from harness.errors import OK

_EXAMPLES = """\
  kevbench list
  kevbench list --json
"""


def add(subparsers: Subparsers) -> None:
    """Mounts the verb."""
    parser = add_verb(
        subparsers, "list", "show mechanisms, variants, workloads and parameters", _EXAMPLES
    )
    parser.add_argument("--json", action="store_true", help="print the kvb.list document")
    parser.add_argument(
        "--plugin",
        action="append",
        default=[],
        type=Path,
        metavar="FILE",
        help="an adapter to load",
    )
    parser.set_defaults(main=main)


def main(args: argparse.Namespace) -> int:
    """Prints."""
    found = catalogue.load(args.plugin, ask=True)
    if args.json:
        print_json(found.document)
        return OK
    print("mechanisms")
    for variant, reason in found.variants.items():
        print(f"  {variant.name:<28} {'available' if reason is None else f'no: {reason}'}")
    print("workloads")
    for workload in found.workloads.values():
        print(f"  {workload.name}" + ("" if workload.available else f" no: {workload.reason}"))
        for param in workload.params.values():
            limits = " ".join(param.choices) or f"{param.minimum} to {param.maximum}"
            print(f"    {param.name + '=' + param.default:<26} {limits}")
    return OK
