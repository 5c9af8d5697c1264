# SPDX-License-Identifier: MIT
"""The harness adds next to nothing: the bounds of reference.py hold for this build."""

from __future__ import annotations

import pytest

from harness import reference


def test_the_epoll_adapter_costs_what_a_hand_written_loop_costs() -> None:
    loop = reference.adapter_loop()
    assert loop.hand > 50, "the hand-written loop was not counted"
    assert loop.excess_percent <= reference.ADAPTER_LIMIT_PERCENT, loop


@pytest.mark.guest
def test_the_adapter_of_kevents_mapped_ring_costs_what_a_hand_written_loop_costs() -> None:
    loop = reference.kevent_loop()
    assert loop.hand > 500, "the kernel's part was not counted"
    assert loop.excess_percent <= reference.ADAPTER_LIMIT_PERCENT, loop


@pytest.mark.guest
def test_the_harness_floor_is_a_small_share_of_the_cheapest_event() -> None:
    floor = reference.harness_floor()
    assert len(floor.events) >= 6 and floor.floor > 5
    assert floor.percent < reference.FLOOR_LIMIT_PERCENT, floor


def test_counts_are_read_from_the_workers_table() -> None:
    text = "epoll+lt     3         4000         2224.1         2224.3        50.00          0\nepoll+et \n"
    assert reference.read_counts(text) == {"epoll+lt": 2224.1}


def test_loops_are_read_by_their_median_run() -> None:
    lines = [
        f'{{"loop":"{loop}","messages":480,"bytes":1,"order":"a","waits":1,"ns":{ns}}}'
        for loop, ns in (
            ("kevent-adapter", [190_000, 160_000, 160_000]),
            ("kevent-hand", [400_000, 144_000, 144_000]),
        )
    ]
    assert reference.read_loops("\n".join(lines)) == reference.AdapterLoop(1000.0, 900.0)
    assert reference.read_loops(lines[0]) is None


def test_a_loop_that_costs_more_than_the_bound_is_told() -> None:
    assert reference.AdapterLoop(104.7, 100.2).excess_percent > reference.ADAPTER_LIMIT_PERCENT
    floor = reference.Floor(66.6, {"epoll+lt": 2214.8, "epoll+et-once": 2085.7})
    assert floor.cheapest == "epoll+et-once" and floor.percent > reference.FLOOR_LIMIT_PERCENT
