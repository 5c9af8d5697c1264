# SPDX-License-Identifier: MIT
"""From boots to records: their order, the ratio, and servers, guests and users that give up."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest

from harness.controller.interrupt import Interrupt, Interrupted
from harness.guest import packages
from harness.guest.spec import GuestResult, GuestSpec, Outcome
from harness.guestcells.boot import Prepared
from harness.guestcells.surroundings import Surroundings
from harness.plan import Skip
from harness.progress import Progress
from harness.realserver import part
from harness.realserver.part import ServerPart
from harness.realserver.plan import BATCHES, ServerPlan, make_server_plan
from harness.realserver.testing import PARAMS, told
from results import summary, validate
from results.identity import new_run_id
from results.reader import ResultFile, read
from results.writer import ResultWriter

PLACE = {"where": "guest", "kernel": "6.12.1", "accel": "tcg"}
PREPARED = Prepared("6.12", "6.12.1", "tcg", "", Path("kevent.ko"))
COSTS = {False: 40_000, True: 41_000}
Change = Callable[[bool, str], str]


class Guests:
    """Stand in for guests: what a boot tells follows from whether it preloads."""

    def __init__(self, plan: ServerPlan, change: Change) -> None:
        self.plan, self.change = plan, change
        self.preloaded: list[bool] = []

    def run(self, spec: GuestSpec, stdout: Callable[[bytes], None], tell: Any) -> GuestResult:
        preloaded = "libkevent" in Path(spec.command[1]).read_text()
        self.preloaded.append(preloaded)
        text = "fact kernel.release 6.12.1\n" + "".join(
            told(number, cell.params, COSTS[preloaded], preloaded)
            for number, cell in enumerate(self.plan.cells)
        )
        stdout(self.change(preloaded, text).encode())
        return GuestResult(
            outcome=Outcome.EXITED,
            number=0,
            stdout=b"",
            stderr=b"",
            faults=(),
            taint=0,
            release="6.12.1",
            accel="tcg",
            boot_s=1.0,
            wall_s=2.0,
            results=(),
            state_dir=Path(),
            console_tail=(),
            reason="",
        )


@pytest.fixture(autouse=True)
def nothing_is_fetched(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(packages, "why_missing", lambda package: None)
    monkeypatch.setattr(packages, "unpacked", lambda package: tmp_path / package)
    monkeypatch.setattr(part, "build_preload", lambda source, name: Path("libkevent-preload.so"))


def measure(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    change: Change = lambda preloaded, text: text,
    prepared: Prepared = PREPARED,
    stop_at: int = 0,
    expect: Any = nullcontext(),
) -> tuple[ServerPart, Guests, ResultFile]:
    sets = [PARAMS, {**PARAMS, "server": "lighttpd"}]
    plan = make_server_plan(sets, ())
    plan = ServerPlan(plan.cells, (Skip("real_server", {}, None, "unavailable", "no x", "guest"),))
    guests = Guests(plan, change)
    monkeypatch.setattr(part, "run_in_guest", guests.run)
    with ResultWriter(folder / "results.jsonl", new_run_id()) as writer, Interrupt() as interrupt:
        writer.append("run", {"shown_params": {}})
        around = Surroundings(writer, interrupt, Progress(1.0, quiet=True), folder, 1)
        made = ServerPart(plan, around)
        if stop_at:
            again = guests.change

            def stop(preloaded: bool, text: str) -> str:
                interrupt.requested = len(guests.preloaded) == stop_at
                return again(preloaded, text)

            guests.change = stop
        with expect:
            made.carry_out(prepared, PLACE, describe=True)
    return made, guests, read(folder)


def rows(result: ResultFile, metric: str, server: str = "nginx") -> dict[str, dict[str, Any]]:
    found = result.of("metric", metric=metric)
    return {one["side"]: one for one in found if one["params"]["server"] == server}


def skips(result: ResultFile, kind: str) -> list[dict[str, Any]]:
    return [one for one in result.of("skip") if one["kind"] == kind]


def test_sides_take_turns_and_the_second_round_is_reversed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, guests, _ = measure(tmp_path, monkeypatch)
    assert guests.preloaded == [False, True, True, False]


def test_a_request_on_kevent_is_divided_by_one_on_the_servers_own_epoll(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, _, result = measure(tmp_path, monkeypatch)
    assert not made.errors and not made.faults
    found = rows(result, "instr_per_request")
    kevent = found["kevent+preload"]
    assert kevent["value"] == COSTS[True] and kevent["interval"]["n"] == 2 * BATCHES
    assert kevent["reference"] == "epoll+native"
    assert kevent["ratio_to_epoll"] == pytest.approx(1.025)
    assert kevent["pair_ratios"] == [pytest.approx(1.025)] * 2
    assert rows(result, "errors")["epoll+native"]["value"] == 0
    assert rows(result, "replies")["epoll+native"]["value"] == 2 * BATCHES * 100
    times = rows(result, "requests_per_s")["kevent+preload"]
    assert times["value"] == pytest.approx(5000) and times["ratio_to_epoll"] is None
    assert "emulated" in times["interval"]["reason"]
    user = rows(result, "user_instr_per_request")["kevent+preload"]
    assert user["value"] is None and "callgrind" in user["reason"]
    (environment,) = result.of("env")
    assert environment["facts"]["kernel"]["release"] == "6.12.1"


def test_records_follow_the_schema(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _, _, result = measure(tmp_path, monkeypatch)
    for record in result.records[1:]:
        validate.check("result", record)
    validate.check("summary", summary.build(result))


def test_a_failing_server_voids_its_side_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lose(preloaded: bool, text: str) -> str:
        return text.replace("replies 100", "replies 98", 1) if preloaded else text

    made, _, result = measure(tmp_path, monkeypatch, lose)
    (void,) = skips(result, "void")
    assert void["variant"] == "preload" and void["params"]["server"] == "nginx"
    assert void["reason"] == "98 replies to 100 requests"
    assert len(made.faults) == 1 and "kevent+preload: 98 replies" in made.faults[0]
    assert set(rows(result, "instr_per_request")) == {"epoll+native"}
    assert set(rows(result, "instr_per_request", "lighttpd")) == {"epoll+native", "kevent+preload"}


def test_without_the_module_kevent_is_skipped_and_epoll_is_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lacking = Prepared("6.12", "6.12.1", "tcg", "", None, "kevent.ko does not build")
    _, guests, result = measure(tmp_path, monkeypatch, prepared=lacking)
    assert guests.preloaded == [False, False]
    reasons = {one["reason"] for one in result.of("skip", mechanism="kevent")}
    assert reasons == {"kevent.ko does not build"}
    assert set(rows(result, "instr_per_request")) == {"epoll+native"}


def test_a_guest_that_dies_loses_the_cells_it_had_not_finished(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, guests, result = measure(
        tmp_path, monkeypatch, lambda preloaded, text: text[: text.index("cell 1")]
    )
    assert len(guests.preloaded) == 4 and not made.faults and len(made.errors) == 2
    assert set(rows(result, "instr_per_request")) == {"epoll+native", "kevent+preload"}
    failed = skips(result, "failed")
    assert {one["params"]["server"] for one in failed} == {"lighttpd"}


def test_a_stop_keeps_what_finished_boots_gave(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, guests, result = measure(tmp_path, monkeypatch, stop_at=2, expect=pytest.raises(Interrupted))
    assert guests.preloaded == [False, True]
    assert set(rows(result, "instr_per_request")) == {"epoll+native"}
    assert {one["variant"] for one in skips(result, "interrupted")} == {"preload"}


def test_what_the_plan_left_out_is_recorded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, _, result = measure(tmp_path, monkeypatch)
    (skip,) = result.of("skip")
    assert skip["reason"] == "no x" and skip["where"] == "guest"
