# SPDX-License-Identifier: MIT
"""`kevbench selftest`: what this machine resolves, and whether injected slow-downs are seen."""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from harness import catalogue, tree
from harness.commands.gate import check_rounds
from harness.commands.parser import Parser, Subparsers, add_verb, print_json
from harness.controller.interrupt import Interrupt, Interrupted
from harness.controller.recorder import Recorder
from harness.environment import collect
from harness.errors import INCONCLUSIVE, OK, REGRESSED, UsageError
from harness.gate import cells
from harness.gate.timing import Timer
from harness.measure import check_directory, make_directory
from harness.plan import descriptor_limit
from harness.progress import Progress
from harness.protocol import Protocol
from harness.selftest import noise, padded, power
from harness.stats.compare import BANDS
from results.identity import derived_seed, new_run_id
from results.reader import FILE_NAME
from results.writer import ResultWriter

_NOISE_EXAMPLES = """\
  kevbench selftest noise
  kevbench selftest noise --pairs 20 --cell source_pingpong
  kevbench selftest noise --json
exit status: 0 the gate's bands fit this machine, 3 some do not (see the bands it proposes)"""
_POWER_EXAMPLES = """\
  kevbench selftest power
  kevbench selftest power --repeats 10 --no-guest
  kevbench selftest power --size 0 --size 5 --json
exit status: 0 every slow-down judged right, 1 one judged wrong, 3 the guest could not be used"""


def add(subparsers: Subparsers) -> None:
    """Mounts the verb with its two parts."""
    parser = add_verb(
        subparsers,
        "selftest",
        "let the gate test itself on this machine",
        "  kevbench selftest noise\n  kevbench selftest power",
    )
    parts = parser.add_subparsers(dest="part", metavar="PART", parser_class=Parser)
    parts.required = True
    quiet = add_verb(parts, "noise", "measure what this machine can resolve", _NOISE_EXAMPLES)
    _common(quiet, cells.PROTOCOL.pairs)
    quiet.add_argument("--cell", action="append", default=[], metavar="TEXT", help="only these")
    quiet.set_defaults(main=main_noise)
    strong = add_verb(parts, "power", "inject slow-downs and see them judged", _POWER_EXAMPLES)
    _common(strong, cells.PROTOCOL.pairs)
    strong.add_argument(
        "--size", action="append", type=int, metavar="PERCENT", help="instead of 0, 2, 5 and 10"
    )
    strong.add_argument("--repeats", type=int, default=1, help="of each size in user space")
    strong.add_argument("--no-guest", action="store_true", help="leave the module out")
    strong.add_argument("--no-user", action="store_true", help="leave the worker out")
    strong.add_argument("--kernel", choices=("6.1", "6.12"), default="6.12", help="of the guest")
    strong.set_defaults(main=main_power)


def _common(parser: Parser, pairs: int) -> None:
    parser.add_argument("--pairs", type=int, default=pairs, help="of processes")
    parser.add_argument("--blocks", type=int, default=cells.PROTOCOL.blocks, help="in each pair")
    parser.add_argument("--seed", type=int, help="repeat the random order of an earlier run")
    parser.add_argument("--out", type=Path, metavar="DIR", help="run directory; must not exist")
    parser.add_argument("--json", action="store_true", help="print JSON")


@contextmanager
def _timer(args: argparse.Namespace, protocol: Protocol, progress: Progress) -> Iterator[Timer]:
    """A timer that writes the raw slices into a run directory, so that they can be looked at."""
    run_id = new_run_id()
    seed = derived_seed(run_id) if args.seed is None else args.seed
    directory = make_directory(args.out, run_id)
    started = time.monotonic()
    environment = collect.collect()
    with ResultWriter(directory / FILE_NAME, run_id) as writer, Interrupt() as interrupt:
        writer.append(
            "run",
            {
                "started_at": collect.now(),
                "argv": list(args.argv),
                "cwd_rel": ".",
                "seed": seed,
                "tool_version": tree.version(),
                "purpose": "aa",
                "profile": None,
                "protocol": protocol.fields(),
                "parent_run_id": None,
                "labels": {"selftest": args.part},
                "fingerprint": collect.fingerprint(environment["facts"]),
            },
        )
        writer.append("env", environment)
        state = "failed"
        try:
            yield Timer(Recorder(writer, collect.host_place()), interrupt, seed, progress.show)
            state = "complete"
        except Interrupted:
            state = "interrupted"
            raise KeyboardInterrupt from None
        finally:
            progress.finish()
            writer.append(
                "end",
                {
                    "ended_at": collect.now(),
                    "duration_s": round(time.monotonic() - started, 3),
                    "status": state,
                    "errors": [],
                    "after": collect.load_now(),
                },
            )


