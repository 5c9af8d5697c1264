# SPDX-License-Identifier: MIT
"""Exact counts: what is red, what is let pass, and what cannot be counted."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from harness.catalogue import Catalogue, load_from
from harness.gate import counts, guest
from harness.gate.cells import BASE, CHANGE, GUEST_CELLS, HOST_CELLS, PROTOCOL, choose, plan_cell
from harness.gate.guest import GuestSide, read_counts, script
from harness.gate.rows import SKIPPED, Row
from harness.names import Variant
from harness.errors import UsageError
from harness.stats.verdict import EQUIVALENT, IMPROVED, INCONCLUSIVE, REGRESSED
from results.budget import Budget

CASE = "idle_scan registered=1000 source=eventfd epoll+lt"


def _row(metric: str, base: float | None, change: float | None, *budgets: Budget) -> Row:
    return counts.count_row(CASE, metric, (base, "gone"), (change, "gone"), budgets)


@pytest.mark.parametrize(
    ("metric", "base", "change", "state"),
    [
        (counts.SYSCALLS, 2.0, 2.0, EQUIVALENT),
        (counts.SYSCALLS, 2.0, 2.001, REGRESSED),
        (counts.SYSCALLS, 2.0, 1.999, IMPROVED),
        (counts.SYSCALLS, 0.0, 0.0, EQUIVALENT),
        (counts.SYSCALLS, 0.0, 0.5, REGRESSED),
        (counts.USER, 1000.0, 1009.9, EQUIVALENT),
        (counts.USER, 1000.0, 1010.0, REGRESSED),
        (counts.USER, 100.0, 104.0, EQUIVALENT),  # 4 %, but fewer than five instructions
        (counts.USER, 100.0, 105.0, REGRESSED),
        (counts.TOTAL, 4000.0, 4041.0, REGRESSED),
        (counts.TOTAL, 4000.0, 3900.0, IMPROVED),
    ],
)
def test_a_count_is_red_beyond_its_allowance(
    metric: str, base: float, change: float, state: str
) -> None:
    row = _row(metric, base, change)
    assert row.state == state and (row.base, row.change) == (base, change)


def test_a_count_that_is_missing_is_inconclusive_and_says_whose() -> None:
    assert _row(counts.USER, None, 5.0).state == INCONCLUSIVE
    assert _row(counts.USER, 5.0, None).reason == "change: gone"


def test_a_budget_lets_a_count_pass_up_to_its_value() -> None:
    one = Budget("idle_scan *", counts.USER, 1200.0, "close detection")
    passed = _row(counts.USER, 1000.0, 1200.0, one)
    assert passed.state == REGRESSED and passed.counted == EQUIVALENT
    assert passed.excuse == "budget: close detection"
    assert _row(counts.USER, 1000.0, 1201.0, one).counted == REGRESSED


@pytest.fixture
def known(fake_worker: Path) -> Catalogue:
    return load_from(fake_worker)


def test_more_calls_are_red_and_named(fake_worker: Path, known: Catalogue) -> None:
    named = {CASE: plan_cell(HOST_CELLS[0], known, PROTOCOL)}
    programs = {BASE: fake_worker, CHANGE: fake_worker}
    environments = {CHANGE: {"KVB_FAKE_CALLS": "1"}}
    row = counts.syscall_rows(named, programs, environments, [], lambda text: None)[0]
    assert (row.state, row.base, row.change) == (REGRESSED, 2.0, 3.0)
    assert row.details == ("read: 1.0000 -> 2.0000",)
    same = counts.syscall_rows(named, programs, {}, [], lambda text: None)[0]
    assert same.state == EQUIVALENT and same.details == ()


def test_a_worker_that_dies_is_no_count(fake_worker: Path, known: Catalogue) -> None:
    named = {CASE: plan_cell(HOST_CELLS[0], known, PROTOCOL)}
    programs = {BASE: fake_worker, CHANGE: Path("/nonexistent/worker")}
    row = counts.syscall_rows(named, programs, {}, [], lambda text: None)[0]
    assert row.state == INCONCLUSIVE and "change: the worker cannot start" in str(row.reason)


def test_cells_are_chosen_by_a_part_of_their_name() -> None:
    assert choose(["tcp_rr"]) == tuple(c for c in HOST_CELLS if c.workload == "tcp_rr")
    assert choose([]) == HOST_CELLS
    with pytest.raises(UsageError, match="no gated cell"):
        choose(["nonsense"])


def test_the_rows_of_a_job_are_few_enough_for_ten_pairs() -> None:
    rows = sum(4 if cell.latency else 2 for cell in HOST_CELLS)
    assert rows * 2 / 2**PROTOCOL.pairs < 0.05


def _document(*costs: float) -> str:
    slices = [{"wall_ns": 1000 * cost, "ops": 1000, "errors": {}} for cost in costs]
    return json.dumps({"slices": slices}, indent=1)


def test_the_guest_script_marks_every_cell_and_its_answers_are_told_apart() -> None:
    text = script(GuestSide(Path("/w o/worker"), None), GUEST_CELLS)
    assert text.count("kevbench-gate-cell") == len(GUEST_CELLS) and "'/w o/worker'" in text
    said = (
        f"kevbench-gate-cell 0\n{_document(9, 5, 5, 5)}\n"
        "kevbench-gate-cell 1\nkevbench-worker: unknown mechanism kevent\n"
        f"kevbench-gate-cell 2\n{_document(9, 5, 5, 6)}\n"
        "kevbench-gate-cell 77\nnoise\n"
    )
    found = read_counts(said, GUEST_CELLS)
    assert found[GUEST_CELLS[0].name] == (5.0, "")
    assert found[GUEST_CELLS[1].name] == (None, "unknown mechanism kevent")
    assert "no exact count" in found[GUEST_CELLS[2].name][1]
    assert found[GUEST_CELLS[3].name] == (None, "the guest said nothing")


EPOLL, KEVENT = GUEST_CELLS[0], next(
    c for c in GUEST_CELLS if c.variant == Variant("kevent", "get")
)


def _guest_rows(
    monkeypatch: pytest.MonkeyPatch,
    base: dict[str, counts.Taken] | str,
    change: dict[str, counts.Taken] | str,
    module: Path | None = Path("kevent.ko"),
) -> dict[str, Row]:
    answers = {"b": base, "c": change}
    monkeypatch.setattr(
        guest, "count", lambda side, cells, kernel, limit_s: answers[side.worker.name]
    )
    sides = {
        BASE: GuestSide(Path("b"), module, "has no kevent sources"),
        CHANGE: GuestSide(Path("c"), Path("kevent.ko")),
    }
    made = guest.rows(sides, (EPOLL, KEVENT), "6.12", [], lambda text: None)
    return {row.case: row for row in made}


def test_one_per_cent_more_in_the_module_is_red_with_both_values(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    base: dict[str, counts.Taken] = {EPOLL.name: (5944.0, ""), KEVENT.name: (4000.0, "")}
    change: dict[str, counts.Taken] = {EPOLL.name: (5944.0, ""), KEVENT.name: (4041.0, "")}
    rows = _guest_rows(monkeypatch, base, change)
    assert rows[EPOLL.name].state == EQUIVALENT
    red = rows[KEVENT.name]
    assert (red.state, red.base, red.change) == (REGRESSED, 4000.0, 4041.0)


def test_a_base_without_the_module_is_skipped_aloud(monkeypatch: pytest.MonkeyPatch) -> None:
    both: dict[str, counts.Taken] = {EPOLL.name: (5944.0, ""), KEVENT.name: (None, "not available")}
    rows = _guest_rows(monkeypatch, both, both, None)
    assert rows[KEVENT.name].state == SKIPPED
    assert rows[KEVENT.name].reason == "base: has no kevent sources"


def test_what_only_the_change_knows_is_skipped_and_what_it_lost_is_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    old: dict[str, counts.Taken] = {EPOLL.name: (1.0, ""), KEVENT.name: (None, "unknown mechanism")}
    new: dict[str, counts.Taken] = {EPOLL.name: (1.0, ""), KEVENT.name: (4000.0, "")}
    assert _guest_rows(monkeypatch, old, new)[KEVENT.name].state == SKIPPED
    assert _guest_rows(monkeypatch, new, old)[KEVENT.name].state == INCONCLUSIVE


def test_a_guest_that_fails_is_inconclusive(monkeypatch: pytest.MonkeyPatch) -> None:
    sound: dict[str, counts.Taken] = {EPOLL.name: (1.0, ""), KEVENT.name: (2.0, "")}
    rows = _guest_rows(monkeypatch, sound, "the guest failed: panic")
    assert {row.state for row in rows.values()} == {INCONCLUSIVE}


def _counted(case: str, change: float) -> Row:
    return counts.count_row(case, counts.USER, (100.0, ""), (change, ""), [])


def test_a_red_count_must_come_out_red_a_second_time() -> None:
    first = [_counted("a", 110.0), _counted("b", 100.0), _counted("c", 120.0)]
    asked: list[set[str]] = []

    def again(red: set[str]) -> list[Row]:
        asked.append(red)
        return [_counted("a", 110.0), _counted("c", 100.0)]

    found = counts.confirmed(first, again)
    assert [row.state for row in found] == [REGRESSED, EQUIVALENT, INCONCLUSIVE]
    assert asked == [{"a", "c"}] and "second count" in str(found[2].reason)


def test_no_second_count_is_taken_without_a_red_one() -> None:
    rows = [_counted("a", 90.0), _counted("b", 100.0)]
    assert counts.confirmed(rows, lambda red: pytest.fail("counted again")) == rows


def test_one_per_cent_is_seen_whichever_way_two_boots_differ() -> None:
    # Two processes that take turns: this pair of boots differed by 0.02 % before anything grew.
    assert guest.total_row(CASE, (18378.9, ""), (18561.4, "")).state == REGRESSED
    assert guest.total_row(CASE, (18378.9, ""), (18375.1, "")).state == EQUIVALENT
    assert guest.total_row(CASE, (18378.9, ""), (18541.0, "")).state == EQUIVALENT
