# SPDX-License-Identifier: MIT
"""The stored histogram against sorted values."""

from __future__ import annotations

import random

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


def test_foreign_layouts_and_wrong_counts_are_refused() -> None:
    fields = {"layout": "hdr", "buckets": [], "count": 0}
    with pytest.raises(ResultsError, match="layout"):
        Histogram.from_fields(fields)
    with pytest.raises(ResultsError, match="add up"):
        Histogram.from_fields({"layout": "loglin2^10", "buckets": [[1, 2]], "count": 3})
