# SPDX-License-Identifier: MIT
"""Runs the stages and closes with the line `N passed, N failed`."""
from __future__ import annotations

import argparse
import sys

from harness.suite.outcome import Outcome
from harness.suite.schedule import Ended, Job, run
from harness.suite.stages import STAGES, Stage

EXAMPLES = """examples:
  ./kevbench test                     everything
  ./kevbench test style types         only these stages
  ./kevbench test --long              also what takes many minutes
  ./kevbench test --list              what the stages are
"""


def choose(names: list[str], long: bool) -> list[Stage]:
    known = {stage.name: stage for stage in STAGES}
    for name in names:
        if name not in known:
            print(
                f"kevbench test: there is no stage '{name}': use {', '.join(known)}",
                file=sys.stderr,
            )
            raise SystemExit(4)
    if names:
        return [known[name] for name in names]
    return [stage for stage in STAGES if long or not stage.long]


def announce(stage: Stage) -> None:
    how = ", beside the next ones" if stage.beside else ""
    print(f"== {stage.name}: {stage.purpose}{how}", flush=True)


def tell(ended: Ended) -> None:
    outcome = ended.outcome
    for problem in outcome.problems:
        print(f"FAILED {problem}")
    for skip in outcome.skips:
        print(f"SKIPPED {skip}")
    print(
        f"   {ended.name}: {outcome.passed} passed, {outcome.failed} failed,"
        f" {outcome.skipped} skipped in {ended.seconds:.0f} s",
        flush=True,
    )


def tell_left_out(names: list[str]) -> None:
    for name in names:
        print(f"LEFT OUT {name}")
    if names:
        print(f"   {len(names)} long tests left out: ./kevbench test --long runs them too")


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="kevbench test",
        description="Run every test of the project. Exit status 1 when one fails.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("stage", nargs="*", help="only these stages")
    parser.add_argument("--long", action="store_true", help="also the stages that take long")
    parser.add_argument("--list", action="store_true", help="list the stages and stop")
    args = parser.parse_args()
    if args.list:
        for stage in STAGES:
            print(f"{stage.name:10} {stage.purpose}{' (--long)' if stage.long else ''}")
        return 0

    stages = {stage.name: stage for stage in choose(args.stage, args.long)}
    total = Outcome()
    jobs = [Job(each.name, each.run, each.beside, each.alone) for each in stages.values()]
    for ended in run(jobs, lambda name: announce(stages[name])):
        tell(ended)
        total.add(ended.outcome)
    if total.passed + total.failed == 0:
        total.fail("no test ran")
    if "long" not in stages:
        tell_left_out(total.left_out)
    skipped = f", {total.skipped} skipped" if total.skipped else ""
    print(f"{total.passed} passed, {total.failed} failed{skipped}")
    return 1 if total.failed else 0


if __name__ == "__main__":
    sys.exit(main())
