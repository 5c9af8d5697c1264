# SPDX-License-Identifier: MIT
"""The stored histogram against sorted values."""

from __future__ import annotations

import random
from typing import Any

import pytest

from results.errors import ResultsError
from results.histogram import Histogram, bucket_bounds, bucket_of, merged


def test_buckets_tile_the_integers_with_at_most_a_thousandth_of_error() -> None:
    edge = 0
    for index in range(20 * 1024):
        low, high = bucket_bounds(index)
        assert low == edge
        assert bucket_of(low) == bucket_of(high) == index
        assert high - low <= max(0, low / 1024)
        edge = high + 1


def test_quantiles_agree_with_sorted_values() -> None:
    rng = random.Random(5)
    values = sorted(int(rng.lognormvariate(9, 1.4)) for _ in range(20_000))
    histogram = Histogram()
    for value in values:
        histogram.record(value)
    for q in (0.0, 0.5, 0.9, 0.99, 0.999, 1.0):
        exact = values[max(0, min(len(values), -int(-q * len(values) // 1)) - 1)]
        found = histogram.quantile(q)
        assert found is not None and abs(found - exact) <= exact / 1000 + 1


def test_merging_equals_recording_in_one() -> None:
    parts = [Histogram() for _ in range(3)]
    whole = Histogram()
    for value in range(1, 30_000, 7):
        parts[value % 3].record(value)
        whole.record(value)
    assert merged(parts) == whole == Histogram.from_fields(whole.fields())


def test_an_empty_histogram_has_no_quantile() -> None:
    assert Histogram().quantile(0.5) is None
    assert Histogram.from_fields(Histogram().fields()).minimum is None


def test_a_quantile_is_a_rank_by_division_and_exact_at_both_ends() -> None:
    histogram = Histogram()
    for value in range(1, 101):
        histogram.record(value)
    # 0.07 * 100 is a little above 7 in floating point, yet 7 / 100 >= 0.07.
    assert [histogram.quantile(q) for q in (0.0, 0.07, 0.5, 1.0)] == [1, 7, 50, 100]
    wide = Histogram()
    wide.record(1_000_001)
    wide.record(5_000_003)
    assert (wide.quantile(0.5), wide.quantile(0.51)) == (1_000_001, 5_000_003)
    with pytest.raises(ValueError, match="outside"):
        wide.quantile(1.5)


def test_what_the_layout_cannot_hold_is_told() -> None:
    histogram = Histogram()
    histogram.record(-5, 2)
    assert (histogram.negatives, histogram.minimum, histogram.count) == (2, 0, 2)
    assert Histogram.from_fields(histogram.fields()) == histogram
    with pytest.raises(ValueError, match="beyond"):
        histogram.record(1 << 63)


@pytest.mark.parametrize(
    "change, text",
    [
        ({"buckets": [[5, 1], [3, 1]]}, "order"),
        ({"buckets": [[3, 1], [60_000, 1]]}, "beyond"),
        ({"min": 4}, "outermost"),
        ({"max": 4}, "outermost"),
    ],
)
def test_fields_that_contradict_each_other_are_refused(change: dict[str, Any], text: str) -> None:
    fields: dict[str, Any] = {"layout": "loglin2^10", "count": 2, "sum": 8, "min": 3, "max": 5}
    fields["buckets"] = [[3, 1], [5, 1]]
    assert Histogram.from_fields(fields).count == 2
    with pytest.raises(ResultsError, match=text):
        Histogram.from_fields({**fields, **change})


def test_foreign_layouts_and_wrong_counts_are_refused() -> None:
    fields = {"layout": "hdr", "buckets": [], "count": 0}
    with pytest.raises(ResultsError, match="layout"):
        Histogram.from_fields(fields)
    with pytest.raises(ResultsError, match="add up"):
        Histogram.from_fields({"layout": "loglin2^10", "buckets": [[1, 2]], "count": 3})
