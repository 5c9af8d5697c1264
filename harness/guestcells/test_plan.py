# SPDX-License-Identifier: MIT
"""The guest's plan: what it holds, what it refuses, and the file it becomes."""

from __future__ import annotations

import json

import pytest

from harness.catalogue import Catalogue
from harness.errors import UsageError
from harness.guestcells.plan import (
    GuestPlan,
    counting,
    is_facts,
    lines,
    make_guest_plan,
    timing,
)
from harness.plan import Request
from harness.profiles import PROFILES, QUICK_VARIANTS
from harness.testing.fake_worker import list_document

CATALOGUE = Catalogue.of(list_document())


def plan(**options: object) -> GuestPlan:
    return make_guest_plan(Request(**options), CATALOGUE, "6.12")  # type: ignore[arg-type]


def test_every_mechanism_is_asked_for_whatever_this_machine_has() -> None:
    labels = {side.label for cell in plan().cells for side in cell.sides}
    assert labels == {*QUICK_VARIANTS, "null+null"}


def test_the_quick_profile_has_its_five_workloads_at_the_sizes_promised() -> None:
    cells = plan().cells
    assert {
        "idle_scan",
        "active_ratio",
        "source_pingpong",
        "tcp_rr",
        "http_one_byte",
    } <= {cell.workload for cell in cells}
    eventfd = [
        cell.params["registered"]
        for cell in cells
        if cell.workload == "idle_scan" and cell.params["source"] == "eventfd"
    ]
    assert set(eventfd) == {"1", "100", "1000"}
    active = {cell.params["active"] for cell in cells if cell.workload == "active_ratio"}
    assert {"1", "100", "1000"} <= active
    sources = {cell.params["source"] for cell in cells if cell.workload == "source_pingpong"}
    assert sources == {"unix", "tcp"}


def test_two_threads_share_the_one_processor_unless_told_otherwise() -> None:
    for cell in plan().cells:
        if cell.workload in ("source_pingpong", "tcp_rr"):
            assert cell.params["placement"] == "same-cpu"


def test_a_mechanism_and_a_workload_can_be_chosen() -> None:
    made = plan(mechanisms=("kevent+mapped", "epoll+lt"), workloads=("idle_scan",))
    assert {cell.workload for cell in made.cells} == {"idle_scan"}
    headline = [cell for cell in made.cells if cell.purpose == "headline"]
    assert all(len(cell.sides) == 2 for cell in headline)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"workloads": ("idle_scam",)}, "unknown workload idle_scam"),
        ({"mechanisms": ("kevnt",)}, "unknown mechanism kevnt"),
        ({"params": ("registred=5",)}, "unknown parameter registred"),
    ],
)
def test_what_cannot_be_is_refused(options: dict[str, object], says: str) -> None:
    with pytest.raises(UsageError, match=says):
        plan(**options)


def test_the_plan_file_is_one_request_a_line_with_names_of_their_own() -> None:
    made = plan()
    asked = counting(made)
    requests = [json.loads(line) for line in lines(made, asked, real_time=False)]
    assert is_facts(requests[0]["id"]) and len(requests) == len(asked) + 1
    assert len({request["id"] for request in requests}) == len(requests)
    assert {request["do"] for request in requests} == {"read", "cell", "http"}
    for request in requests[1:]:
        if request["do"] == "cell":
            assert all(isinstance(value, str) for value in request["params"].values())


def test_cells_that_can_run_without_a_mechanism_are_asked_for_it_once() -> None:
    made = plan()
    bare = [one for one in counting(made) if one.side.label == "null+bare"]
    assert bare and len({one.cell for one in bare}) == len(bare)
    assert {made.cells[one.cell].workload for one in bare} == {
        "idle_scan",
        "active_ratio",
        "source_pingpong",
        "tcp_rr",
    }


def test_kevent_comes_after_everything_it_is_compared_with() -> None:
    kevent = [one.side.variant.mechanism == "kevent" for one in counting(plan())]
    assert kevent == sorted(kevent) and any(kevent)


def test_real_times_are_taken_round_by_round_in_a_random_order_that_a_seed_repeats() -> None:
    made = plan(workloads=("idle_scan",))
    asked = timing(made, 7)
    assert asked == timing(made, 7) and asked != timing(made, 8)
    first = [one for one in asked if one.cell == 0]
    sides = len(made.cells[0].sides)
    assert [one.pair for one in first] == [pair for pair in range(8) for _ in range(sides)]
    for pair in range(8):
        labels = {one.side.label for one in first if one.pair == pair}
        assert labels == {side.label for side in made.cells[0].sides}


def test_every_profile_has_a_guest_part() -> None:
    for name, profile in PROFILES.items():
        assert profile.guest_sweeps and plan(profile=name).cells


def test_the_web_server_of_2006_is_counted_at_the_reply_and_style_of_its_cell() -> None:
    made = plan(workloads=("kevent_2006",), params=("style=naive", "requests=1", "requests=10"))
    requests = [json.loads(line) for line in lines(made, counting(made), real_time=False)][1:]
    assert {request["do"] for request in requests} == {"http"}
    assert {(request["each"], request["keep_alive"]) for request in requests} == {
        (1, False),
        (10, True),
    }
    assert requests[0]["options"] == ["--reply", "2737", "--style", "naive", "--accept", "all"]
    # What belongs to the open loop of the host has no place in a count.
    assert all("rate" not in cell.params for cell in made.cells)
