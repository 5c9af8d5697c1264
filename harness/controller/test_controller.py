# SPDX-License-Identifier: MIT
"""Calibration and the equal-work check."""

from __future__ import annotations

from typing import Any

from harness.controller.calibrate import ENOUGH_NS, choose_operations, granule_of, time_operation
from harness.controller.callgrind import command, read_output
from harness.controller.equalwork import unequal_work
from harness.names import Variant
from harness.plan import Cell, Side
from harness.protocol import QUICK
from harness.tree import ROOT


def test_timing_an_operation_reaches_enough_time_without_overshooting_much() -> None:
    for cost in (3, 900, 400_000, 5_000_000):
        asked: list[int] = []

        def run(operations: int, cost: int = cost) -> int:
            asked.append(operations)
            return operations * cost

        assert time_operation(run, 1) == cost
        assert asked[-1] * cost >= ENOUGH_NS
        assert asked[-1] * cost < 40 * ENOUGH_NS or set(asked) == {1}


def test_an_interrupted_trial_does_not_make_an_operation_look_slow() -> None:
    trials = iter([40 * ENOUGH_NS])

    def run(operations: int) -> int:
        return next(trials, operations * 900)

    assert time_operation(run, 1) == 900


def test_granules_are_whole_rounds() -> None:
    assert granule_of({"active": "100"}) == 100
    assert granule_of({"connections": "10"}) == 10
    assert granule_of({"registered": "1000"}) == 1
    assert granule_of({"connections": "10", "mode": "open"}) == 1
    asked: list[int] = []

    def run(operations: int) -> int:
        asked.append(operations)
        return operations * 50

    time_operation(run, 100)
    assert all(operations % 100 == 0 for operations in asked)


def test_comparable_sides_run_equal_counts_of_the_target_time() -> None:
    chosen = choose_operations({"epoll+lt": 600.0, "poll+poll": 800.0}, "epoll+lt", 1, QUICK)
    assert chosen["epoll+lt"] == chosen["poll+poll"] == 20_000


def test_a_side_that_is_far_slower_runs_what_fits_its_limit() -> None:
    chosen = choose_operations({"epoll+lt": 600.0, "poll+poll": 1_000_000.0}, "epoll+lt", 1, QUICK)
    assert chosen == {"epoll+lt": 20_000, "poll+poll": 24}


def test_every_side_runs_one_round_at_least() -> None:
    chosen = choose_operations({"epoll+lt": 1e6, "poll+poll": 1e9}, "epoll+lt", 1000, QUICK)
    assert chosen == {"epoll+lt": 1000, "poll+poll": 1000}


def _slice(side: str, **changes: Any) -> dict[str, Any]:
    return {
        "phase": "time",
        "pair": 0,
        "side": side,
        "ops": 10,
        "messages": 10,
        "bytes": 80,
        "order": "7",
        "errors": {},
        **changes,
    }


def test_equal_slices_are_equal_work() -> None:
    assert (
        unequal_work([_slice("a"), _slice("b"), _slice("b", order="8"), _slice("a", order="8")])
        is None
    )


def test_each_kind_of_difference_is_found() -> None:
    for field, value in (("messages", 9), ("bytes", 79), ("order", "8")):
        found = unequal_work([_slice("a"), _slice("b", **{field: value})])
        assert found is not None and field in found and "b has" in found


def test_sides_with_different_counts_must_agree_per_operation_and_in_the_check_slice() -> None:
    check = [_slice("a"), _slice("b")]
    longer = _slice("a", ops=100, messages=100, bytes=800, order="55")
    assert unequal_work([*check, longer, _slice("b", ops=20, messages=20, bytes=160)]) is None
    found = unequal_work([*check, longer, _slice("b", ops=20, messages=20, bytes=161)])
    assert found is not None and "bytes 161 in 20 operations" in found
    assert unequal_work([_slice("a"), _slice("b", order="9"), longer]) is not None


def test_an_error_inside_a_side_is_found() -> None:
    found = unequal_work([_slice("a", errors={"run": 3})])
    assert found == "a reported errors: 3 x run"


def test_callgrind_is_told_to_collect_hot_functions_only() -> None:
    cell = Cell("idle_scan", {"registered": "5"}, "headline", False, True, QUICK, ())
    words = command(ROOT / "worker", cell, Side(Variant("io_uring", "completion+defer")), 100)
    assert "--toggle-collect=*kevbench_hot_*" in words and "-R" in words
    place = words.index("count")
    assert words[place : place + 5] == [
        "count",
        "idle_scan",
        "io_uring+completion+defer",
        "--param",
        "registered=5",
    ]


def test_the_count_is_read_from_callgrinds_last_words() -> None:
    assert read_output("==1== Collected : 101968\n==1==\n") == 101968
    assert read_output("==1== Events    : Ir\n") is None
