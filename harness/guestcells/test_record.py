# SPDX-License-Identifier: MIT
"""From answers to records: ratios, dispatch cost, skips, and runs that break off."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from harness.catalogue import Catalogue
from harness.controller.interrupt import Interrupt, Interrupted
from harness.guestcells.boot import Prepared
from harness.guestcells.part import Follower
from harness.guestcells.plan import GuestPlan, counting, lines, make_guest_plan, timing
from harness.guestcells.surroundings import Surroundings
from harness.guestcells.testing import COSTS, answer
from harness.plan import Request
from harness.progress import Progress
from harness.testing.fake_worker import list_document
from results import summary, validate
from results.identity import new_run_id
from results.reader import ResultFile, read
from results.writer import ResultWriter

CATALOGUE = Catalogue.of(list_document())
PLACE = {"where": "guest", "kernel": "6.12.1", "accel": "tcg"}
PREPARED = Prepared("6.12", "6.12.1", "tcg", "", None)
Change = Callable[[dict[str, Any]], None]


def plan(*workloads: str) -> GuestPlan:
    return make_guest_plan(Request(workloads=workloads), CATALOGUE, "6.12")


@contextmanager
def surroundings(folder: Path) -> Iterator[Surroundings]:
    run_id = new_run_id()
    with ResultWriter(folder / "results.jsonl", run_id) as writer:
        writer.append("run", {"shown_params": {}})
        yield Surroundings(writer, Interrupt(), Progress(1.0, quiet=True), folder, 1)


def follow(
    folder: Path,
    made: GuestPlan,
    change: Change = lambda _: None,
    most: int = 10_000,
    prepared: Prepared = PREPARED,
    trouble: str = "",
) -> ResultFile:
    """The records of a counting guest whose answers `change` alters and that ends after `most`."""
    asked = counting(made)
    with surroundings(folder) as around:
        follower = Follower(made, asked, PLACE, prepared, around)
        for line in list(lines(made, asked, real_time=False))[:most]:
            one = answer(line)
            change(one)
            follower.take(one)
        follower.finish(trouble)
    return read(folder)


def rows(result: ResultFile, metric: str) -> dict[str, dict[str, Any]]:
    """Rows of the first cell with that metric, by side."""
    found = list(result.of("metric", metric=metric, purpose="headline"))
    return {one["side"]: one for one in found if one["params"] == found[0]["params"]}


def test_counts_become_rows_with_ratios_against_epoll_in_the_same_mode(tmp_path: Path) -> None:
    result = follow(tmp_path, plan("idle_scan"))
    found = rows(result, "instr_per_event")
    assert found["kevent+mapped-et"]["value"] == COSTS["kevent+mapped-et"]
    assert found["kevent+mapped-et"]["reference"] == "epoll+et"
    assert found["kevent+mapped-et"]["ratio_to_epoll"] == pytest.approx(1200 / 2100)
    assert found["kevent+mapped-et"]["ratio_to_best_epoll"] == pytest.approx(1200 / 2000)
    assert found["kevent+mapped-et"]["interval"]["kind"] == "exact"
    assert all(row["accel"] == "tcg" and row["where"] == "guest" for row in found.values())


def test_dispatch_cost_leaves_out_the_same_work_without_a_mechanism(tmp_path: Path) -> None:
    result = follow(tmp_path, plan("idle_scan"))
    found = rows(result, "dispatch_instr_per_event")
    assert found["kevent+mapped"]["value"] == COSTS["kevent+mapped"] - COSTS["null+bare"]
    assert found["kevent+mapped"]["ratio_to_epoll"] == pytest.approx(500 / 1100)
    assert "null+bare" not in found


def test_a_side_that_drains_is_held_against_bare_work_that_drains(tmp_path: Path) -> None:
    document = list_document()
    for item in document["mechanisms"]:
        if item["variant"] == "et":
            item["discipline"] = "drain"
    known = Catalogue.of(document)
    made = make_guest_plan(Request(workloads=("idle_scan",)), known, "6.12")
    found = rows(follow(tmp_path, made), "dispatch_instr_per_event")
    assert found["epoll+et"]["value"] == COSTS["epoll+et"] - COSTS["null+bare-drain"]
    assert found["epoll+lt"]["value"] == COSTS["epoll+lt"] - COSTS["null+bare"]


def test_without_the_bare_work_dispatch_cost_is_null_with_the_reason(tmp_path: Path) -> None:
    def fail_bare(one: dict[str, Any]) -> None:
        if ":null+bare:" in one["id"]:
            one.clear()
            one.update(id="0:null+bare:0", ok=False, kind="fault", error="no memory")

    result = follow(tmp_path, plan("tcp_rr"), fail_bare)
    found = rows(result, "dispatch_instr_per_event")
    assert found["epoll+lt"]["value"] is None and "no memory" in found["epoll+lt"]["reason"]


def test_requests_are_those_of_the_servers_process_alone(tmp_path: Path) -> None:
    found = rows(follow(tmp_path, plan("http_one_byte")), "instr_per_request")
    assert found["epoll+lt"]["value"] == 10 * COSTS["epoll+lt"]
    assert "server's process alone" in found["epoll+lt"]["basis"]


def test_a_variant_that_does_not_work_in_the_guest_is_skipped_with_its_reason(
    tmp_path: Path,
) -> None:
    def no_kevent(one: dict[str, Any]) -> None:
        if "kevent" in one["id"]:
            name = one["id"]
            one.clear()
            one.update(id=name, ok=False, kind="skipped", error="no /dev/kevent")

    made = plan("idle_scan")
    lacking = Prepared("6.12", "6.12.1", "tcg", "", None, "kevent.ko does not build")
    for prepared, reason in ((PREPARED, "no /dev/kevent"), (lacking, "kevent.ko does not build")):
        folder = tmp_path / reason.replace("/", "")
        folder.mkdir()
        result = follow(folder, made, no_kevent, prepared=prepared)
        skipped = list(result.of("skip", mechanism="kevent"))
        assert {one["reason"] for one in skipped} == {reason}
        headline = [cell for cell in made.cells if cell.purpose == "headline"]
        assert len(skipped) == 4 * len(headline)
        assert rows(result, "instr_per_event")["epoll+lt"]["value"] == COSTS["epoll+lt"]


def test_unequal_work_voids_the_cell(tmp_path: Path) -> None:
    def lose_a_message(one: dict[str, Any]) -> None:
        if one["id"] == "0:poll+poll:0":
            one["check"]["messages"] -= 1

    result = follow(tmp_path, plan("idle_scan"), lose_a_message)
    void = [one for one in result.of("skip") if one["kind"] == "void"]
    assert len(void) == 1 and "unequal work" in void[0]["reason"]


def test_a_guest_that_dies_keeps_every_side_it_had_counted(tmp_path: Path) -> None:
    made = plan("idle_scan")
    result = follow(tmp_path, made, most=20, trouble="guest panic: Oops")
    whole = list(result.of("metric", metric="instr_per_event"))
    # The guest's facts, then two cells of eight sides and their bare work, then one side more.
    assert len(whole) == 17
    assert len({tuple(one["params"].items()) for one in whole}) == 3
    lost = {one["reason"] for one in result.of("skip")}
    assert lost == {"guest panic: Oops"}
    validate_all(result)


def test_a_stop_of_the_user_ends_the_guest_at_its_next_answer(tmp_path: Path) -> None:
    made = plan("idle_scan")
    asked = counting(made)
    with surroundings(tmp_path) as around:
        follower = Follower(made, asked, PLACE, PREPARED, around)
        around.interrupt.requested = True
        with pytest.raises(Interrupted):
            follower.take(answer(next(iter(lines(made, asked, real_time=False)))))


def test_real_times_become_sampled_rows(tmp_path: Path) -> None:
    made = plan("idle_scan")
    asked = timing(made, 1)
    with surroundings(tmp_path) as around:
        place = {**PLACE, "accel": "kvm"}
        follower = Follower(made, asked, place, PREPARED, around)
        for line in lines(made, asked, real_time=True):
            follower.take(answer(line))
        follower.finish("")
    found = rows(read(tmp_path), "cpu_ns_per_event")
    assert found["epoll+lt"]["pairs"] == 8
    assert found["kevent+mapped"]["ratio_to_epoll"] == pytest.approx(0.7)
    assert found["kevent+mapped"]["accel"] == "kvm"


def validate_all(result: ResultFile) -> None:
    for record in result.records:
        if record["record"] != "run":  # cut short by the fixture
            validate.check("result", record)


def test_records_follow_the_schema_and_the_summary_has_all_mechanisms(tmp_path: Path) -> None:
    result = follow(tmp_path, make_guest_plan(Request(), CATALOGUE, "6.12"))
    validate_all(result)
    document = summary.build(result)
    validate.check("summary", document)
    measured = {row["mechanism"] for row in document["rows"] if row["status"] == "ok"}
    assert {"select", "poll", "epoll", "io_uring", "kevent"} <= measured
    assert all(row["kernel"] == "6.12.1" for row in document["rows"])
