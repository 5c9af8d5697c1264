# SPDX-License-Identifier: MIT
"""The log-linear histogram of results ("loglin2^10"), as stored in `hist` records.

Values below 2^11 have buckets of width 1; each further power of two is divided into 2^10 buckets,
so a bucket is at most 1/1024 of its lower bound wide and its midpoint is within 0.05 % of any value
in it. Bucket index and value relate as index = (shift << 10) + (value >> shift), where shift is 0
below 2^11 and otherwise brings value >> shift into [2^10, 2^11).

The worker records with kevbench/harness/histogram.hpp, whose header defines the layout and what a
quantile is. This is the same for reading, since stored results must be readable without a build; a
test holds the two to each other.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from results.errors import ResultsError

LAYOUT = "loglin2^10"
_BITS = 10
_LARGEST = (1 << 63) - 1
_BUCKETS = (63 - _BITS + 1) << _BITS
#: Where a sum stops, which is where 64 bits end.
_SUM_LIMIT = (1 << 64) - 1


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
    #: How many values were negative and counted as 0.
    negatives: int = 0

    def record(self, value: int, times: int = 1) -> None:
        """Counts a value `times` times. A negative one counts as 0 and in `negatives`.

        Raises ValueError for a value beyond 2^63-1 and for negative times.
        """
        if value > _LARGEST or times < 0:
            raise ValueError(f"{value} x {times} is beyond the layout's 0 to 2^63-1")
        if value < 0:
            self.negatives += times
            value = 0
        if times == 0:
            return
        index = bucket_of(value)
        self.buckets[index] = self.buckets.get(index, 0) + times
        self.count += times
        self.total = min(_SUM_LIMIT, self.total + value * times)
        self.minimum = value if self.minimum is None else min(self.minimum, value)
        self.maximum = value if self.maximum is None else max(self.maximum, value)

    def merge(self, other: Histogram) -> None:
        """Adds the other histogram's counts; exact, and independent of the order of merging."""
        for index, times in other.buckets.items():
            self.buckets[index] = self.buckets.get(index, 0) + times
        self.count += other.count
        self.total = min(_SUM_LIMIT, self.total + other.total)
        self.negatives += other.negatives
        for value in (other.minimum, other.maximum):
            if value is not None:
                self.minimum = value if self.minimum is None else min(self.minimum, value)
                self.maximum = value if self.maximum is None else max(self.maximum, value)

    def _rank(self, q: float) -> int:
        """The smallest rank whose share of all values is at least q."""
        rank = math.ceil(q * self.count)
        # q * count is rounded, so 0.07 * 100 comes out above 7; the definition is by division.
        if rank > 1 and (rank - 1) / self.count >= q:
            rank -= 1
        return max(1, min(self.count, rank))

    def quantile(self, q: float) -> int | None:
        """The value of the smallest rank r with r / count >= q, None when empty.

        Off by at most half a bucket (0.05 %); the smallest and largest value are exact. Raises
        ValueError unless 0 <= q <= 1.
        """
        if not 0 <= q <= 1:
            raise ValueError(f"quantile {q} is outside 0 to 1")
        if not self.count or self.minimum is None or self.maximum is None:
            return None
        wanted = self._rank(q)
        if wanted in (1, self.count):
            return self.minimum if wanted == 1 else self.maximum
        seen = 0
        for index in sorted(self.buckets):
            seen += self.buckets[index]
            if seen >= wanted:
                low, high = bucket_bounds(index)
                return max(self.minimum, min(self.maximum, (low + high) // 2))
        raise AssertionError("counts of buckets and of the histogram disagree")

    def fields(self) -> dict[str, Any]:
        """The fields of a record that describe the distribution."""
        described = {
            "layout": LAYOUT,
            "min": self.minimum,
            "max": self.maximum,
            "sum": self.total,
            "count": self.count,
            "buckets": [[index, self.buckets[index]] for index in sorted(self.buckets)],
        }
        if self.negatives:
            described["negatives"] = self.negatives
        return described

    @classmethod
    def from_fields(cls, record: Mapping[str, Any]) -> Histogram:
        """The histogram in a record.

        Raises ResultsError for another layout and for fields that contradict each other.
        """
        if record.get("layout") != LAYOUT:
            raise ResultsError(
                f"histogram layout {record.get('layout')!r} is not {LAYOUT}: "
                "measure again with this version"
            )
        indices = [int(index) for index, _ in record["buckets"]]
        if any(after <= before for before, after in zip(indices, indices[1:])):
            raise ResultsError("histogram buckets are not in order: measure again")
        buckets = {int(index): int(times) for index, times in record["buckets"] if times}
        if any(not 0 <= index < _BUCKETS for index in indices):
            raise ResultsError(f"a histogram bucket is beyond the layout's {_BUCKETS}")
        if sum(buckets.values()) != record["count"]:
            raise ResultsError("histogram counts do not add up: measure again")
        smallest, largest = (int(record[end]) if buckets else None for end in ("min", "max"))
        if smallest is not None and largest is not None:
            ends = bucket_of(smallest), bucket_of(largest)
            if smallest > largest or ends != (min(buckets), max(buckets)):
                raise ResultsError("histogram min or max is not in its outermost bucket")
        return cls(
            buckets,
            int(record["count"]),
            int(record["sum"]),
            smallest,
            largest,
            int(record.get("negatives", 0)),
        )


def merged(histograms: Iterable[Histogram]) -> Histogram:
    """The sum of all."""
    whole = Histogram()
    for histogram in histograms:
        whole.merge(histogram)
    return whole
