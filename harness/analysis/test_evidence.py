# SPDX-License-Identifier: MIT
"""Slice records in, evidence out: drift, steps, spikes, zeros, unequal work, thin tails."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from typing import Any

import pytest

from harness.analysis.evidence import Sides, examine, rules
from harness.stats.verdict import EQUIVALENT, INCONCLUSIVE, INVALID, REGRESSED, Verdict, judge

SIDES = Sides("epoll+lt@base", "epoll+lt@change", "epoll+lt@base#2")
CPU, WALL, P50, P99 = rules()
Spoil = Callable[[dict[str, Any]], None]


def _slices(
    shift: float = 0.0,
    pairs: int = 10,
    blocks: int = 6,
    noise: float = 0.02,
    phase: str = "time",
    spoil: Spoil | None = None,
    trend: float = 0.0,
) -> list[dict[str, Any]]:
    """Records of three sides in mirrored blocks; the change costs `shift` more."""
    rng = random.Random(11)
    made: list[dict[str, Any]] = []
    clock = 0
    for pair in range(pairs):
        for block in range(-1, blocks):
            order = list(SIDES.all)
            rng.shuffle(order)
            for position, side in enumerate([*order, *reversed(order)] if block >= 0 else order):
                clock += 1
                cost = 1000.0 * (1 + trend) ** clock * rng.lognormvariate(0, noise)
                cost *= 1 + shift if side == SIDES.change else 1.0
                made.append(_record(phase, pair, block, position, side, cost))
    for one in made:
        if spoil is not None:
            spoil(one)
    return made


def _record(
    phase: str, pair: int, block: int, position: int, side: str, cost: float
) -> dict[str, Any]:
    ops = 10_000
    return {
        "case_key": "idle_scan/epoll+lt/registered=1",
        "side": side,
        "phase": phase,
        "pair": pair,
        "block": block,
        "pos": position,
        "warmup": block < 0,
        "ops": ops,
        "wall_ns": round(ops * cost * 1.2),
        "cpu_user_ns": round(ops * cost * 0.4),
        "cpu_sys_ns": round(ops * cost * 0.6),
        "ivcsw": 1,
        "steal_ticks": 0,
        "messages": ops,
        "bytes": ops,
        "order": "5",
        "errors": {},
        "p50_ns": cost,
        "p99_ns": 2 * cost,
    }


def _verdict(slices: list[dict[str, Any]], rule: Any = CPU) -> Verdict:
    return judge([examine("case", slices, SIDES, rule)], 0, 3)[0]


def test_identical_sides_are_equivalent() -> None:
    verdict = _verdict(_slices())
    assert verdict.state == EQUIVALENT
    assert verdict.evidence.blocks == 60 and len(verdict.evidence.ratios) == 10
    assert verdict.evidence.base == pytest.approx(1000, rel=0.05)


@pytest.mark.parametrize("rule", [CPU, WALL])
def test_a_slower_change_is_red_in_time(rule: Any) -> None:
    verdict = _verdict(_slices(shift=0.25), rule)
    assert verdict.state == REGRESSED
    assert verdict.estimate_percent == pytest.approx(25, abs=2)


@pytest.mark.parametrize("rule", [P50, P99])
def test_a_slower_change_is_red_in_its_quantiles(rule: Any) -> None:
    assert _verdict(_slices(shift=0.25, phase="latency"), rule).state == REGRESSED


def test_a_drift_that_all_sides_share_cancels() -> None:
    """1 % a slice, 60-fold over the run; within a process it stays below the limits."""
    slices = _slices(trend=0.004, blocks=4, noise=0.05)
    assert abs(float(_verdict(slices).estimate_percent or 0.0)) < 3.0


def _steeper(side: str, pairs: range) -> Spoil:
    def spoil(one: dict[str, Any]) -> None:
        if one["side"] == side and one["pair"] in pairs and one["block"] >= 0:
            one["cpu_sys_ns"] += 900_000 * (6 * one["block"] + one["pos"])

    return spoil


def test_a_drifting_process_costs_its_pair_and_is_counted() -> None:
    evidence = examine("case", _slices(spoil=_steeper(SIDES.change, range(0, 1))), SIDES, CPU)
    assert evidence.dropped == 1 and len(evidence.ratios) == 9
    found = {one["name"]: one for one in evidence.checks}
    assert found["stationarity"]["state"] == "warned"
    assert "1 of 10 pairs dropped" in found["stationarity"]["text"]


def test_too_many_drifting_processes_are_invalid() -> None:
    verdict = _verdict(_slices(spoil=_steeper(SIDES.change, range(0, 3))))
    assert verdict.state == INVALID and verdict.estimate_percent is None
    assert "3 of 10 pairs dropped" in str(verdict.reason)


def test_a_step_in_the_middle_of_a_process_is_a_drift() -> None:
    def step(one: dict[str, Any]) -> None:
        if one["side"] == SIDES.base and one["pair"] == 0 and one["block"] >= 3:
            one["cpu_sys_ns"] *= 8

    assert examine("case", _slices(spoil=step), SIDES, CPU).dropped == 1


def test_a_few_spikes_do_not_move_the_estimate() -> None:
    def spike(one: dict[str, Any]) -> None:
        if one["side"] == SIDES.change and one["block"] == 2 and one["pos"] < 3:
            one["cpu_sys_ns"] *= 30

    assert _verdict(_slices(spoil=spike)).state == EQUIVALENT


def test_unequal_work_is_invalid() -> None:
    def lose(one: dict[str, Any]) -> None:
        if one["side"] == SIDES.change and one["pair"] == 4 and one["block"] == 1:
            one["messages"] -= 1

    verdict = _verdict(_slices(shift=0.5, spoil=lose))
    assert verdict.state == INVALID and "unequal work" in str(verdict.reason)


def test_an_error_in_one_slice_is_invalid() -> None:
    def fail(one: dict[str, Any]) -> None:
        if one["side"] == SIDES.base and one["pair"] == 4 and one["block"] == 1:
            one["errors"] = {"run": 1}

    assert _verdict(_slices(spoil=fail)).state == INVALID


def test_many_costs_of_zero_are_invalid_and_few_are_left_out() -> None:
    def zero(share: int) -> Spoil:
        def spoil(one: dict[str, Any]) -> None:
            if one["side"] == SIDES.base and one["block"] in range(share):
                one["cpu_user_ns"] = one["cpu_sys_ns"] = 0

        return spoil

    assert _verdict(_slices(spoil=zero(2))).state == INVALID
    few = examine("case", _slices(spoil=zero(1)), SIDES, CPU)
    assert few.failure is None and few.blocks == 50


def test_too_few_pairs_are_inconclusive() -> None:
    verdict = _verdict(_slices(shift=0.5, pairs=7))
    assert verdict.state == INCONCLUSIVE and "7 pairs" in str(verdict.reason)


def test_a_quantile_needs_enough_latencies() -> None:
    slices = _slices(phase="latency")
    for one in slices:
        one["ops"] = 5
    verdict = _verdict(slices, P99)
    assert verdict.state == INCONCLUSIVE and "too few for this quantile" in str(verdict.reason)
    assert verdict.estimate_percent is None


def test_a_clock_too_coarse_for_the_slices_is_invalid() -> None:
    evidence = examine("case", _slices(), SIDES, CPU, clock_ns=10_000.0)
    assert evidence.failure is not None and "the clock steps" in evidence.failure


def test_a_saturated_open_loop_is_not_compared() -> None:
    def behind(one: dict[str, Any]) -> None:
        one["pace"] = {"achieved": 0.8, "in_time": 0.9, "kept": False}

    verdict = _verdict(_slices(phase="latency", spoil=behind), P50)
    assert verdict.state == INVALID and "saturated" in str(verdict.reason)


def test_disturbed_slices_are_counted_and_kept() -> None:
    def steal(one: dict[str, Any]) -> None:
        if one["block"] == 0:
            one["steal_ticks"] = 2

    evidence = examine("case", _slices(spoil=steal), SIDES, CPU)
    found = next(one for one in evidence.checks if one["name"] == "disturbance")
    assert found["state"] == "warned" and evidence.blocks == 60


def test_nothing_measured_is_inconclusive() -> None:
    assert _verdict([]).state == INCONCLUSIVE
    only_warm_up = [one for one in _slices() if one["warmup"]]
    assert _verdict(only_warm_up).state == INCONCLUSIVE


def test_without_a_control_the_rest_is_still_judged() -> None:
    sides = Sides(SIDES.base, SIDES.change)
    slices = [one for one in _slices(shift=0.3) if one["side"] in sides.all]
    evidence = examine("case", slices, sides, CPU)
    assert evidence.control is None and judge([evidence], 0, 3)[0].state == REGRESSED


def test_bands_can_be_replaced_one_by_one() -> None:
    replaced = rules({"wall_ns_per_event": 40.0})
    assert [rule.band_percent for rule in replaced] == [3.0, 40.0, 5.0, 15.0]


def test_the_order_of_the_records_within_a_block_does_not_matter() -> None:
    slices = _slices(shift=0.1)
    one = examine("case", slices, SIDES, CPU).ratios
    other = examine(
        "case", sorted(slices, key=lambda item: (item["pair"], item["block"])), SIDES, CPU
    )
    assert all(math.isclose(a, b) for a, b in zip(one, other.ratios))
