# SPDX-License-Identifier: MIT
"""`kevbench compare`: two stored runs, counts judged, times shown."""

from __future__ import annotations

import argparse
from pathlib import Path

from harness.commands.guard import refusing_damage
from harness.commands.parser import Subparsers, add_verb, print_json
from harness.environment.collect import differences
from harness.errors import INCONCLUSIVE, OK, REGRESSED, UsageError
from harness.textfigure import figure
from results.compare import Comparison, Difference, compare
from results.reader import ResultFile, read

_EXAMPLES = """\
  kevbench compare results/runs/before results/runs/after
  kevbench compare before after --across-machines --json
"""


def add(subparsers: Subparsers) -> None:
    """Mounts the verb."""
    parser = add_verb(
        subparsers,
        "compare",
        "judge the exact counts of two stored runs and show their times",
        _EXAMPLES,
    )
    parser.add_argument("a", type=Path, metavar="A", help="run directory of the base")
    parser.add_argument("b", type=Path, metavar="B", help="run directory of the change")
    parser.add_argument(
        "--across-machines",
        action="store_true",
        help="compare although machine, kernel or compiler differ",
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(main=main)


def _facts(result: ResultFile) -> dict[str, object]:
    record = result.environment
    return dict(record["facts"]) if record is not None else {}


def _lines(title: str, items: list[Difference]) -> list[str]:
    lines = [title] if items else []
    for item in items:
        change = "" if item.percent is None else f" ({item.percent:+.2f} %)"
        state = f" {item.state}" if item.state else ""
        lines.append(
            f"  {item.case} {item.metric}: "
            f"{figure(item.first)} -> {figure(item.second)} {item.unit}{change}{state}"
        )
    return lines


def render(found: Comparison) -> str:
    """For people: what changed first."""
    changed = [item for item in found.judged if item.state != "same"]
    same = len(found.judged) - len(changed)
    lines = _lines("exact counts that changed", changed)
    lines.append(f"{same} exact counts are the same")
    lines += _lines("times, not judged: the runs were not interleaved", found.shown)
    lines += [f"only in A: {case}" for case in found.only_first]
    lines += [f"only in B: {case}" for case in found.only_second]
    return "\n".join(lines)


def main(args: argparse.Namespace) -> int:
    """Exit status: 0 nothing grew, 1 a count grew, 3 no count in common."""
    with refusing_damage(args.a, args.b):
        return _compare(args)


def _compare(args: argparse.Namespace) -> int:
    first, second = (read(run, without={"slice", "hist"}) for run in (args.a, args.b))
    apart: list[str] = []
    if first.run.get("fingerprint") != second.run.get("fingerprint"):
        apart = differences(_facts(first), _facts(second))
        if not args.across_machines:
            shown = "; ".join(apart[:2]) or "fingerprints"
            raise UsageError(
                f"the runs come from different set-ups ({len(apart)} facts, such as {shown[:160]}): "
                "measure both on one, or add --across-machines"
            )
    found = compare(first, second)
    status = REGRESSED if found.regressed else OK if found.judged else INCONCLUSIVE
    if args.json:
        print_json(
            {
                "schema": "kvb.compare",
                "a": first.run_id,
                "b": second.run_id,
                "differences": apart,
                "judged": [item.fields() for item in found.judged],
                "shown": [item.fields() for item in found.shown],
                "only_a": found.only_first,
                "only_b": found.only_second,
                "status": status,
            }
        )
        return status
    for line in apart:
        print(f"differs: {line}")
    print(render(found))
    if status == INCONCLUSIVE:
        print("the runs have no exact count in common: run both with the same cells")
    return status
