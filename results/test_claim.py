# SPDX-License-Identifier: MIT
"""The decision rule, at and around each of its limits."""

from __future__ import annotations

import math

import pytest

from results.claim import CLAIMED, Ratio, State, judge


@pytest.mark.parametrize(
    ("lo", "hi", "expected"),
    [
        (1.36, 1.54, State.CONFIRMED),
        (1.3501, 9.0, State.CONFIRMED),
        (1.06, 1.34, State.DIRECTION),
        (1.06, 1.35, State.DIRECTION),
        (0.96, 1.04, State.PARITY),
        (0.95, 1.05, State.PARITY),
        (1.0, 1.0, State.PARITY),
        (0.5, 0.94, State.REFUTED),
        (1.34, 1.36, State.INCONCLUSIVE),
        (1.35, 1.36, State.INCONCLUSIVE),
        (1.04, 1.06, State.INCONCLUSIVE),
        (1.05, 1.06, State.INCONCLUSIVE),
        (0.94, 0.96, State.INCONCLUSIVE),
        (0.9, 1.6, State.INCONCLUSIVE),
        (1.35, 1.35, State.DIRECTION),
        (1.05, 1.05, State.PARITY),
        (0.95, 0.95, State.PARITY),
    ],
)
def test_rule(lo: float, hi: float, expected: State) -> None:
    assert judge(Ratio(math.sqrt(lo * hi), lo, hi)).state is expected


def test_inconclusive_names_the_limit_that_decides() -> None:
    assert judge(Ratio(1.2, 1.1, 1.4)).why == "1.10 to 1.40 lies on both sides of 1.35"


def test_times_of_an_emulator_are_not_judged_however_clear() -> None:
    verdict = judge(Ratio(2.0, 1.9, 2.1), emulated_time=True)
    assert (verdict.state, verdict.why) == (State.NOT_JUDGED, "emulated")


def test_what_has_no_interval_is_not_judged() -> None:
    assert judge(Ratio(1.5, None, None)).state is State.NOT_JUDGED
    assert judge(None, absent="kevent.ko is not loaded").why == "kevent.ko is not loaded"
    assert judge(Ratio(1.0, math.nan, 2.0)).state is State.NOT_JUDGED


def test_a_cost_ratio_turns_with_its_interval() -> None:
    ratio = Ratio.of_cost(0.5, 0.4, 0.8)
    assert ratio == Ratio(2.0, 1.25, 2.5)
    assert Ratio.of_cost(0.5, None, None) == Ratio(2.0, None, None)
    assert Ratio.of_cost(None, None, None) is None
    assert Ratio.of_cost(0.0, 0.0, 0.0) is None


def test_the_published_figures_meet_their_own_limit() -> None:
    assert CLAIMED == pytest.approx((1.352, 1.536), abs=0.001)
    assert judge(Ratio(1.44, *CLAIMED)).state is State.CONFIRMED
