# SPDX-License-Identifier: MIT
"""`kevbench load`: a server on one host, loaded from others; what the playbooks call."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from harness.commands import agent, lab
from harness.commands.parser import Parser, Subparsers, add_verb, print_json
from harness.errors import INCONCLUSIVE, INVALID, OK
from harness.measure import check_directory
from harness.sweep import Sweep, read_plan
from results import summary
from results.reader import RAW, read

_EXAMPLES = """\
  kevbench load sweep --plan plan.json --token-file token --out run
"""


def add(subparsers: Subparsers) -> None:
    """Mounts the verb with its own ones."""
    parser = subparsers.add_parser(
        "load", help="load a server on one host from others (playbooks)", add_help=True
    )
    acts = parser.add_subparsers(dest="act", metavar="VERB", parser_class=Parser, required=True)
    agent.add(acts)
    lab.add(acts)
    sweep = add_verb(acts, "sweep", "measure a plan on hosts whose agents run", _EXAMPLES)
    sweep.add_argument(
        "--plan", type=Path, required=True, metavar="FILE", help="hosts and what to measure, JSON"
    )
    sweep.add_argument(
        "--token-file", type=Path, required=True, metavar="FILE", help="what the agents were given"
    )
    sweep.add_argument(
        "--out", type=Path, required=True, metavar="DIR", help="run directory; must not exist"
    )
    sweep.add_argument("--json", action="store_true", help="print the summary document")
    sweep.set_defaults(main=main)


def main(args: argparse.Namespace) -> int:
    """Measures and writes the run directory without its report, which `kevbench report` draws."""
    check_directory(args.out)
    outcome = Sweep(
        read_plan(args.plan), agent.read_token(args.token_file), args.argv, args.out, args.json
    ).carry_out()
    document = summary.build(read(outcome.directory, without=RAW))
    summary.write(document, outcome.directory)
    if args.json:
        print_json(document)
    else:
        print(outcome.directory)
    if not outcome.faults and not any(row["status"] == "ok" for row in document["rows"]):
        reasons = [row["reason"] for row in document["rows"]]
        outcome.faults.append(
            f"nothing was measured: {reasons[0] if reasons else 'the plan is empty'}"
        )
    for fault in outcome.faults:
        print(f"kevbench: {fault}", file=sys.stderr)
    if outcome.faults:
        return INVALID
    return INCONCLUSIVE if outcome.interrupted else OK
