# SPDX-License-Identifier: MIT
"""`kevbench report`: HTML and PDF from stored results."""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import sys
from pathlib import Path

from harness.commands.guard import refusing_damage
from harness.commands.parser import Subparsers, add_verb, print_json
from harness.errors import OK, UsageError
from results import summary
from results.errors import ResultsError
from results.reader import read

_EXAMPLES = """\
  kevbench report results/runs/20260101-120000-ABCDEF
  kevbench report run1 run2 --json
  kevbench report --hosts hosts.html run1 run2
"""


def add(subparsers: Subparsers) -> None:
    """Mounts the verb."""
    parser = add_verb(subparsers, "report", "write HTML and PDF from stored results", _EXAMPLES)
    parser.add_argument("runs", nargs="+", type=Path, metavar="RUN", help="a run directory")
    parser.add_argument(
        "--hosts",
        type=Path,
        metavar="FILE",
        help="one page with the figures of all runs side by side, instead of one for each",
    )
    parser.add_argument("--json", action="store_true", help="print the paths as JSON")
    parser.set_defaults(main=main)


def check_possible() -> None:
    """Raises UsageError when no report could be drawn: better known before a run than after."""
    for module, package in (("matplotlib", "python3-matplotlib"), ("jinja2", "python3-jinja2")):
        if importlib.util.find_spec(module) is None:
            raise UsageError(f"{package} is not installed: apt-get install {package}")


def draw(directory: Path) -> tuple[Path, Path]:
    """The report of one run. Raises UsageError with a remedy when it cannot be drawn."""
    try:
        module = importlib.import_module("plots.report")
    except ImportError as problem:
        raise UsageError(
            f"the report cannot be drawn ({problem}): install python3-matplotlib and "
            f"python3-jinja2, then kevbench report {directory}"
        ) from None
    try:
        html, pdf = module.render(directory)
    except OSError as problem:
        raise UsageError(f"cannot write the report into {directory}: {problem.strerror}") from None
    return Path(html), Path(pdf)


def main(args: argparse.Namespace) -> int:
    """Reads all runs first, so that a bad one leaves everything as it was."""
    with refusing_damage(*args.runs):
        return _report(args) if args.hosts is None else _side_by_side(args)


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


def _report(args: argparse.Namespace) -> int:
    results = [read(run) for run in args.runs]
    drawn = []
    for run, result in zip(args.runs, results):
        directory = run if run.is_dir() else run.parent
        if result.torn is not None:
            print(f"kevbench: {result.path}: {result.torn}", file=sys.stderr)
        try:
            summary.write(summary.build(result), directory)
        except OSError as problem:
            raise ResultsError(f"cannot write into {directory}: {problem.strerror}") from None
        html, pdf = draw(directory)
        drawn.append({"run_id": result.run_id, "html": str(html), "pdf": str(pdf)})
        if not args.json:
            print(html)
            print(pdf)
    if args.json:
        print_json(drawn)
    return OK
