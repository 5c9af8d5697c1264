# SPDX-License-Identifier: MIT
"""The C++ histogram from Python: against sorted arrays, and against the one that reads results."""

from __future__ import annotations

import copy
import gc
import math
import pickle
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import ArrayLike

from _kevbench import DataError, Histogram
from results.errors import ResultsError
from results.histogram import LAYOUT, bucket_bounds, bucket_of
from results.histogram import Histogram as Stored

LARGEST = 2**63 - 1
#: Evenly over the magnitudes, where a log-linear layout can go wrong, and with ties.
values = st.one_of(
    st.integers(0, LARGEST),
    st.integers(0, 5000),
    st.integers(0, 62).map(lambda bits: 1 << bits),
    st.integers(1, 62).map(lambda bits: (1 << bits) - 1),
)
samples = st.lists(values, min_size=1, max_size=200)
shares = st.floats(0, 1)


def recorded(sample: list[int]) -> Histogram:
    histogram = Histogram()
    histogram.record_array(np.array(sample, dtype=np.int64))
    return histogram


def stored(sample: list[int]) -> Stored:
    histogram = Stored()
    for value in sample:
        histogram.record(value)
    return histogram


@given(samples, st.lists(shares, max_size=10))
def test_quantiles_are_within_a_thousandth_of_the_sorted_array(
    sample: list[int], q: list[float]
) -> None:
    ordered = sorted(sample)
    histogram = recorded(sample)
    found = histogram.quantiles(np.array(q))
    assert found.dtype == np.int64 and found.shape == (len(q),)
    for share, value in zip(q, found.tolist()):
        rank = next(r for r in range(1, len(ordered) + 1) if r / len(ordered) >= share)
        exact = ordered[rank - 1]
        assert abs(value - exact) <= exact * Histogram.MAX_RELATIVE_ERROR
        assert value == histogram.quantile(share)
    assert (histogram.quantile(0), histogram.quantile(1)) == (ordered[0], ordered[-1])


@given(samples, samples)
def test_merging_equals_recording_the_concatenation(first: list[int], second: list[int]) -> None:
    one, other = recorded(first), recorded(second)
    one.merge(other)
    assert one == recorded(first + second)
    assert other == recorded(second)
    assert one != other


@given(samples)
def test_scalars_arrays_and_times_record_the_same(sample: list[int]) -> None:
    scalars, counted = Histogram(), Histogram()
    for value in sample:
        scalars.record(value)
    for value in set(sample):
        counted.record(value, sample.count(value))
    assert recorded(sample) == scalars == counted
    assert scalars.count == len(sample)
    assert (scalars.min, scalars.max) == (min(sample), max(sample))
    assert scalars.sum == min(sum(sample), 2**64 - 1)


@given(st.lists(st.one_of(values, st.integers(-LARGEST, -1)), max_size=100), st.lists(shares))
def test_the_reader_of_results_is_the_same_histogram(sample: list[int], q: list[float]) -> None:
    ours, theirs = recorded(sample), stored(sample)
    assert ours.to_fields() == theirs.fields()
    assert [ours.quantile(share) for share in q] == [theirs.quantile(share) for share in q]
    assert Histogram.from_fields(theirs.fields()) == ours
    assert Stored.from_fields(ours.to_fields()) == theirs


@given(samples, samples)
def test_the_reader_of_results_merges_the_same(first: list[int], second: list[int]) -> None:
    ours, theirs = recorded(first), stored(first)
    ours.merge(recorded(second))
    theirs.merge(stored(second))
    assert ours.to_fields() == theirs.fields()


def test_both_have_one_layout() -> None:
    assert Histogram.LAYOUT == LAYOUT
    for index in range(Histogram.BUCKET_COUNT):
        low, high = bucket_bounds(index)
        assert (Histogram.lower_bound(index), Histogram.width(index)) == (low, high - low + 1)
    for value in [0, 2047, 2048, 2049, *(1 << bits for bits in range(12, 63)), LARGEST]:
        assert Histogram.index_of(value) == bucket_of(value)


FIELDS: dict[str, Any] = {
    "layout": LAYOUT,
    "count": 2,
    "sum": 8,
    "min": 3,
    "max": 5,
    "buckets": [[3, 1], [5, 1]],
}


