# SPDX-License-Identifier: MIT
"""The verdicts on series whose truth is known, and how often they cry wolf."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.stats.verdict import (
    EQUIVALENT,
    IMPROVED,
    INCONCLUSIVE,
    INVALID,
    LOOK_ERRORS,
    REGRESSED,
    Evidence,
    confirm,
    judge,
    level_of,
)

_RESAMPLES = 1000


def _series(seed: int, shift: float, pairs: int = 10, sd: float = 0.008) -> tuple[float, ...]:
    """Pair log ratios about a shift; the default scatter is that of CPU time on a loaded machine."""
    return tuple(np.random.default_rng(seed).normal(math.log1p(shift), sd, pairs))


def _evidence(
    shift: float = 0.0, seed: int = 1, band: float = 3.0, pairs: int = 10, sd: float = 0.008
) -> Evidence:
    return Evidence(
        f"case{seed}",
        "cpu_ns_per_event",
        band,
        _series(seed, shift, pairs, sd),
        _series(seed + 1000, 0.0, pairs, sd),
    )


def _state(evidence: Evidence, look: int = 0) -> str:
    return judge([evidence], look, 7)[0].state


@pytest.mark.parametrize("shift", [0.05, 0.10, 0.5])
def test_a_clear_slow_down_is_a_regression_and_its_mirror_an_improvement(shift: float) -> None:
    for seed in range(10):
        assert _state(_evidence(shift, seed)) == REGRESSED
        assert _state(_evidence(-shift, seed)) == IMPROVED


def test_identical_code_is_equivalent_where_the_machine_is_quiet_enough() -> None:
    assert all(_state(_evidence(0.0, seed)) == EQUIVALENT for seed in range(10))


def test_a_change_below_the_band_is_never_red_however_certain() -> None:
    for seed in range(10):
        verdict = judge([_evidence(0.02, seed, sd=0.0005)], 0, 7)[0]
        assert verdict.state == EQUIVALENT
        limits = verdict.interval(0.99)
        assert limits is not None and limits[0] > 0


def test_noise_wider_than_the_band_is_inconclusive_and_says_what_it_could_have_seen() -> None:
    evidence = replace(_evidence(0.0, 3, sd=0.2), control=None)
    verdict = judge([evidence], 0, 7)[0]
    assert verdict.state == INCONCLUSIVE
    assert verdict.reason is not None and "could have seen" in verdict.reason


def test_too_few_pairs_are_inconclusive_even_for_a_doubling() -> None:
    verdict = judge([replace(_evidence(1.0, pairs=7), control=None)], 0, 7)[0]
    assert verdict.state == INCONCLUSIVE and verdict.reason == "only 7 pairs"
    assert verdict.interval(0.99) is None


def test_one_spike_neither_alarms_nor_hides_a_regression() -> None:
    calm = _evidence(0.0)
    spiked = replace(calm, ratios=(*calm.ratios[:-1], 3.0))
    assert _state(spiked) != REGRESSED
    slow = _evidence(0.10)
    assert _state(replace(slow, ratios=(*slow.ratios[:-1], -0.02))) == REGRESSED


def test_ties_everywhere_are_equivalent() -> None:
    evidence = Evidence("c", "cpu_ns_per_event", 3.0, (0.0,) * 10, (0.0,) * 10)
    verdict = judge([evidence], 0, 7)[0]
    assert verdict.state == EQUIVALENT and verdict.resolution_percent == 0.0


def test_tied_slow_downs_are_regressions() -> None:
    evidence = Evidence("c", "cpu_ns_per_event", 3.0, (math.log(1.2),) * 10, (0.0,) * 10)
    assert _state(evidence) == REGRESSED


def test_a_failed_check_is_invalid_and_carries_no_number() -> None:
    check = {"name": "equal work", "state": "failed", "text": "unequal work", "value": None}
    verdict = judge([replace(_evidence(0.5), checks=(check,))], 0, 7)[0]
    assert verdict.state == INVALID and verdict.reason == "unequal work"
    assert verdict.estimate_percent is None and verdict.interval(0.99) is None
    assert verdict.resolution_percent is None and verdict.holm_p is None


def test_a_blank_row_is_inconclusive_without_a_number() -> None:
    verdict = judge([replace(_evidence(0.5), blank="too few latencies")], 0, 7)[0]
    assert verdict.state == INCONCLUSIVE and verdict.estimate_percent is None


def test_no_ratio_at_all_is_inconclusive() -> None:
    assert _state(Evidence("c", "cpu_ns_per_event", 3.0, ())) == INCONCLUSIVE


def test_a_control_that_differs_from_itself_makes_its_row_inconclusive() -> None:
    evidence = replace(_evidence(0.10), control=_series(9, 0.012, sd=0.004))
    verdict = judge([evidence], 0, 7)[0]
    assert verdict.state == INCONCLUSIVE
    assert verdict.reason is not None and "differs from itself" in verdict.reason


def test_a_control_too_coarse_for_the_band_makes_its_row_inconclusive() -> None:
    evidence = replace(_evidence(0.10), control=_series(9, 0.0, sd=0.2))
    verdict = judge([evidence], 0, 7)[0]
    assert verdict.state == INCONCLUSIVE and "at best" in str(verdict.reason)


def test_a_control_that_would_be_called_red_stops_every_verdict() -> None:
    rows = [_evidence(0.10, seed) for seed in range(3)]
    rows[1] = replace(rows[1], control=_series(5, 0.20))
    assert {one.state for one in judge(rows, 0, 7)} == {INCONCLUSIVE}


def test_holm_spans_the_rows_of_a_job() -> None:
    """Ten pairs can say 2 in 1024 at best: with 26 rows no single one can clear 5 %."""
    red = _evidence(0.10, 0)
    few = judge([red, *(_evidence(0.0, seed) for seed in range(1, 20))], 0, 7)
    many = judge([red, *(_evidence(0.0, seed) for seed in range(1, 27))], 0, 7)
    assert few[0].state == REGRESSED and many[0].state == INCONCLUSIVE
    more = judge([_evidence(0.10, 0, pairs=20), *(_evidence(0.0, s) for s in range(1, 27))], 1, 7)
    assert more[0].state == REGRESSED


def test_looks_share_one_per_cent_of_error_and_demand_more_each_time() -> None:
    assert sum(LOOK_ERRORS) == pytest.approx(0.01)
    assert level_of(0) == pytest.approx(0.99)
    assert [level_of(look) for look in range(3)] == sorted(level_of(look) for look in range(3))


def test_the_same_input_gives_the_same_verdict() -> None:
    rows = [_evidence(0.03, seed, sd=0.02) for seed in range(4)]
    first, second = judge(rows, 0, 5), judge(rows, 0, 5)
    assert [one.interval(0.99) for one in first] == [one.interval(0.99) for one in second]


def test_a_red_must_come_twice() -> None:
    red, calm = _evidence(0.10, 0), _evidence(0.0, 1)
    first = judge([red, calm], 0, 7)
    again = judge([red], 0, 8)
    assert [one.state for one in confirm(first, again, "3 link orders")] == [REGRESSED, EQUIVALENT]
    assert confirm(first, again, "3 link orders")[0].confirmed_by == "3 link orders"
    gone = judge([replace(calm, case=red.case)], 0, 8)
    settled = confirm(first, gone, "3 link orders")[0]
    assert settled.state == INCONCLUSIVE and "red once" in str(settled.reason)
    assert confirm(first, [], "nothing")[0].state == INCONCLUSIVE
    faster = judge([replace(_evidence(-0.1, 0))], 0, 8)
    assert confirm(first, faster, "3 link orders")[0].state == INCONCLUSIVE


_RATIOS = st.lists(st.floats(-1, 1, allow_nan=False), min_size=8, max_size=14)
_MIRROR = {
    REGRESSED: IMPROVED,
    IMPROVED: REGRESSED,
    EQUIVALENT: EQUIVALENT,
    INCONCLUSIVE: INCONCLUSIVE,
}


@settings(max_examples=60, deadline=None)
@given(_RATIOS, st.integers(0, 2))
def test_exchanging_the_sides_mirrors_the_verdict(ratios: list[float], look: int) -> None:
    one = Evidence("c", "wall_ns_per_event", 10.0, tuple(ratios))
    other = replace(one, ratios=tuple(-value for value in ratios))
    there = judge([one], look, 3, _RESAMPLES)[0]
    back = judge([other], look, 3, _RESAMPLES)[0]
    # Percentile limits of a mirrored sample are the mirrored limits, up to interpolation.
    assert back.state == _MIRROR[there.state] or INCONCLUSIVE in (there.state, back.state)
    assert {there.state, back.state} != {REGRESSED}


@settings(max_examples=60, deadline=None)
@given(_RATIOS)
def test_a_regression_always_has_its_three_signs(ratios: list[float]) -> None:
    verdict = judge([Evidence("c", "wall_ns_per_event", 10.0, tuple(ratios))], 0, 3, _RESAMPLES)[0]
    limits = verdict.interval(0.99)
    assert limits is not None and verdict.estimate_percent is not None
    if verdict.state == REGRESSED:
        assert limits[0] > 0 and verdict.estimate_percent > 10 and verdict.holm_p is not None
        assert verdict.holm_p < 0.05
    if verdict.state == EQUIVALENT:
        inner = verdict.interval(0.90)
        assert inner is not None and -10 < inner[0] and inner[1] < 10


@settings(max_examples=40, deadline=None)
@given(_RATIOS, st.floats(0.001, 0.5))
def test_a_further_slow_down_never_turns_red_to_green(ratios: list[float], more: float) -> None:
    one = Evidence("c", "wall_ns_per_event", 10.0, tuple(ratios))
    slower = replace(one, ratios=tuple(value + more for value in ratios))
    if judge([one], 0, 3, _RESAMPLES)[0].state == REGRESSED:
        assert judge([slower], 0, 3, _RESAMPLES)[0].state in (REGRESSED, INCONCLUSIVE)


def _job(rng: np.random.Generator, pairs: int, rows: int, heavy: bool) -> list[Evidence]:
    """Identical code: four metrics of several cases with their scatters, tails optionally heavy."""

    def scatter(sd: float) -> tuple[float, ...]:
        draw = rng.standard_t(3, pairs) / math.sqrt(3) if heavy else rng.normal(0, 1, pairs)
        return tuple(sd * draw)

    shapes = ((3.0, 0.012), (10.0, 0.04), (5.0, 0.012), (15.0, 0.035))
    return [
        Evidence(f"c{row // 4}", f"m{row % 4}", band, scatter(sd), scatter(sd))
        for row in range(rows)
        for band, sd in (shapes[row % 4],)
    ]


@pytest.mark.parametrize("heavy", [False, True])
def test_identical_code_raises_fewer_than_one_false_alarm_in_a_hundred_jobs(heavy: bool) -> None:
    """One round of 12 rows and 2 further looks, before any confirmation. Takes about 4 s."""
    rng = np.random.default_rng(20)
    jobs, red, settled, rows = 120, 0, 0, 12
    for job in range(jobs):
        evidence = _job(rng, 10, rows, heavy)
        for look in range(3):
            verdicts = judge(evidence, look, job, _RESAMPLES)
            states = [one.state for one in verdicts]
            if REGRESSED in states or INCONCLUSIVE not in states:
                break
            more = _job(rng, 10, rows, heavy)
            evidence = [
                replace(
                    one,
                    ratios=one.ratios + new.ratios,
                    control=(one.control or ()) + (new.control or ()),
                )
                for one, new in zip(evidence, more)
            ]
        red += REGRESSED in states
        settled += states.count(EQUIVALENT)
    assert red <= 1
    # Saying nothing at all would be no feat.
    assert settled >= 0.8 * jobs * rows


def test_five_per_cent_more_cpu_time_is_found_nine_times_in_ten() -> None:
    """Scatter of pairs as measured on a loaded machine: 1 % of CPU time."""
    found = 0
    for seed in range(40):
        rows = [_evidence(0.05, 500 + seed, sd=0.01)]
        rows += [_evidence(0.0, 600 + 20 * seed + n, sd=0.01) for n in range(11)]
        found += judge(rows, 0, seed, _RESAMPLES)[0].state == REGRESSED
    assert found >= 36
