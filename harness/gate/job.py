# SPDX-License-Identifier: MIT
"""One gate job: both sides built, the stages in order, a confirmation before a red on time."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from harness.catalogue import Catalogue
from harness.controller.cellrun import Build
from harness.errors import MeasurementFault, UsageError
from harness.gate import cells as gated
from harness.gate import counts, guest, timing
from harness.gate.builds import Programs, relink, same_code
from harness.gate.cells import BASE, CHANGE, GateCell
from harness.gate.revision import Exemption
from harness.gate.rows import Row, Stage, of_verdict
from harness.plan import Cell
from harness.protocol import Protocol
from harness.stats.verdict import EQUIVALENT, INCONCLUSIVE, REGRESSED, Verdict, confirm
from results import budget
from results.identity import derived_seed

NAMES = {
    1: "system calls per operation",
    2: "user instructions per operation",
    3: "instructions per operation in the guest",
    4: "CPU time",
    5: "wall time",
    6: "latency p50 and p99",
}
COUNT_STAGES, TIME_STAGES = (1, 2, 3), (4, 5, 6)
SAME_MODULE = "both workers hold the same code, and the module has the same sources"
_METRICS = {1: counts.SYSCALLS, 2: counts.USER, 3: counts.TOTAL}


@dataclass
class Job:
    """What is compared and how. `programs` and `environments` are by side."""

    programs: Mapping[str, Programs]
    catalogues: Mapping[str, Catalogue]
    cells: Sequence[GateCell]
    timer: timing.Timer
    tell: Callable[[str], None]
    protocol: Protocol = gated.PROTOCOL
    confirming_pairs: int = gated.CONFIRMING_PAIRS
    stages: tuple[int, ...] = COUNT_STAGES + TIME_STAGES
    force_time: bool = False
    budgets: Sequence[budget.Budget] = ()
    exemptions: Sequence[Exemption] = ()
    environments: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    #: Makes the sides of the guest stage, or says why there is none; called once.
    guest_sides: Callable[[], Mapping[str, guest.GuestSide] | str] | None = None
    #: Whether both sides have the same sources of the module.
    same_module: bool = False
    guest_cells: Sequence[GateCell] = gated.GUEST_CELLS
    kernel: str = "6.12"
    #: Called with each stage as it ends.
    finished: Callable[[Stage], None] = lambda stage: None
    timed_rows: int = 0

    def run(self) -> list[Stage]:
        """All stages that were asked for. Raises MeasurementFault and UsageError."""
        able, missing = self._able()
        equal = same_code(self.programs[BASE].worker, self.programs[CHANGE].worker)
        if self.environments:
            equal = False
        found: list[Stage] = []
        for number in COUNT_STAGES:
            if number in self.stages:
                found.append(self._count_stage(number, able, missing, equal))
        red = any(stage.state == REGRESSED for stage in found)
        if any(number in self.stages for number in TIME_STAGES):
            found += self._time_stages(able, missing, equal, red)
        return found

    def _able(self) -> tuple[dict[str, Cell], list[tuple[str, str]]]:
        """Cells that both sides can run, and the names of the others with the reason."""
        able: dict[str, Cell] = {}
        missing = []
        for cell in self.cells:
            reasons = [
                f"{label}: {reason}"
                for label in (BASE, CHANGE)
                if (reason := gated.unavailable(cell, self.catalogues[label])) is not None
            ]
            if reasons:
                missing.append((cell.name, reasons[0]))
                continue
            complete = {
                label: gated.complete(cell, self.catalogues[label]) for label in (BASE, CHANGE)
            }
            if complete[BASE] != complete[CHANGE]:
                missing.append((cell.name, "its parameters or their defaults differ from the base"))
                continue
            able[cell.name] = gated.plan_cell(cell, self.catalogues[CHANGE], self.protocol)
        return able, missing

    def _count_stage(
        self, number: int, able: Mapping[str, Cell], missing: list[tuple[str, str]], equal: bool
    ) -> Stage:
        started = time.monotonic()
        stage = Stage(number, NAMES[number])
        workers = {label: programs.worker for label, programs in self.programs.items()}
        if number == 3:
            self._guest_stage(stage, equal)
        elif equal:
            stage.note, stage.bare = "both workers hold the same code", EQUIVALENT
        else:
            left_out = [*missing, *self._uncounted(able)]
            exact = {name: cell for name, cell in able.items() if name not in dict(left_out)}
            take = counts.syscall_rows if number == 1 else counts.instruction_rows

            def rows(named: Mapping[str, Cell]) -> list[Row]:
                return take(named, workers, self.environments, self.budgets, self._step)

            stage.rows = counts.confirmed(
                rows(exact), lambda red: rows({name: exact[name] for name in red})
            )
            stage.rows += [
                counts.skipped_row(name, _METRICS[number], why) for name, why in left_out
            ]
        return self._end(stage, started)

    def _step(self, text: str) -> None:
        """Between two counts. Raises Interrupted."""
        self.timer.interrupt.check()
        self.tell(text)

    def _uncounted(self, able: Mapping[str, Cell]) -> list[tuple[str, str]]:
        """Cells that have no exact count, with the reason."""
        return [
            (cell.name, cell.uncounted)
            for cell in self.cells
            if cell.uncounted and cell.name in able
        ]

    def _guest_stage(self, stage: Stage, equal: bool) -> None:
        if self.guest_sides is None:
            stage.note = "left out on request"
            return
        if equal and self.same_module:
            stage.note, stage.bare = SAME_MODULE, EQUIVALENT
            return
        self._step("kernel of the guest")
        sides = self.guest_sides()
        if isinstance(sides, str):
            stage.note, stage.bare = sides, INCONCLUSIVE
            return
        known = sides
        modules = [side.module for side in sides.values()]
        base, change = sides[BASE].module, sides[CHANGE].module
        same = base is not None and change is not None and same_code(base, change, "--strip-debug")
        if equal and (same or not any(modules)):
            what = "workers and modules hold" if same else "workers hold"
            stage.note, stage.bare = f"both {what} the same code", EQUIVALENT
            return

        def rows(cells: Sequence[GateCell]) -> list[Row]:
            limit_s = self.timer.interrupt.seconds_left(guest.DEADLINE_S)
            return guest.rows(known, cells, self.kernel, self.budgets, self._step, limit_s)

        stage.rows = counts.confirmed(
            rows(self.guest_cells),
            lambda red: rows([cell for cell in self.guest_cells if cell.name in red]),
        )

    def _end(self, stage: Stage, started: float) -> Stage:
        stage.seconds = time.monotonic() - started
        self.finished(stage)
        return stage

    def _time_stages(
        self, able: Mapping[str, Cell], missing: list[tuple[str, str]], equal: bool, red: bool
    ) -> list[Stage]:
        started = time.monotonic()
        found = [Stage(number, NAMES[number]) for number in TIME_STAGES if number in self.stages]
        if equal and not self.force_time:
            for stage in found:
                stage.note, stage.bare = "both workers hold the same code", EQUIVALENT
        elif red and not self.force_time:
            for stage in found:
                stage.note = "not run: a count has regressed (--force-time runs it all the same)"
        else:
            verdicts = self._verdicts(able, equal)
            self.timed_rows = sum(one.comparison is not None for one in verdicts)
            for stage in found:
                mine = [
                    one for one in verdicts if timing.STAGES[one.evidence.metric] == stage.number
                ]
                stage.rows = [self._excused(of_verdict(one)) for one in mine]
                stage.rows += [
                    counts.skipped_row(name, _first_metric(stage.number), why)
                    for name, why in missing
                ]
        for stage in found:
            self._end(stage, started)
            started = time.monotonic()
        return found

    def _verdicts(self, able: Mapping[str, Cell], equal: bool) -> list[Verdict]:
        """The first round, and for its reds a second one with new processes and layouts."""
        programs = self._unchanged()
        seed = self.timer.seed
        if equal and self.force_time:
            # One file on both sides would share its layout: nothing would be tested.
            programs = {
                label: relink(self.programs[label], label, 1, derived_seed(seed, label, "force"))
                for label in (BASE, CHANGE)
            }
        verdicts = self.timer.round(able, self._builds(programs), "first")
        red = {one.evidence.case for one in verdicts if one.state == REGRESSED}
        if not red:
            return verdicts
        how, orders = self._relinked()
        self.tell(f"confirming with new processes and {how}")
        again = {
            name: replace(cell, protocol=self._confirming())
            for name, cell in able.items()
            if name in red
        }
        second = self.timer.round(again, self._builds(orders), "confirmation")
        return confirm(verdicts, second, f"new processes and {how}")

    def _unchanged(self) -> dict[str, tuple[Path, ...]]:
        return {label: (self.programs[label].worker,) for label in (BASE, CHANGE)}

    def _confirming(self) -> Protocol:
        pairs = self.confirming_pairs
        return replace(self.protocol, pairs=pairs, latency_pairs=pairs)

    def _builds(self, programs: Mapping[str, Sequence[Path]]) -> dict[str, Build]:
        return {
            label: Build(tuple(paths), self.environments.get(label, {}))
            for label, paths in programs.items()
        }

    def _relinked(self) -> tuple[str, dict[str, tuple[Path, ...]]]:
        """Programs of the confirmation; the same ones, said aloud, where none can be linked."""
        seed = self.timer.seed
        try:
            found = {
                label: relink(
                    self.programs[label], label, gated.LINK_ORDERS, derived_seed(seed, label)
                )
                for label in (BASE, CHANGE)
            }
        except (UsageError, MeasurementFault) as problem:
            self.tell(f"not relinked: {problem}")
            return "the same link order", self._unchanged()
        return f"{gated.LINK_ORDERS} link orders", found

    def _excused(self, row: Row) -> Row:
        """A slow-down that a commit since the base says is meant."""
        if row.state != REGRESSED:
            return row
        reason = next((one.reason for one in self.exemptions if one.covers(row.case)), None)
        return row if reason is None else replace(row, excuse=f"Perf-Exempt: {reason}")


def _first_metric(stage: int) -> str:
    return next(metric for metric, number in timing.STAGES.items() if number == stage)
