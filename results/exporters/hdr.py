# SPDX-License-Identifier: MIT
"""HdrHistogram's percentile text, which its plotter and wrk2's tools read."""

from __future__ import annotations

import math

from results.errors import ResultsError
from results.histogram import Histogram, bucket_bounds
from results.reader import ResultFile

_TICKS_PER_HALF = 5


def percentiles(histogram: Histogram, scale: float = 1e6) -> str:
    """The text; values are divided by `scale`, so that the default prints milliseconds.

    Steps halve with the distance to 100 %, five in each half, as HdrHistogram's own output does.
    Raises ResultsError for an empty histogram.
    """
    if not histogram.count or histogram.maximum is None:
        raise ResultsError("an empty histogram has no percentiles")
    lines = [f"{'Value':>12} {'Percentile':>14} {'TotalCount':>10} {'1/(1-Percentile)':>14}", ""]
    cumulated = _cumulated(histogram)
    for q in _steps(histogram.count):
        value = histogram.quantile(q)
        assert value is not None
        total = _total(cumulated, value)
        inverse = f"{1 / (1 - q):14.2f}" if q < 1 else ""
        lines.append(f"{value / scale:12.6f} {q:14.12f} {total:10d} {inverse}".rstrip())
    mean = histogram.total / histogram.count
    deviation = math.sqrt(_variance(histogram, mean))
    lines += [
        f"#[Mean    = {mean / scale:12.6f}, StdDeviation   = {deviation / scale:12.6f}]",
        f"#[Max     = {histogram.maximum / scale:12.6f}, Total count    = {histogram.count:12d}]",
        f"#[Buckets = {len(histogram.buckets):12d}, SubBuckets     = {1 << 10:12d}]",
    ]
    return "\n".join(lines) + "\n"


def _steps(count: int) -> list[float]:
    steps: list[float] = []
    half = 1.0
    while half * count > 0.5 and len(steps) < 64 * _TICKS_PER_HALF:
        start = 1.0 - half
        steps += [start + half / 2 * tick / _TICKS_PER_HALF for tick in range(_TICKS_PER_HALF)]
        half /= 2
    return [*steps, 1.0]


def _middle(histogram: Histogram, index: int) -> float:
    low, high = bucket_bounds(index)
    return (low + high) / 2


def _cumulated(histogram: Histogram) -> list[tuple[float, int]]:
    """The lower bound of each bucket with how many values lie in it and below."""
    seen, found = 0, []
    for index in sorted(histogram.buckets):
        seen += histogram.buckets[index]
        found.append((float(bucket_bounds(index)[0]), seen))
    return found


def _total(cumulated: list[tuple[float, int]], value: float) -> int:
    """How many values lie in the bucket of this one and below."""
    total = 0
    for low, seen in cumulated:
        if low > value:
            break
        total = seen
    return total


def _variance(histogram: Histogram, mean: float) -> float:
    return (
        sum(
            times * (_middle(histogram, index) - mean) ** 2
            for index, times in histogram.buckets.items()
        )
        / histogram.count
    )


def dump(result: ResultFile, case: str | None = None) -> str:
    """The latencies of one case, in milliseconds. Raises ResultsError.

    A run with several cases needs one named: the format has no place for a second.
    """
    found = {
        str(record["case_key"]): record
        for record in result.of("hist", scope="case")
        if record["kind"] == "latency" and record["count"]
    }
    chosen = [key for key in found if case is None or case in key]
    if not chosen:
        listed = ", ".join(sorted(found)) or "none"
        raise ResultsError(f"no latencies of such a case: there are {listed[:400]}")
    if len(chosen) > 1:
        raise ResultsError(
            f"{len(chosen)} cases have latencies: name one of {', '.join(chosen)[:400]}"
        )
    return percentiles(Histogram.from_fields(found[chosen[0]]))
