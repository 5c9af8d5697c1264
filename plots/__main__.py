# SPDX-License-Identifier: MIT
"""python3 -m plots RUN...: draws the report of each run directory."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from plots.report import render
from results.errors import ResultsError

_USAGE_ERROR = 4


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints the two paths of each report; 0, or 4 with one line on standard error."""
    parser = argparse.ArgumentParser(
        prog="python3 -m plots",
        description="Draw report.html and report.pdf into run directories.",
        epilog="example: python3 -m plots results/runs/2026-01-01T12-00-00-01KDWP",
    )
    parser.add_argument("runs", metavar="RUN", nargs="+", type=Path, help="run directory")
    for run_dir in parser.parse_args(arguments).runs:
        try:
            for path in render(run_dir):
                print(path)
        except ResultsError as problem:
            print(f"plots: {problem}", file=sys.stderr)
            return _USAGE_ERROR
        except OSError as problem:
            where = problem.filename or run_dir
            print(f"plots: cannot write {where}: {problem.strerror}", file=sys.stderr)
            return _USAGE_ERROR
    return 0


if __name__ == "__main__":
    sys.exit(main())
