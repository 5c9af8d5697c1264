# SPDX-License-Identifier: MIT
"""The guest part for real: one tiny plan with the module, without it, and with one that refuses."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness import catalogue
from harness.controller.interrupt import Interrupt
from harness.guestcells import part
from harness.guestcells.boot import Prepared, boot, prepare
from harness.guestcells.part import GuestPart
from harness.guestcells.plan import counting, lines, make_guest_plan
from harness.guestcells.surroundings import Surroundings
from harness.plan import Request
from harness.progress import Progress
from results import validate
from results.identity import new_run_id
from results.reader import ResultFile, read
from results.writer import ResultWriter

pytestmark = pytest.mark.guest

TINY = Request(
    mechanisms=("epoll+lt", "epoll+et", "select+select", "kevent+get"),
    workloads=("idle_scan", "http_one_byte"),
    params=("registered=2", "source=unix", "checks=on"),
)


def measure(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    change: Callable[[Prepared], Prepared] = lambda prepared: prepared,
) -> tuple[GuestPart, ResultFile]:
    """A tiny guest part, whose preparation `change` alters, with the records it wrote."""
    folder.mkdir()
    monkeypatch.setattr(part, "prepare", lambda series, tell: change(prepare(series, tell)))
    plan = make_guest_plan(TINY, catalogue.load(), "6.12")
    with ResultWriter(folder / "results.jsonl", new_run_id()) as writer, Interrupt() as interrupt:
        writer.append("run", {"shown_params": {}})
        around = Surroundings(writer, interrupt, Progress(1.0, quiet=True), folder, 1)
        whole = GuestPart(plan, around)
        whole.carry_out()
    return whole, read(folder)


def counts(result: ResultFile, workload: str = "idle_scan") -> dict[str, dict[str, Any]]:
    metric = "instr_per_request" if workload == "http_one_byte" else "instr_per_event"
    found = result.of("metric", metric=metric, workload=workload, purpose="headline")
    return {record["side"]: record for record in found}


def test_one_boot_counts_every_mechanism_with_the_module_loaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, result = measure(tmp_path / "run", monkeypatch)
    assert not whole.errors
    for record in result.records[1:]:
        validate.check("result", record)
    found = counts(result)
    assert set(found) == {"epoll+lt", "epoll+et", "select+select", "kevent+get"}
    # A send, a wait and a receive on a socket: thousands of instructions, and select is no better.
    assert 2_000 < found["epoll+lt"]["value"] < 20_000
    assert found["select+select"]["value"] > 0.9 * found["epoll+lt"]["value"]
    dispatch = {
        one["side"]: one["value"]
        for one in result.of("metric", metric="dispatch_instr_per_event", workload="idle_scan")
    }
    assert 0 < dispatch["epoll+lt"] < found["epoll+lt"]["value"]
    requests = counts(result, "http_one_byte")
    assert 5_000 < requests["epoll+lt"]["value"] < 200_000
    (environment,) = result.of("env")
    assert environment["where"] == "guest"
    assert environment["facts"]["kernel"]["release"] == found["epoll+lt"]["kernel"]
    assert environment["facts"]["module"]["kevent"]["taint"]


def test_counts_of_two_boots_agree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _, first = measure(tmp_path / "first", monkeypatch)
    _, second = measure(tmp_path / "second", monkeypatch)
    ones, others = counts(first), counts(second)
    for side, one in ones.items():
        assert others[side]["value"] == pytest.approx(one["value"], rel=0.005)


def test_without_the_module_the_rest_is_counted_and_kevent_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    why = "kevent.ko cannot be loaded: it does not build"
    _, result = measure(
        tmp_path / "run", monkeypatch, lambda one: replace(one, module=None, missing=why)
    )
    assert set(counts(result)) == {"epoll+lt", "epoll+et", "select+select"}
    skipped = list(result.of("skip", mechanism="kevent"))
    assert skipped and {one["reason"] for one in skipped} == {why}


def test_a_module_that_the_kernel_refuses_costs_a_boot_and_kevent_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def damage(prepared: Prepared) -> Prepared:
        assert prepared.module is not None
        data = prepared.module.read_bytes()
        head, magic, tail = data.partition(b"vermagic=")
        # The release in it is not compared where symbols have checksums; how it was built is.
        assert b" SMP " in tail[:200]
        damaged = tmp_path / "kevent.ko"
        damaged.write_bytes(head + magic + tail.replace(b" SMP ", b" UMP ", 1))
        return replace(prepared, module=damaged)

    # The check of this side would find it first; here the kernel is to.
    monkeypatch.setattr("harness.guest.run.check_module", lambda module, kernel: None)
    _, result = measure(tmp_path / "run", monkeypatch, damage)
    assert set(counts(result)) == {"epoll+lt", "epoll+et", "select+select"}
    skipped = list(result.of("skip", mechanism="kevent"))
    assert skipped and all("refused kevent.ko" in one["reason"] for one in skipped)


def test_answers_come_while_the_guest_counts_and_outlive_it(tmp_path: Path) -> None:
    """Ends the guest at its fifth answer, as Ctrl-C does."""

    class Enough(Exception):
        pass

    heard: list[dict[str, Any]] = []

    def receive(answer: dict[str, Any]) -> None:
        heard.append(answer)
        if len(heard) == 5:
            raise Enough

    plan = make_guest_plan(TINY, catalogue.load(), "6.12")
    prepared = replace(prepare("6.12", lambda line: None), module=None)
    text = list(lines(plan, counting(plan), real_time=False))
    with pytest.raises(Enough):
        boot(prepared, text, tmp_path, "count", 10.0, receive, True, lambda line: None)
    kept = (tmp_path / "count-answers.jsonl").read_bytes().count(b"\n")
    assert kept >= 5 and len(text) > 5
