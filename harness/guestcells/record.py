# SPDX-License-Identifier: MIT
"""Turns the guest's answers into the records of a run."""

from __future__ import annotations

import statistics
from collections.abc import Mapping
from typing import Any

from harness.analysis.cell import CellRows, analyse
from harness.analysis.rows import exact_rows
from harness.analysis.whole import Measured
from harness.celldata import CellData, Count
from harness.controller.equalwork import unequal_work
from harness.controller.recorder import Recorder
from harness.guestcells.answers import Answer
from harness.guestcells.plan import (
    BARE,
    BYSTANDER,
    MODULE,
    TIMES,
    TWO_THREADS,
    Asked,
    GuestPlan,
    without_module,
)
from harness.names import Variant
from harness.plan import LOADED, Cell, Side
from results.keys import case_key, params_text

_TOOL = "icount"
_BASIS = "emulated, counted by the guest's own clock"
_BOTH_THREADS = f"{_BASIS}; all threads on one processor"
_SERVER = f"{_BASIS}; the server's process alone"
#: CPU time below this share of the whole means that something else ran, or nothing did.
_IDLE_LIMIT = 0.98
_KINDS = {"skipped": "not-applicable", "usage": "unavailable"}
Found = dict[str, "tuple[float | None, int, str | None]"]
#: Instructions of an operation that nobody watches, in a kernel without the module, by cell.
Unhooked = dict[str, "float | str | None"]


class GuestRecords:
    """Collects the answers of one boot and writes records cell by cell. Not thread-safe."""

    def __init__(
        self, plan: GuestPlan, recorder: Recorder, seed: int, unhooked: Unhooked | None = None
    ) -> None:
        self.plan = plan
        self.unhooked: Unhooked = {} if unhooked is None else unhooked
        self.cells = plan.cells
        self.recorder = recorder
        self.seed = seed
        self.measured: list[Measured] = []
        self.errors: list[str] = []
        self._answers: dict[int, dict[tuple[str, int], Answer]] = {}

    def take(self, asked: Asked, answer: Answer) -> None:
        """Keeps an answer until its cell is complete."""
        self._answers.setdefault(asked.cell, {})[(asked.side.label, asked.pair)] = answer

    def begun(self, number: int) -> bool:
        """Whether a cell that was not finished has answers."""
        return number in self._answers

    def finish_cell(self, number: int, unanswered: str) -> None:
        """Records a cell; sides without an answer are skipped for the reason `unanswered`."""
        cell, answers = self.cells[number], self._answers.pop(number, {})
        data = CellData(cell)
        times = any(answer.get("slices") and pair for (_, pair), answer in answers.items())
        for side in cell.sides:
            mine = {pair: one for (label, pair), one in answers.items() if label == side.label}
            self._side(data, side, mine, unanswered)
        data.void = unequal_work(data.slices)
        if data.void is not None:
            self.recorder.skip(cell.workload, cell.params, None, "void", data.void)
            self.errors.append(f"{cell.title} in the guest: void: {data.void}")
            self.measured.append(Measured(data, CellRows()))
            return
        rows = self._time_rows(data) if times else self._count_rows(data, answers)
        for row in rows.rows:
            self.recorder.writer.append("metric", row)
        self.measured.append(Measured(data, rows))
        data.slices = []

    def _side(
        self, data: CellData, side: Side, mine: Mapping[int, Answer], unanswered: str
    ) -> None:
        """Case and slice records of one side, or why there are none."""
        good = {pair: answer for pair, answer in sorted(mine.items()) if answer["ok"]}
        bad = [answer for answer in mine.values() if not answer["ok"]]
        if not good:
            kind, reason = "failed", unanswered
            if bad:
                kind = _KINDS.get(str(bad[0].get("kind")), "failed")
                reason = str(bad[0].get("error", "no reason given"))
            self._lose(data, side, kind, reason)
            return
        first = next(iter(good.values()))
        data.unit = str(first.get("operation", "event"))
        data.operations[side.label] = int(first["ops"])
        data.case_keys[side.label] = str(
            first.get("case_key")
            or case_key(
                data.cell.workload, side.variant.mechanism, side.variant.variant, data.cell.params
            )
        )
        self.recorder.case(data, side, first.get("setup_ns"))
        if first.get("kernel_bytes_per_watch") is not None:
            data.kernel_bytes[side.label] = {0: float(first["kernel_bytes_per_watch"])}
        for pair, answer in good.items():
            for fields in _slices(data, side, pair, answer):
                self.recorder.slice(data, fields, {})

    def _lose(self, data: CellData, side: Side, kind: str, reason: str) -> None:
        data.lost[side.label] = reason
        self.recorder.skip(data.cell.workload, data.cell.params, side.variant, kind, reason)
        if kind == "failed":
            self.errors.append(f"{data.cell.title} in the guest: {side.label}: {reason}")

    def _time_rows(self, data: CellData) -> CellRows:
        data.cell = type(data.cell)(
            data.cell.workload,
            data.cell.params,
            data.cell.purpose,
            False,
            False,
            TIMES,
            data.cell.sides,
            data.cell.shown,
        )
        wanted = Variant("epoll", "lt").name
        alive = [side.label for side in data.alive()]
        reference = wanted if wanted in alive else alive[0] if alive else wanted
        data.calibration = {"reference": reference}
        return analyse(data, self.recorder.place, self.seed)

    def _count_rows(self, data: CellData, answers: Mapping[tuple[str, int], Answer]) -> CellRows:
        """Metric rows of exact counts, with the count records behind them."""
        result = CellRows()
        whole: Found = {}
        dispatch: Found = {}
        calls: Found = {}
        memory: Found = {}
        external = data.cell.workload in LOADED
        for side in data.alive():
            without = _bare(answers.get((Side(self.plan.bare_of(side)).label, 0)))
            answer = answers[(side.label, 0)]
            series = answer["cpu_ns"] if external else answer["wall_ns"]
            count = self._count(data, side, "instructions", series, answer["ops"])
            value = count.per_operation
            basis = _basis(data.cell, answer)
            whole[side.label] = (value, len(series), basis)
            if isinstance(without, float) and value is not None:
                dispatch[side.label] = (value - without, len(series), basis)
            elif without is not None:
                dispatch[side.label] = (None, 0, str(without))
            if data.cell.purpose == "floor":
                continue
            calls[side.label] = _calls(answer)
            if side.label in data.kernel_bytes:
                memory[side.label] = (data.kernel_bytes[side.label][0], 1, _BASIS)
        place = self.recorder.place
        for name, figures in _of_threads(data, answers).items():
            result.rows += exact_rows(data, place, name, figures)
        if data.cell.workload == BYSTANDER:
            result.rows += exact_rows(
                data, place, "unused_instr_per_event", self._unused(data, answers, whole)
            )
        if data.cell.workload != "footprint":
            name = "instr_per_request" if external else "instr_per_event"
            result.rows += exact_rows(data, place, name, whole)
        result.rows += exact_rows(data, place, "dispatch_instr_per_event", dispatch)
        if not external:
            result.rows += exact_rows(data, place, "syscalls_per_event", calls)
        result.rows += exact_rows(data, place, "bytes_per_fd", memory)
        return result

    def _unused(
        self, data: CellData, answers: Mapping[tuple[str, int], Answer], whole: Found
    ) -> Found:
        """What an operation costs more than the same done bare in a kernel without the module."""
        rest = params_text({n: v for n, v in data.cell.params.items() if n != MODULE})
        if without_module(data.cell):
            self.unhooked[rest] = _bare(answers.get((Side(BARE).label, 0)))
        before = self.unhooked.get(rest)
        found: Found = {}
        for label, (value, repeats, basis) in whole.items():
            if isinstance(before, float) and value is not None:
                found[label] = (value - before, repeats, basis)
            else:
                why = before if isinstance(before, str) else "not counted without the module"
                found[label] = (None, 0, why)
        return found

    def _count(
        self, data: CellData, side: Side, name: str, repeats: list[float], operations: int
    ) -> Count:
        count = Count(_TOOL, name, operations, [float(one) for one in repeats])
        data.counts.setdefault(side.label, []).append(count)
        self.recorder.count(data, side.label, count)
        return count


