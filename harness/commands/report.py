# SPDX-License-Identifier: MIT
"""`kevbench report`: HTML and PDF from stored results."""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from harness.analysis.timeline import chronicle
from harness.commands.guard import refusing_damage
from harness.commands.parser import Subparsers, add_verb, print_json
from harness.errors import OK, UsageError
from results import summary
from results.errors import ResultsError
from results.reader import RAW, ResultFile, read
from results.timeline import Chronicle

_EXAMPLES = """\
  kevbench report results/runs/20260101-120000-ABCDEF
  kevbench report run1 run2 --json
  kevbench report run1 --workload idle_scan
  kevbench report --history nightly.jsonl
  kevbench report run1 --history nightly.jsonl
  kevbench report --hosts hosts.html run1 run2
"""


def add(subparsers: Subparsers) -> None:
    """Mounts the verb."""
    parser = add_verb(subparsers, "report", "write HTML and PDF from stored results", _EXAMPLES)
    parser.add_argument("runs", nargs="*", type=Path, metavar="RUN", help="a run directory")
    parser.add_argument(
        "--hosts",
        type=Path,
        metavar="FILE",
        help="one page with the figures of all runs side by side, instead of one for each",
    )
    parser.add_argument(
        "--history",
        type=Path,
        metavar="STORE",
        help="results of many commits (kevbench history): by itself a page beside STORE, with RUN "
        "a figure of its report",
    )
    parser.add_argument(
        "--workload",
        action="append",
        default=[],
        metavar="W",
        help="draw every cell of this workload and nothing else, into files of its own; may be "
        "repeated",
    )
    parser.add_argument("--json", action="store_true", help="print the paths as JSON")
    parser.set_defaults(main=main)


def check_possible() -> None:
    """Raises UsageError when no report could be drawn: better known before a run than after."""
    for module, package in (("matplotlib", "python3-matplotlib"), ("jinja2", "python3-jinja2")):
        if importlib.util.find_spec(module) is None:
            raise UsageError(f"{package} is not installed: apt-get install {package}")


def _module(about: Path) -> Any:
    try:
        return importlib.import_module("plots.report")
    except ImportError as problem:
        raise UsageError(
            f"the report cannot be drawn ({problem}): install python3-matplotlib and "
            f"python3-jinja2, then kevbench report {about}"
        ) from None


def draw(
    directory: Path,
    history: Chronicle | None = None,
    workloads: Sequence[str] = (),
    seen: Callable[[ResultFile], None] | None = None,
) -> tuple[Path, Path]:
    """The report of one run. Raises UsageError with a remedy when it cannot be drawn."""
    module = _module(directory)
    try:
        html, pdf = module.render(directory, history, workloads, seen)
    except OSError as problem:
        raise UsageError(f"cannot write the report into {directory}: {problem.strerror}") from None
    return Path(html), Path(pdf)


def main(args: argparse.Namespace) -> int:
    """Reads all runs first, so that a bad one leaves everything as it was."""
    if args.workload and (not args.runs or args.hosts is not None):
        raise UsageError("--workload is for the report of a run: name its directory, no --hosts")
    if not args.runs and args.history is None:
        raise UsageError("nothing to report: name a run directory, or --history STORE")
    history = chronicle(args.history) if args.history is not None else None
    if not args.runs:
        assert history is not None
        return _report_history(args, history)
    with refusing_damage(*args.runs):
        return _report(args, history) if args.hosts is None else _side_by_side(args)


def _side_by_side(args: argparse.Namespace) -> int:
    check_possible()
    hosts = importlib.import_module("plots.hosts")
    try:
        page = hosts.render(args.hosts, args.runs)
    except OSError as problem:
        raise UsageError(f"cannot write {args.hosts}: {problem.strerror}") from None
    if args.json:
        print_json({"html": str(page)})
    else:
        print(page)
    return OK


def _report_history(args: argparse.Namespace, history: Chronicle) -> int:
    module = _module(args.history)
    try:
        html, pdf = module.render_history(history, args.history)
    except OSError as problem:
        where = args.history.absolute().parent
        raise UsageError(f"cannot write the report into {where}: {problem.strerror}") from None
    if args.json:
        print_json([{"history": str(args.history), "html": str(html), "pdf": str(pdf)}])
    else:
        print(html)
        print(pdf)
    return OK


def _summarise(result: ResultFile, directory: Path) -> None:
    """What was read serves the summary as well: reading a full run takes a while."""
    if result.torn is not None:
        print(f"kevbench: {result.path}: {result.torn}", file=sys.stderr)
    try:
        summary.write(summary.build(result), directory)
    except OSError as problem:
        raise ResultsError(f"cannot write into {directory}: {problem.strerror}") from None


def _report(args: argparse.Namespace, history: Chronicle | None) -> int:
    for run in args.runs:
        # A single one is read once, before anything is written; what is missing is refused here.
        if len(args.runs) > 1 or not run.exists():
            read(run, without=RAW)
    drawn = []
    for run in args.runs:
        directory = run if run.is_dir() else run.parent
        names: list[str] = []

        def seen(result: ResultFile) -> None:
            names.append(result.run_id)
            _summarise(result, directory)

        html, pdf = draw(directory, history, args.workload, seen)
        drawn.append({"run_id": names[0], "html": str(html), "pdf": str(pdf)})
        if not args.json:
            print(html)
            print(pdf)
    if args.json:
        print_json(drawn)
    return OK
