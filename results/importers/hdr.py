# SPDX-License-Identifier: MIT
"""HdrHistogram's percentile text, as wrk2 and the Java and C libraries print it."""

from __future__ import annotations

from results.errors import ResultsError
from results.histogram import Histogram
from results.importers.imported import Figure, Imported, Options, number

_NS = {"ns": 1.0, "us": 1e3, "ms": 1e6, "s": 1e9}
_QUANTILES = (("p50_ns", 0.5), ("p99_ns", 0.99), ("p999_ns", 0.999))
#: More values than this are no measurement, and less than the fewest are no tail.
_MOST = 1 << 62
_BEYOND = 10


def histogram(text: str, unit: str) -> Histogram:
    """The distribution: what a line counts beyond the line above it has at most its value.

    Raises ResultsError for another text, for counts that fall, and for values that do.
    """
    if unit not in _NS:
        raise ResultsError(f"unit {unit!r} is none of {', '.join(_NS)}")
    found = Histogram()
    seen, last = 0, -1.0
    for line in text.splitlines():
        words = line.split()
        if line.startswith("#") or not words or words[0] == "Value":
            continue
        if len(words) not in (3, 4):
            raise ResultsError(f"{line.strip()[:60]!r} is no line of HdrHistogram's percentiles")
        value = number(words[0], "a value")
        total = int(number(words[2], "a total count"))
        if value < last or total < seen or total > _MOST or value < 0:
            raise ResultsError("values and counts of the percentiles do not rise")
        found.record(round(value * _NS[unit]), total - seen)
        seen, last = total, value
    if not found.count:
        raise ResultsError("this is no percentile text of HdrHistogram: it has no line of values")
    return found


def load(text: str, options: Options) -> Imported:
    """The histogram, and the quantiles with enough values beyond them."""
    distribution = histogram(text, options.unit)
    figures = [
        Figure(options.case, metric, float(value))
        for metric, q in _QUANTILES
        if distribution.count * (1 - q) >= _BEYOND
        and (value := distribution.quantile(q)) is not None
    ]
    return Imported(tuple(figures), histograms={options.case: distribution})