def _of_threads(data: CellData, answers: Mapping[tuple[str, int], Answer]) -> Mapping[str, Found]:
    """By metric, who was woken and who got how much; empty where one thread waits."""
    found: dict[str, Found] = {}
    for side in data.alive():
        last = (answers[(side.label, 0)].get("slices") or [{}])[-1]
        if not last.get("share_bottom"):
            continue
        for metric, top, bottom in (
            ("wakeups_per_event", "wakeups", "ops"),
            ("spurious_per_event", "spurious", "ops"),
            ("share_index", "share_top", "share_bottom"),
        ):
            value = float(last[top]) / float(last[bottom])
            found.setdefault(metric, {})[side.label] = (value, 1, "counted by the guest's kernel")
    return found


def _bare(answer: Answer | None) -> float | str | None:
    """Instructions of the same input and output without a mechanism, or why they are unknown; None
    for a workload that has no such thing."""
    if answer is None:
        return None
    if not answer["ok"]:
        return f"the same work without a mechanism was not counted: {answer.get('error')}"
    return float(statistics.median(answer["wall_ns"])) / float(answer["ops"])


def _slices(data: CellData, side: Side, pair: int, answer: Answer) -> list[dict[str, Any]]:
    """Fields of slice records: the check slice, and every batch where times are real."""
    made = []
    if "check" in answer:
        made.append((answer["check"], True, -1))
    if len(answer.get("slices") or ()) > 1:
        made += [(one, False, block) for block, one in enumerate(answer["slices"])]
    times = len(made) > 1
    return [
        {
            **{name: value for name, value in one.items() if name != "cpu_ns"},
            "case_key": data.case_keys[side.label],
            "side": side.label,
            "phase": "time" if times else "counts",
            "build": 0,
            "pair": pair,
            "block": block,
            "pos": 0,
            "warmup": warmup,
        }
        for one, warmup, block in made
    ]


def _basis(cell: Cell, answer: Answer) -> str:
    """What a count covers."""
    if cell.workload in LOADED:
        return f"{_SERVER}; half of the batches lie within {_middle_half(answer['cpu_ns']):.1f} %"
    if cell.workload in TWO_THREADS:
        return _BOTH_THREADS
    wall, cpu = statistics.median(answer["wall_ns"]), statistics.median(answer["cpu_ns"])
    if wall and cpu < _IDLE_LIMIT * wall:
        return f"{_BASIS}; {100 * (1 - cpu / wall):.0f} % of it outside the process"
    return _BASIS


def _middle_half(repeats: list[float]) -> float:
    """Distance of the quartiles in percent of the median."""
    low, middle, high = statistics.quantiles(repeats, n=4)
    return 100.0 * (high - low) / middle if middle else 0.0


def _calls(answer: Answer) -> tuple[float | None, int, str | None]:
    """System calls an operation."""
    calls = answer.get("syscalls")
    if calls is None:
        return (None, 0, str(answer.get("syscalls_reason") or "not counted"))
    return (float(calls["total"]) / float(answer["ops"]), 1, "tracepoint in the guest")