def main_noise(args: argparse.Namespace) -> int:
    """Measures, prints resolution and proposed bands."""
    protocol = check_rounds(args)
    chosen = cells.choose(args.cell)
    check_directory(args.out)
    descriptor_limit()
    known = catalogue.load()
    able = [one for one in chosen if cells.unavailable(one, known) is None]
    if not able:
        raise UsageError(f"nothing to measure: {cells.unavailable(chosen[0], known)}")
    progress = Progress(120.0, quiet=args.json)
    with _timer(args, protocol, progress) as timer:
        planned = [(one, cells.plan_cell(one, known, protocol)) for one in able]
        found = noise.measure(planned, timer, tree.worker())
        stolen = {name: noise.disturbance(data) for name, data in timer.data.items()}
    sound = [one for one in found if isinstance(one, noise.Noise)]
    blank = [one for one in found if not isinstance(one, noise.Noise)]
    proposed = noise.bands(sound)
    fits = bool(sound) and not blank and all(value <= BANDS[m] for m, value in proposed.items())
    fits = fits and not any(one.false_alarm for one in sound)
    status = OK if fits else INCONCLUSIVE
    if args.json:
        print_json(
            {
                "schema": "kvb.selftest.noise",
                "rows": [one.fields() for one in sound],
                "blank": [{"case": c, "metric": m, "reason": why} for c, m, why in blank],
                "bands": proposed,
                "steal_percent": stolen,
                "status": status,
            }
        )
        return status
    for one in sound:
        interval = one.interval or (0.0, 0.0)
        print(
            f"{one.case} {one.metric}: itself {one.estimate:+.2f} % "
            f"({interval[0]:+.2f} to {interval[1]:+.2f}), pairs scatter {one.pair_sd:.2f} %, finds "
            f"{one.resolution[5]:.1f} % with 5 pairs, {one.resolution[10]:.1f} % with 10, "
            f"{one.resolution[20]:.1f} % with 20; band {one.band:g} %, {one.state}"
        )
    for case, metric, reason in blank:
        print(f"{case} {metric}: {reason}")
    print(f"steal: {max(stolen.values(), default=0.0):.1f} % in the worst cell")
    options = " ".join(f"--band {metric}={value:g}" for metric, value in proposed.items())
    print(f"bands that fit this machine: {options}")
    print("the gate's own bands fit" if fits else "the gate's own bands are too narrow here")
    return status


def main_power(args: argparse.Namespace) -> int:
    """Injects, judges, and counts what was judged right."""
    protocol = replace(check_rounds(args), latency_pairs=0)
    if not 1 <= args.repeats <= 1000:
        raise UsageError(f"--repeats {args.repeats}: use 1 to 1000")
    sizes = tuple(args.size or power.SIZES)
    if any(not 0 <= size <= 100 for size in sizes):
        raise UsageError("--size takes 0 to 100 percent")
    if args.no_user and args.no_guest:
        raise UsageError("--no-user and --no-guest leave nothing to do")
    check_directory(args.out)
    descriptor_limit()
    progress = Progress(600.0, quiet=args.json)
    found: list[power.Case] = []
    notes: list[str] = []
    with _timer(args, protocol, progress) as timer:
        if not args.no_user:
            progress.show("building the padded worker")
            program = padded.padded_worker()
            cell = cells.HOST_CELLS[0]
            found += power.user_space(
                program, cell, timer, protocol, sizes, args.repeats, progress.show
            )
        if not args.no_guest:
            found += _module(args, notes, progress)
    wrong = [case for case in found if not case.right]
    status = REGRESSED if wrong else INCONCLUSIVE if notes else OK
    if args.json:
        print_json({**power.document(found, notes), "status": status})
        return status
    _print_power(found, notes)
    return status


def _module(args: argparse.Namespace, notes: list[str], progress: Progress) -> list[power.Case]:
    """The part in the guest; without a guest a note says so."""
    from harness.guest.choose import choose_kernel
    from harness.guest.errors import GuestError

    try:
        kernel = choose_kernel(args.kernel, progress.show)
        sources = padded.padded_sources()
        sizes = tuple(args.size or power.KERNEL_SIZES)
        return power.kernel_space(
            tree.worker(), sources, kernel, padded.FLAGS, sizes, progress.show
        )
    except (GuestError, UsageError) as problem:
        notes.append(f"the module was not tested: {problem}")
        return []


def _print_power(found: list[power.Case], notes: list[str]) -> None:
    for case in found:
        measured = "" if case.measured is None else f" ({case.measured:+.2f} %)"
        values = (
            ""
            if case.base is None or case.change is None
            else f" {case.base:.1f} -> {case.change:.1f}"
        )
        word = "right" if case.right else f"WRONG, wanted {' or '.join(case.wanted)}"
        why = f": {case.reason}" if case.reason and not case.right else ""
        print(
            f"{case.place}: {case.injected:g} % injected, {case.metric} of {case.case}{values}"
            f"{measured}: {case.said}, {word}{why}"
        )
    for note in notes:
        print(note)
    for place in sorted({case.place for case in found}):
        for size in sorted({case.injected for case in found if case.place == place}):
            group = [c for c in found if c.place == place and c.injected == size]
            right = sum(case.right for case in group)
            print(f"{place}: {size:g} % judged right {right} of {len(group)} times")