@pytest.mark.parametrize(
    "change",
    [
        {"layout": "hdr"},
        {"count": 3},
        {"buckets": [[5, 1], [3, 1]]},
        {"buckets": [[3, 1], [3, 1], [5, 1]]},
        {"buckets": [[3, 1], [Histogram.BUCKET_COUNT, 1]]},
        {"min": 4},
        {"max": 4},
        {"min": 5, "max": 3},
    ],
)
def test_both_refuse_the_same_fields(change: dict[str, Any]) -> None:
    assert Histogram.from_fields(FIELDS).to_fields() == Stored.from_fields(FIELDS).fields()
    with pytest.raises(DataError):
        Histogram.from_fields({**FIELDS, **change})
    with pytest.raises(ResultsError):
        Stored.from_fields({**FIELDS, **change})


def test_without_values_there_are_no_figures() -> None:
    empty = Histogram()
    assert (empty.count, empty.sum, empty.negatives) == (0, 0, 0)
    assert (empty.min, empty.max, empty.quantile(0.5)) == (None, None, None)
    with pytest.raises(ValueError, match="without values"):
        empty.quantiles([0.5])
    assert empty == Histogram.from_fields(empty.to_fields())


@pytest.mark.parametrize("q", [-0.1, 1.1, math.nan, math.inf])
def test_a_share_outside_0_to_1_is_refused(q: float) -> None:
    with pytest.raises(ValueError, match="outside 0 to 1"):
        recorded([1]).quantile(q)
    with pytest.raises(ValueError, match="outside 0 to 1"):
        recorded([1]).quantiles([0.5, q])
    with pytest.raises(ValueError, match="outside 0 to 1"):
        Histogram().quantile(q)


def test_quantiles_keep_the_shape_of_what_is_asked() -> None:
    found = recorded(list(range(1, 101))).quantiles([[0.5, 0.07], [1.0, 0.0]])
    assert found.tolist() == [[50, 7], [100, 1]]
    assert recorded([4]).quantiles(0.5).shape == ()


@pytest.mark.parametrize("kind", ["i1", "u1", "i4", "u4", "u8", ">i8"])
def test_arrays_of_any_integer_kind_and_shape_are_taken(kind: str) -> None:
    given_values = np.arange(24).astype(kind).reshape(2, 3, 4)[:, ::2]
    histogram = Histogram()
    histogram.record_array(given_values)
    assert (histogram.count, histogram.sum) == (16, int(given_values.sum()))


def test_a_refused_array_adds_nothing() -> None:
    histogram = Histogram()
    wrong_kinds: list[ArrayLike] = [[1.5], np.array([1.0]), np.array(["1"]), np.array([True])]
    for wrong in wrong_kinds:
        with pytest.raises(TypeError, match="integers"):
            histogram.record_array(wrong)
    with pytest.raises(ValueError, match="2\\^63"):
        histogram.record_array(np.array([1, 2**63], dtype=np.uint64))
    with pytest.raises(ValueError, match="2\\^63"):
        histogram.record(2**63)
    with pytest.raises(ValueError, match="negative"):
        histogram.record(1, -1)
    histogram.record_array([])
    assert histogram.count == 0


def test_a_negative_value_counts_as_zero_and_shows() -> None:
    histogram = recorded([-5, 7, -1])
    assert (histogram.negatives, histogram.min, histogram.count, histogram.sum) == (2, 0, 3, 7)


def test_counts_are_the_histograms_own_memory() -> None:
    histogram = recorded([3, 3, 5000])
    counts = histogram.counts
    assert counts.shape == (Histogram.BUCKET_COUNT,) and counts.dtype == np.uint64
    assert np.shares_memory(counts, histogram.counts)
    assert counts.base is histogram
    assert counts.nonzero()[0].tolist() == [3, Histogram.index_of(5000)]
    histogram.record(3)
    assert counts[3] == 3
    histogram.clear()
    assert not counts.any()
    with pytest.raises(ValueError, match="read-only"):
        counts[0] = 1


def test_counts_outlive_the_name_of_their_histogram() -> None:
    counts = recorded([1, 2, 2]).counts
    gc.collect()
    churn = [Histogram() for _ in range(20)]  # would take freed memory
    assert counts[:3].tolist() == [0, 1, 2] and len(churn) == 20


def test_copies_are_independent() -> None:
    histogram = recorded([1, 5000, -2])
    for twin in (
        histogram.copy(),
        copy.copy(histogram),
        copy.deepcopy(histogram),
        pickle.loads(pickle.dumps(histogram)),
    ):
        assert twin == histogram
        twin.record(1)
        assert twin != histogram and twin.count == histogram.count + 1


def test_buckets_beyond_the_layout_are_refused() -> None:
    for index in (-1, Histogram.BUCKET_COUNT):
        with pytest.raises(IndexError, match="is not one of"):
            Histogram.lower_bound(index)
        with pytest.raises(IndexError, match="is not one of"):
            Histogram.width(index)
    with pytest.raises(ValueError, match="negative"):
        Histogram.index_of(-1)
