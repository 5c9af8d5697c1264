# SPDX-License-Identifier: MIT
"""The estimators on series whose truth is known: A/A, shift, drift, ties, too few pairs."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from harness.stats import checks
from harness.stats.bootstrap import bootstrap_median
from harness.stats.compare import BANDS, compare, judge, judge_aa, percent
from harness.stats.pairs import block_log_ratios, pair_log_ratio, pair_value
from harness.stats.signflip import holm, sign_flip_p
from harness.stats.slope import pair_slopes, slope


def _pairs(
    seed: int, shift: float, pairs: int = 10, blocks: int = 12, drift: float = 0.0, sd: float = 0.06
) -> list[float]:
    """Pair log ratios of simulated ABBA slices: common drift, own noise, own layout effect."""
    rng = np.random.default_rng(seed)
    ratios = []
    clock = 0
    for _ in range(pairs):
        layout = rng.normal(0, 0.004)
        sides: tuple[dict[int, list[float]], dict[int, list[float]]] = ({}, {})
        for block in range(blocks):
            order = (0, 1, 1, 0) if rng.random() < 0.5 else (1, 0, 0, 1)
            for side in order:
                clock += 1
                log_cost = drift * clock + rng.normal(0, sd)
                if side:
                    log_cost += math.log1p(shift) + layout
                sides[side].setdefault(block, []).append(4000 * math.exp(log_cost))
        found = pair_log_ratio(sides[0], sides[1])
        assert found is not None
        ratios.append(found)
    return ratios


def test_identical_code_is_not_declared_different_and_says_what_it_could_have_seen() -> None:
    declared = 0
    for seed in range(60):
        comparison = compare(_pairs(seed, 0.0), seed)
        assert comparison is not None and comparison.resolution_percent is not None
        assert comparison.resolution_percent < 5.0
        declared += judge(comparison, BANDS["cpu_ns_per_event"]) in ("cheaper", "dearer")
        state, reason = judge_aa(comparison, BANDS["cpu_ns_per_event"])
        assert state != "invalid" and "could have seen" in reason
    assert declared == 0


@pytest.mark.parametrize("shift", [0.10, -0.10])
def test_a_shift_of_ten_percent_is_found_with_its_sign(shift: float) -> None:
    for seed in range(20):
        comparison = compare(_pairs(seed, shift), seed)
        assert comparison is not None
        assert judge(comparison, 3.0) == ("dearer" if shift > 0 else "cheaper")
        limits = comparison.ratio_interval(0.99)
        assert limits is not None and (limits[0] > 1 or limits[1] < 1)


def test_a_control_with_a_real_difference_fails() -> None:
    comparison = compare(_pairs(3, 0.10), 3)
    assert comparison is not None
    assert judge_aa(comparison, 3.0)[0] == "invalid"


def test_a_control_too_coarse_for_its_band_is_inconclusive() -> None:
    comparison = compare(_pairs(4, 0.0, sd=0.6), 4)
    assert comparison is not None
    assert judge_aa(comparison, 3.0)[0] == "inconclusive"


def test_linear_drift_cancels_within_mirrored_blocks() -> None:
    """3 % more at every slice doubles the cost 40 times over a run; the ratio must not see it."""
    ratios = _pairs(1, 0.0, drift=0.03, sd=1e-6)
    assert abs(float(np.median(ratios))) < 0.01


def test_equal_values_are_equivalent_and_have_no_width() -> None:
    comparison = compare([0.0] * 10, 1)
    assert comparison is not None
    assert comparison.p == 1.0 and comparison.resolution_percent == 0.0
    assert comparison.ratio_interval() == (1.0, 1.0)
    assert judge(comparison, 3.0) == "equivalent"


def test_too_few_pairs_give_an_estimate_but_no_interval() -> None:
    comparison = compare([0.2] * 7, 1)
    assert comparison is not None
    assert comparison.ratio_interval() is None and comparison.resolution_percent is None
    assert comparison.estimate == 0.2 and judge(comparison, 3.0) == "inconclusive"
    assert compare([], 1) is None


def test_the_interval_covers_the_truth_about_as_often_as_it_says() -> None:
    rng = np.random.default_rng(8)
    hits = 0
    for seed in range(300):
        limits = bootstrap_median(list(rng.normal(0.0, 1.0, 12)), seed, 1000).interval(0.95)
        assert limits is not None
        hits += limits[0] <= 0.0 <= limits[1]
    assert 0.88 <= hits / 300 <= 0.99


def test_the_bootstrap_depends_on_its_seed_alone() -> None:
    values = list(np.random.default_rng(1).normal(0, 1, 10))
    first, again, other = (bootstrap_median(values, seed).medians for seed in (5, 5, 6))
    assert np.array_equal(first, again) and not np.array_equal(first, other)


def test_the_sign_flip_test_is_exact() -> None:
    assert sign_flip_p([1.0] * 10) == pytest.approx(2 / 1024)
    assert sign_flip_p([1.0, -1.0]) == 1.0
    # Sums of (3,1,1): 5, 3, 3, 1 up to sign; at least as far as 5: one of four.
    assert sign_flip_p([3.0, 1.0, 1.0]) == pytest.approx(0.25)
    assert sign_flip_p([]) == 1.0 and sign_flip_p([0.0] * 5) == 1.0


def test_the_sampled_sign_flip_agrees_with_the_exact_one() -> None:
    values = list(np.random.default_rng(2).normal(0.25, 1.0, 20))
    exact = sign_flip_p(values)
    sampled = sign_flip_p(values + [0.0] * 17, seed=3)  # zeros change no sum, but force sampling
    assert sampled == pytest.approx(exact, abs=0.005)


def test_the_sign_flip_test_counts_what_listing_every_pattern_counts() -> None:
    rng = np.random.default_rng(6)
    for count in (1, 2, 3, 7, 11):
        values = np.round(rng.normal(0.3, 1.0, count), 1)  # rounding makes ties
        patterns = [np.array(signs) for signs in itertools.product((-1, 1), repeat=count)]
        limit = abs(values.sum()) - 1e-9
        share = sum(abs(signs @ values) >= limit for signs in patterns) / len(patterns)
        assert sign_flip_p(list(values)) == pytest.approx(share, abs=1e-12)


def test_holm_is_monotone_and_bounded() -> None:
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.9, 0.8]) == [1.0, 1.0]
    assert holm([]) == []


def test_blocks_with_a_zero_cost_are_left_out() -> None:
    assert block_log_ratios({0: [1.0], 1: [0.0]}, {0: [2.0], 1: [2.0], 2: [5.0]}) == [math.log(2)]
    assert pair_log_ratio({0: [0.0]}, {0: [1.0]}) is None
    assert pair_value({}) is None and pair_value({0: [1, 3], 1: [2]}) == 2


def test_the_slope_recovers_a_line_and_a_flat_series() -> None:
    assert slope([1, 10, 100], [5 + 2 * n for n in (1, 10, 100)]) == pytest.approx(2.0)
    flat = pair_slopes({1.0: [7.0, 8.0], 1000.0: [7.0, 8.0]})
    assert flat == [0.0, 0.0]
    assert pair_slopes({1.0: [7.0, None], 2.0: [8.0, 9.0]}) == [1.0]
    assert pair_slopes({1.0: [7.0]}) == []
    with pytest.raises(ValueError, match="two sizes"):
        slope([3, 3], [1, 2])


def test_drifting_and_jumping_processes_are_found_and_steady_ones_kept() -> None:
    rng = np.random.default_rng(1)
    assert checks.drift([100.0 * 1.05**n for n in range(12)]) is not None
    assert checks.drift([100.0] * 6 + [500.0, 400.0, 450.0, 410.0, 490.0, 420.0]) is not None
    assert checks.drift(list(rng.normal(100, 5, 24))) is None
    assert checks.drift([1.0, 2.0, 3.0]) is None  # too short to tell


def test_rank_correlation_handles_ties_and_constants() -> None:
    assert checks.spearman([1, 2, 3, 4], [1, 1, 2, 2]) == pytest.approx(0.894, abs=1e-3)
    assert checks.spearman([1, 2, 3], [5, 5, 5]) == 0.0


def test_dependent_blocks_are_worth_fewer() -> None:
    rng = np.random.default_rng(4)
    noise = list(rng.normal(0, 1, 4000))
    walk = [0.0]
    for step in noise:
        walk.append(0.8 * walk[-1] + step)
    assert abs(checks.lag1([noise])) < 0.05
    assert checks.lag1([walk]) == pytest.approx(0.8, abs=0.05)
    assert checks.effective_blocks(90, 0.8) == pytest.approx(10.0)


def test_stolen_and_interrupted_slices_are_marked() -> None:
    assert checks.disturbed([1e7] * 4, [0, 2e6, 0, 0], [1, 1, 1, 9]) == [False, True, False, True]


def test_quantiles_need_enough_values_beyond_them() -> None:
    assert checks.tail_state(10_000, 0.99) == "enough"
    assert checks.tail_state(9_999, 0.99) == "sparse"
    assert checks.tail_state(9_000, 0.999) == "blank"


def test_percent_of_a_log_ratio() -> None:
    assert percent(math.log(1.5)) == pytest.approx(50.0)
