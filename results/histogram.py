# SPDX-License-Identifier: MIT
"""The log-linear histogram of results ("loglin2^10"), as stored in `hist` records.

Values below 2^11 have buckets of width 1; each further power of two is divided into 2^10 buckets,
so a bucket is at most 1/1024 of its lower bound wide and its midpoint is within 0.05 % of any value
in it. Bucket index and value relate as index = (shift << 10) + (value >> shift), where shift is 0
below 2^11 and otherwise brings value >> shift into [2^10, 2^11).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from results.errors import ResultsError

LAYOUT = "loglin2^10"
_BITS = 10
_HALF = 1 << _BITS


def bucket_of(value: int) -> int:
    """Index of the bucket that holds a non-negative value."""
    shift = max(0, value.bit_length() - (_BITS + 1))
    return (shift << _BITS) + (value >> shift)


def bucket_bounds(index: int) -> tuple[int, int]:
    """Lowest and highest integer value of a bucket, both included."""
    shift = max(0, (index >> _BITS) - 1)
    low = (index - (shift << _BITS)) << shift
    return low, low + (1 << shift) - 1


@dataclass
class Histogram:
    """A mutable sparse histogram of non-negative integers. Not thread-safe."""

    buckets: dict[int, int] = field(default_factory=dict)
    count: int = 0
    total: int = 0
    minimum: int | None = None
    maximum: int | None = None

    def record(self, value: int, times: int = 1) -> None:
        """Counts a value `times` times."""
        index = bucket_of(value)
        self.buckets[index] = self.buckets.get(index, 0) + times
        self.count += times
        self.total += value * times
        self.minimum = value if self.minimum is None else min(self.minimum, value)
        self.maximum = value if self.maximum is None else max(self.maximum, value)

    def merge(self, other: Histogram) -> None:
        """Adds the other histogram's counts; exact, and independent of the order of merging."""
        for index, times in other.buckets.items():
            self.buckets[index] = self.buckets.get(index, 0) + times
        self.count += other.count
        self.total += other.total
        for value in (other.minimum, other.maximum):
            if value is not None:
                self.minimum = value if self.minimum is None else min(self.minimum, value)
                self.maximum = value if self.maximum is None else max(self.maximum, value)

    def quantile(self, q: float) -> int | None:
        """Value at quantile q of [0, 1] (middle of its bucket), None when empty."""
        if not self.count or self.minimum is None or self.maximum is None:
            return None
        wanted = max(1, min(self.count, -int(-q * self.count // 1)))
        seen = 0
        for index in sorted(self.buckets):
            seen += self.buckets[index]
            if seen >= wanted:
                low, high = bucket_bounds(index)
                return max(self.minimum, min(self.maximum, (low + high) // 2))
        raise AssertionError("counts of buckets and of the histogram disagree")

    def fields(self) -> dict[str, Any]:
        """The fields of a record that describe the distribution."""
        return {
            "layout": LAYOUT,
            "min": self.minimum,
            "max": self.maximum,
            "sum": self.total,
            "count": self.count,
            "buckets": [[index, self.buckets[index]] for index in sorted(self.buckets)],
        }

    @classmethod
    def from_fields(cls, record: Mapping[str, Any]) -> Histogram:
        """The histogram in a record. Raises ResultsError for another layout or wrong counts."""
        if record.get("layout") != LAYOUT:
            raise ResultsError(
                f"histogram layout {record.get('layout')!r} is not {LAYOUT}: "
                "measure again with this version"
            )
        buckets = {int(index): int(times) for index, times in record["buckets"]}
        if sum(buckets.values()) != record["count"]:
            raise ResultsError("histogram counts do not add up: measure again")
        empty = record["count"] == 0
        return cls(
            buckets,
            int(record["count"]),
            int(record["sum"]),
            None if empty else int(record["min"]),
            None if empty else int(record["max"]),
        )


def merged(histograms: Iterable[Histogram]) -> Histogram:
    """The sum of all."""
    whole = Histogram()
    for histogram in histograms:
        whole.merge(histogram)
    return whole
