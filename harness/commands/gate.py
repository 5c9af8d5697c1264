# SPDX-License-Identifier: MIT
"""`kevbench gate`: rebuild a base, judge the working tree against it, exit with the verdict."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

from harness.commands.parser import Subparsers, add_verb, print_json
from harness.controller.interrupt import Interrupt
from harness.errors import UsageError
from harness.gate import builds, cells, revision, show
from harness.gate.carry_out import TIME_LIMIT_S, GateRun, Options
from harness.gate.job import COUNT_STAGES, NAMES, TIME_STAGES
from harness.gate.rows import Stage
from harness.measure import check_directory
from harness.plan import descriptor_limit
from harness.progress import Progress
from harness.protocol import Protocol
from harness.stats.bootstrap import FEWEST_PAIRS
from harness.stats.compare import BANDS
from results import budget

_EXAMPLES = """\
  kevbench gate
  kevbench gate --base v0.1
  kevbench gate --base main --no-guest --json
  kevbench gate --stage 1 --stage 2
  kevbench gate --base HEAD --force-time --pairs 8 --blocks 4
exit status: 0 nothing regressed, 1 regressed, 2 invalid (unequal work, no build), 3 inconclusive,
4 usage. A count may grow by what results/perf-budget.json says; a commit with the trailer
"Perf-Exempt: [CASE] reason" lets times pass."""


def add(subparsers: Subparsers) -> None:
    """Mounts the verb."""
    parser = add_verb(
        subparsers, "gate", "judge the working tree against a rebuilt base", _EXAMPLES
    )
    parser.add_argument(
        "--base", metavar="REV", help="commit to rebuild; the merge base with main, else the parent"
    )
    parser.add_argument(
        "--stage",
        action="append",
        type=int,
        choices=COUNT_STAGES + TIME_STAGES,
        help="only this stage; may be repeated",
    )
    parser.add_argument(
        "--cell",
        action="append",
        default=[],
        metavar="TEXT",
        help="only cells whose name holds the text; may be repeated",
    )
    parser.add_argument("--no-guest", action="store_true", help="leave stage 3 out")
    parser.add_argument("--kernel", choices=("6.1", "6.12"), default="6.12", help="of the guest")
    parser.add_argument(
        "--force-time",
        action="store_true",
        help="time also what is equal, with relinked programs, and what a count has judged",
    )
    parser.add_argument(
        "--limit",
        type=int,
        default=900,
        metavar="SECONDS",
        help="end then; what is not judged by then is inconclusive (default 900)",
    )
    parser.add_argument("--pairs", type=int, default=cells.PROTOCOL.pairs, help="of processes")
    parser.add_argument("--blocks", type=int, default=cells.PROTOCOL.blocks, help="in each pair")
    parser.add_argument(
        "--band",
        action="append",
        default=[],
        metavar="METRIC=PERCENT",
        help="what a time may grow by, such as wall_ns_per_event=15; see selftest noise",
    )
    parser.add_argument("--seed", type=int, help="repeat the random order of an earlier gate")
    parser.add_argument("--out", type=Path, metavar="DIR", help="run directory; must not exist")
    parser.add_argument("--json", action="store_true", help="print the verdict as JSON")
    parser.set_defaults(main=main)


def parse_bands(texts: list[str]) -> dict[str, float]:
    """ "METRIC=PERCENT" options. Raises UsageError."""
    found = {}
    for text in texts:
        name, _, value = text.partition("=")
        try:
            percent = float(value)
        except ValueError:
            percent = -1.0
        if name not in BANDS or not 0 < percent < 1000:
            raise UsageError(
                f"--band {text}: write METRIC=PERCENT with one of {', '.join(sorted(BANDS))}"
            )
        found[name] = percent
    return found


def check_rounds(args: argparse.Namespace) -> Protocol:
    """The protocol that --pairs and --blocks ask for. Raises UsageError; also for a bad --seed."""
    if not FEWEST_PAIRS <= args.pairs <= 100:
        raise UsageError(
            f"--pairs {args.pairs}: fewer than {FEWEST_PAIRS} give no interval; use 8 to 100"
        )
    if not 1 <= args.blocks <= 100:
        raise UsageError(f"--blocks {args.blocks}: use 1 to 100")
    if args.seed is not None and args.seed < 0:
        raise UsageError(f"--seed {args.seed} is negative: use the seed of an earlier run's record")
    latency = max(1, args.blocks // 2)
    return replace(
        cells.PROTOCOL,
        pairs=args.pairs,
        latency_pairs=args.pairs,
        blocks=args.blocks,
        latency_blocks=latency,
    )


def main(args: argparse.Namespace) -> int:
    """Builds, measures, prints. The exit status is the verdict."""
    chosen = cells.choose(args.cell)
    protocol, bands = check_rounds(args), parse_bands(args.band)
    check_directory(args.out)
    if not 1 <= args.limit <= 86_400:
        raise UsageError(f"--limit {args.limit}: use 1 to 86400 seconds")
    base = revision.find_base(args.base)
    options = Options(
        tuple(args.argv),
        chosen,
        protocol,
        bands,
        tuple(sorted(set(args.stage or COUNT_STAGES + TIME_STAGES))),
        args.force_time,
        not args.no_guest,
        args.kernel,
        args.seed,
        args.out,
        float(args.limit),
        tuple(budget.read()),
        tuple(revision.exemptions(base, [cell.name for cell in chosen])),
    )
    descriptor_limit()
    progress = Progress(TIME_LIMIT_S, quiet=args.json)

    def say(text: str) -> None:
        if not args.json:
            print(text, flush=True)

    def finished(stage: Stage) -> None:
        for line in show.stage_lines(stage):
            say(line)

    say(f"gate: the working tree against {base.short} ({base.how})")
    with Interrupt() as interrupt:
        run = GateRun(base, builds.tree_programs(), options, interrupt, progress.show, finished)
        run.carry_out()
    progress.finish()
    if args.json:
        print_json(run.document())
        return run.status
    if run.out_of_time:
        say("there was not time enough: run the gate alone, with --cell or with a longer --limit")
    left_out = [NAMES[number] for number in NAMES if number not in options.stages]
    if left_out:
        say(f"not asked for: {', '.join(left_out)}")
    say(f"{run.timed_rows} timed rows, {run.seconds:.0f} s, {run.directory}")
    say(show.last_line(run.stages))
    return run.status
