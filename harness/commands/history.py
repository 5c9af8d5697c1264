# SPDX-License-Identifier: MIT
"""`kevbench history`: results of many commits in one store."""

from __future__ import annotations

import argparse
import subprocess
from pathlib import Path

from harness import tree
from harness.analysis.timeline import chronicle
from harness.commands.guard import refusing_damage
from harness.commands.parser import Subparsers, add_verb, print_json
from harness.environment.collect import COMPARABLE, lookup
from harness.errors import OK
from harness.textfigure import figure
from results import history
from results.reader import RAW, ResultFile, read
from results.timeline import Chronicle, Step, Timeline

_EXAMPLES = """\
  kevbench history add nightly.jsonl results/runs/20260101-120000-ABCDEF
  kevbench history list nightly.jsonl
  kevbench history list nightly.jsonl --json
  kevbench report --history nightly.jsonl"""


def add(subparsers: Subparsers) -> None:
    """Mounts the verb."""
    parser = add_verb(
        subparsers, "history", "keep results of many commits and list what changed", _EXAMPLES
    )
    verbs = parser.add_subparsers(dest="history_verb", metavar="add|list", required=True)
    adding = verbs.add_parser("add", help="append runs to a store, which is made where missing")
    adding.add_argument("store", type=Path, metavar="STORE", help="a .jsonl file")
    adding.add_argument("runs", nargs="+", type=Path, metavar="RUN", help="a run directory")
    adding.set_defaults(main=main_add)
    listing = verbs.add_parser("list", help="every change point of every series")
    listing.add_argument("store", type=Path, metavar="STORE")
    listing.add_argument("--json", action="store_true", help="print JSON")
    listing.set_defaults(main=main_list)


def _git(*words: str) -> str | None:
    """What git says of this tree, None where it does not know."""
    try:
        done = subprocess.run(
            ["git", "-C", str(tree.ROOT), *words], capture_output=True, text=True, timeout=30
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def commit_of(result: ResultFile) -> history.Commit:
    """The commit a run measured, with its place among first parents as far as git knows it."""
    record = result.environment
    facts = record["facts"] if record is not None else {}
    identity = lookup(facts, "git.commit")
    if not isinstance(identity, str):
        return history.Commit(None, None, "", False)
    dirty = bool(lookup(facts, "git.dirty"))
    # A name from a file must not be taken for an option.
    if not identity.isalnum():
        return history.Commit(identity, None, "", dirty)
    depth = _git("rev-list", "--first-parent", "--count", identity)
    subject = _git("log", "-1", "--format=%s", identity) or ""
    number = int(depth) if depth is not None and depth.isdigit() else None
    return history.Commit(identity, number, subject, dirty)


def main_add(args: argparse.Namespace) -> int:
    """Reads all runs first, so that a bad one leaves the store as it was."""
    with refusing_damage(*args.runs):
        new = []
        for run in args.runs:
            result = read(run, without=RAW)
            record = result.environment
            facts = record["facts"] if record is not None else {}
            known = {path: lookup(facts, path) for path in COMPARABLE}
            new.append((result.run_id, history.line_of(result, commit_of(result), _nested(known))))
    for run_id, line in new:
        added = history.add(args.store, line)
        print(f"{run_id}: {'added' if added else 'is in the store already'}")
    return OK


def _nested(facts: dict[str, object]) -> dict[str, object]:
    """Facts by dotted path as the tree they came from."""
    whole: dict[str, object] = {}
    for path, value in facts.items():
        *steps, last = path.split(".")
        node = whole
        for step in steps:
            below = node.setdefault(step, {})
            assert isinstance(below, dict)
            node = below
        node[last] = value
    return whole


def _sentence(found: Chronicle, timeline: Timeline, step: Step) -> str:
    run = found.runs[step.place]
    word = "changed" if step.worse is None else "worse" if step.worse else "better"
    sure = "" if step.confirmed else ", young: fewer than 10 runs on one side"
    change = f"{step.percent:+.1f} %"
    return (
        f"{run.label} {word}: {timeline.name} {timeline.metric} {figure(step.before)} -> "
        f"{figure(step.after)} {timeline.unit} ({change}, p {step.p:.3f}{sure}) {run.subject}"
    ).rstrip()


def render(found: Chronicle) -> str:
    """For people: the largest change for the worse first."""
    lines = [f"{len(found.runs)} runs, {len(found.timelines)} series"]
    if found.torn:
        lines.append(f"torn lines left out: {found.torn}")
    for timeline in sorted(found.timelines, key=lambda one: one.rank):
        lines += [_sentence(found, timeline, step) for step in timeline.steps]
    lines += [
        f"{found.runs[one.place].label} another set-up: {'; '.join(one.differences)}"
        for one in found.moved
    ]
    if not any(timeline.steps for timeline in found.timelines):
        lines.append("no change point")
    return "\n".join(lines)


def main_list(args: argparse.Namespace) -> int:
    """Everything that changed, as text or JSON."""
    found = chronicle(args.store)
    if not args.json:
        print(render(found))
        return OK
    changes = [
        {
            "series": timeline.name,
            "metric": timeline.metric,
            "unit": timeline.unit,
            "run_id": found.runs[step.place].run_id,
            "commit": found.runs[step.place].label,
            "before": step.before,
            "after": step.after,
            "percent": step.percent if abs(step.percent) != float("inf") else None,
            "p": step.p,
            "confirmed": step.confirmed,
            "worse": step.worse,
        }
        for timeline in sorted(found.timelines, key=lambda one: one.rank)
        for step in timeline.steps
    ]
    moved = [
        {"run_id": found.runs[one.place].run_id, "differences": list(one.differences)}
        for one in found.moved
    ]
    print_json(
        {
            "schema": "kvb.changes",
            "runs": len(found.runs),
            "series": len(found.timelines),
            "torn": found.torn,
            "changes": changes,
            "moved": moved,
        }
    )
    return OK
