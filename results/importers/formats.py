# SPDX-License-Identifier: MIT
"""The formats that can be imported, by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from results.errors import ResultsError
from results.importers import callgrind, csv_table, google_benchmark, hdr, load_text, perf_stat
from results.importers.imported import Imported, Options

#: A larger file is no report of one run.
LARGEST = 256 << 20


@dataclass(frozen=True)
class Format:
    """One format."""

    name: str
    made_by: str
    load: Callable[[str, Options], Imported]


_ALL = (
    Format("google-benchmark", "--benchmark_format=json", google_benchmark.load),
    Format("httperf", "httperf", load_text.httperf),
    Format("wrk", "wrk --latency, wrk2 --latency", load_text.wrk),
    Format("h2load", "h2load", load_text.h2load),
    Format("perf-stat", "perf stat -j", perf_stat.load),
    Format("callgrind", "valgrind --tool=callgrind (callgrind.out.PID)", callgrind.load),
    Format("hdr", "HdrHistogram percentile text, wrk2 -L", hdr.load),
    Format("csv", "a table with the columns case, metric and value", csv_table.load),
)
FORMATS: dict[str, Format] = {one.name: one for one in _ALL}


def read_text(path: Path) -> str:
    """The text of a file. Raises ResultsError for what cannot be one."""
    try:
        if path.stat().st_size > LARGEST:
            raise ResultsError(f"{path} is larger than {LARGEST >> 20} MiB: import a single result")
        return path.read_bytes().decode("utf-8")
    except OSError as problem:
        raise ResultsError(f"cannot read {path}: {problem.strerror}") from None
    except UnicodeDecodeError:
        raise ResultsError(f"{path} is not text: give the report, not a recording") from None


def load(name: str, path: Path, options: Options) -> tuple[Imported, str]:
    """What a file holds, and its text. Raises ResultsError that names the file."""
    text = read_text(path)
    try:
        return FORMATS[name].load(text, options), text
    except ResultsError as problem:
        raise ResultsError(f"{path}: {problem}") from None
