# SPDX-License-Identifier: MIT
"""Cells of several threads, and of bystanders, which need a guest without the module beside."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from harness.catalogue import Catalogue
from harness.controller.interrupt import Interrupt
from harness.guestcells.boot import Prepared
from harness.guestcells.part import Follower
from harness.guestcells.surroundings import Surroundings
from harness.guestcells.plan import (
    Asked,
    GuestPlan,
    counting,
    lines,
    make_guest_plan,
    timing,
    without_module,
)
from harness.guestcells.record import Unhooked
from harness.guestcells.testing import COSTS, answer
from harness.plan import Request
from harness.progress import Progress
from harness.testing.fake_worker import list_document
from results.identity import new_run_id
from results.reader import Record, read
from results.writer import ResultWriter

PLACE = {"where": "guest", "kernel": "6.12.1", "accel": "tcg"}
BARE = Prepared("6.12", "6.12.1", "tcg", "", None, "this cell is counted without kevent.ko")


def choice(initial: str, *others: str) -> dict[str, Any]:
    return {"default": initial, "min": None, "max": None, "choices": [initial, *others]}


def plan(workload: str, *params: str) -> GuestPlan:
    document = list_document()
    known = document["workloads"][0]
    for name, params_of in (
        (
            "bystander",
            {
                "source": choice("unix", "tcp", "pipe", "eventfd", "signal"),
                "call": choice("send", "write"),
                "module": choice("any", "absent", "loaded"),
            },
        ),
        ("herd", {"queue": choice("private", "shared"), "placement": choice("same-cpu")}),
    ):
        document["workloads"].append({**known, "name": name, "params": params_of})
    request = Request(workloads=(workload,), params=params)
    return make_guest_plan(request, Catalogue.of(document), "6.12")


def follow(
    around: Surroundings, made: GuestPlan, asked: list[Asked], unhooked: Unhooked, **fields: int
) -> None:
    """One boot, whose slices get `fields`."""
    follower = Follower(made, asked, PLACE, BARE, around, unhooked)
    for line in lines(made, asked, real_time=False):
        one = answer(line)
        for each in one.get("slices", ()):
            each.update(fields)
        follower.take(one)
    follower.finish("")


def records(folder: Path, *boots: tuple[GuestPlan, list[Asked]], **fields: int) -> list[Record]:
    unhooked: Unhooked = {}
    with ResultWriter(folder / "results.jsonl", new_run_id()) as writer, Interrupt() as interrupt:
        writer.append("run", {"shown_params": {}})
        around = Surroundings(writer, interrupt, Progress(1.0, quiet=True), folder, 1)
        for made, asked in boots:
            follow(around, made, asked, unhooked, **fields)
    return read(folder).records


def split(made: GuestPlan) -> tuple[list[Asked], list[Asked]]:
    """What is asked of the guest without the module, and of the one with it."""
    asked = counting(made)
    absent = [one for one in asked if without_module(made.cells[one.cell])]
    return absent, [one for one in asked if one not in absent]


def test_bystanders_are_counted_without_the_module_and_with_it() -> None:
    made = plan("bystander", "source=pipe", "call=send")
    assert [cell.params["module"] for cell in made.cells] == ["absent", "loaded"]
    absent, loaded = split(made)
    assert "null+bare" in {one.side.label for one in absent}
    assert "null+bare" not in {one.side.label for one in loaded}
    assert {one.cell for one in timing(made, 1)} == {1}


def test_what_is_added_is_told_against_the_bare_work_of_a_kernel_without_the_module(
    tmp_path: Path,
) -> None:
    made = plan("bystander", "source=pipe", "call=send")
    absent, loaded = split(made)
    found = records(tmp_path, (made, absent), (made, loaded))
    added = {
        (one["params"]["module"], one["side"]): one["value"]
        for one in found
        if one.get("metric") == "unused_instr_per_event"
    }
    for state in ("absent", "loaded"):
        assert added[(state, "epoll+lt")] == COSTS["epoll+lt"] - COSTS["null+bare"]
    assert added[("loaded", "kevent+mapped")] == COSTS["kevent+mapped"] - COSTS["null+bare"]
    assert sum(one["record"] == "env" for one in found) == 1


def test_without_that_boot_nothing_is_told_and_the_reason_is(tmp_path: Path) -> None:
    made = plan("bystander", "source=pipe", "call=send")
    found = records(tmp_path, (made, split(made)[1]))
    (row,) = [
        one
        for one in found
        if one.get("metric") == "unused_instr_per_event" and one["side"] == "epoll+lt"
    ]
    assert row["value"] is None and "without the module" in row["reason"]


def test_a_crew_is_also_measured_where_one_of_those_who_watch_is_told() -> None:
    (cell, *_) = plan("herd", "queue=private").cells
    assert {"epoll+exclusive", "kevent+get+one"} <= {side.label for side in cell.sides}


def test_threads_that_were_woken_become_rows(tmp_path: Path) -> None:
    made = plan("herd", "queue=private")
    found = records(tmp_path, (made, counting(made)), wakeups=35, share_top=100, share_bottom=400)
    rows = {
        one["metric"]: one["value"]
        for one in found
        if one["record"] == "metric" and one["side"] == "epoll+lt"
    }
    assert rows["wakeups_per_event"] == pytest.approx(3.5)
    assert rows["share_index"] == pytest.approx(0.25)
    assert rows["spurious_per_event"] == 0
