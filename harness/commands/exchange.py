# SPDX-License-Identifier: MIT
"""`kevbench import` and `kevbench export`: results of and for other programs."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from harness import tree
from harness.commands.guard import refusing_damage
from harness.commands.parser import Subparsers, add_verb
from harness.errors import OK, UsageError
from results import slices
from results.errors import ResultsError
from results.exporters import csv_table, google_benchmark, hdr
from results.identity import new_run_id
from results.importers.formats import FORMATS, load
from results.importers.imported import Options, write_run
from results.reader import is_slice_histogram, read

_IMPORT_EXAMPLES = """\
  kevbench import google-benchmark bench.json
  kevbench import wrk wrk.txt --case nginx --out results/runs/nginx
  kevbench import perf-stat stat.json --operations 100000
  kevbench import callgrind callgrind.out.4711 --operations 2000
  kevbench import hdr latency.txt --unit ms
formats:
""" + "\n".join(
    f"  {one.name}: {one.made_by}" for one in FORMATS.values()
)
_EXPORT_EXAMPLES = """\
  kevbench export google-benchmark results/runs/nightly --out nightly.json
  kevbench export csv results/runs/nightly
  kevbench export slices results/runs/nightly --out slices.csv
  kevbench export hdr results/runs/nightly --case tcp_rr/epoll+lt"""
_EXPORTS = ("google-benchmark", "hdr", "csv", "slices")


def add(subparsers: Subparsers) -> None:
    """Mounts both verbs."""
    taken = add_verb(
        subparsers, "import", "make a run directory of another program's results", _IMPORT_EXAMPLES
    )
    taken.add_argument("format", choices=sorted(FORMATS), metavar="FORMAT", help="see below")
    taken.add_argument("file", type=Path, metavar="FILE")
    taken.add_argument("--out", type=Path, metavar="DIR", help="run directory; must not exist")
    taken.add_argument(
        "--case",
        default="imported",
        metavar="NAME",
        help="of what was measured, where FILE has none",
    )
    taken.add_argument(
        "--operations", type=int, metavar="N", help="operations behind a count, to divide it by"
    )
    taken.add_argument(
        "--unit", choices=("ns", "us", "ms", "s"), default="ms", help="of the values of hdr; ms"
    )
    taken.set_defaults(main=main_import)
    given = add_verb(
        subparsers, "export", "write a run in another program's format", _EXPORT_EXAMPLES
    )
    given.add_argument("format", choices=_EXPORTS, metavar="FORMAT", help=", ".join(_EXPORTS))
    given.add_argument("run", type=Path, metavar="RUN", help="run directory or results.jsonl")
    given.add_argument("--out", type=Path, metavar="FILE", help="must not exist; standard output")
    given.add_argument("--case", metavar="TEXT", help="of hdr: the case whose key holds the text")
    given.set_defaults(main=main_export)


def main_import(args: argparse.Namespace) -> int:
    """Reads the file whole before it writes anything."""
    if args.operations is not None and args.operations < 1:
        raise UsageError(f"--operations {args.operations}: use at least 1")
    options = Options(args.case, args.operations, args.unit)
    imported, text = load(args.format, args.file, options)
    out = args.out or tree.RUNS / f"imported-{new_run_id()[-6:]}"
    write_run(imported, out, args.format, text, args.argv, options)
    for note in imported.notes:
        print(f"kevbench: {note}", file=sys.stderr)
    figures, counts = len(imported.figures), len(imported.counts)
    print(f"{figures} figures, {counts} counts, {len(imported.histograms)} histograms: {out}")
    return OK


def main_export(args: argparse.Namespace) -> int:
    """Prints, or writes a file whole or not at all."""
    with refusing_damage(args.run):
        text = _exported(args)
    if args.out is None:
        sys.stdout.write(text)
        return OK
    try:
        with open(args.out, "x", encoding="utf-8") as output:
            output.write(text)
    except FileExistsError:
        raise ResultsError(f"{args.out} exists: name a file that does not") from None
    except OSError as problem:
        if args.out.is_file():
            os.unlink(args.out)
        raise ResultsError(f"cannot write {args.out}: {problem.strerror}") from None
    print(args.out)
    return OK


def _exported(args: argparse.Namespace) -> str:
    if args.format == "slices":
        return slices.dump(args.run)
    result = read(args.run, without={"slice"}, passing=is_slice_histogram)
    if args.format == "google-benchmark":
        return google_benchmark.dump(result)
    if args.format == "hdr":
        return hdr.dump(result, args.case)
    return csv_table.dump(result)
