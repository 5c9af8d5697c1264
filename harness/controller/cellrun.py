# SPDX-License-Identifier: MIT
"""Runs one cell: calibration, pairs of fresh processes, blocks in random order, latency, counts."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from harness.celldata import CellData, Count
from harness.controller.calibrate import choose_operations, granule_of, time_operation
from harness.controller.equalwork import unequal_work
from harness.controller.interrupt import Interrupt
from harness.controller.recorder import Recorder
from harness.estimate import cell_seconds
from harness.names import Variant
from harness.plan import OPEN_LATENCY_SLICES, Cell, Side
from harness.stats.checks import drift
from harness.worker import Worker, WorkerDied, WorkerRefused, padded_environment
from results.identity import derived_seed
from results.keys import case_key

#: Counting needs few operations: the counts are exact.
COUNT_OPERATIONS = 2_000
#: Builds of one variant that differ by this factor in their calibration are timed again, so often.
_UNLIKE, _CALIBRATIONS = 2.0, 3
_HISTOGRAM_FIELDS = ("hist", "hist_uncorrected", "hist_lateness")
_KEPT_OUT = {"ok", *_HISTOGRAM_FIELDS}


@dataclass(frozen=True)
class Build:
    """A build that sides can name. Pairs take its programs in turn: one for each order of linking."""

    programs: tuple[Path, ...]
    environment: Mapping[str, str] = field(default_factory=dict)

    def program(self, pair: int | None) -> Path:
        """The program of a pair; the first one outside pairs."""
        return self.programs[(pair or 0) % len(self.programs)]


@dataclass(frozen=True)
class Setting:
    """What cells have in common."""

    program: Path
    plugins: tuple[Path, ...]
    seed: int
    recorder: Recorder
    interrupt: Interrupt
    #: Called after each pair of processes with a text and the planned seconds of the cell done.
    step: Callable[[str, float], None]
    #: Programs of the sides that name a build.
    builds: Mapping[str, Build] = field(default_factory=dict)

    def build_of(self, side: Side) -> Build:
        """What runs a side."""
        return self.builds[side.build] if side.build else Build((self.program,))


class CellRun:
    """One cell being measured. Not thread-safe; run() once."""

    def __init__(self, cell: Cell, setting: Setting) -> None:
        self.cell = cell
        self.setting = setting
        self.data = CellData(cell)
        self._rng = random.Random(derived_seed(setting.seed, "cell", cell.identity))
        self._granule = granule_of(cell.params)
        self._setup: dict[str, float] = {}
        #: Pairs measured so far in each phase.
        self._done = {"time": 0, "latency": 0}

    def run(self) -> CellData:
        """Measures. What was measured before an Interrupted is in `data`, checked for equal work."""
        try:
            self._calibrate()
            if self.data.alive():
                self._time_pairs(self.cell.protocol.pairs)
                self._latency_pairs(self.cell.protocol.latency_pairs)
                self._counts()
        finally:
            self._check_work()
        return self.data

    def extend(self, pairs: int) -> CellData:
        """Adds so many pairs of processes, and as many for latency, to a cell that has run."""
        try:
            if self.data.operations and self.data.alive():
                self._time_pairs(pairs)
                self._latency_pairs(pairs)
        finally:
            self._check_work()
        return self.data

    def _check_work(self) -> None:
        known, self.data.void = self.data.void, unequal_work(self.data.slices)
        if self.data.void and known is None:
            self.setting.recorder.skip(
                self.cell.workload, self.cell.params, None, "void", self.data.void
            )

    @contextmanager
    def _workers(self, sides: list[Side], pair: int | None = None) -> Iterator[dict[str, Worker]]:
        """Fresh processes of the sides, started in random order, opened one after another."""
        order = list(sides)
        self._rng.shuffle(order)
        with ExitStack() as stack:
            workers: dict[str, Worker] = {}
            for side in order:
                build = self.setting.build_of(side)
                environment = {**padded_environment(self._rng), **build.environment}
                with self._survives(side, "start"):
                    workers[side.label] = stack.enter_context(
                        Worker(build.program(pair), environment, self.setting.plugins)
                    )
            yield workers
            for worker in workers.values():
                worker.hang_up()

    @contextmanager
    def _survives(self, side: Side, phase: str) -> Iterator[None]:
        """A worker's death or refusal loses its side of this cell, and only that."""
        try:
            yield
        except WorkerDied as problem:
            self._lose(side, "failed", f"the worker {problem}", phase)
        except WorkerRefused as problem:
            kind = "failed" if problem.kind == "fault" else "not-applicable"
            self._lose(side, kind, str(problem), phase)

    def _lose(self, side: Side, kind: str, reason: str, phase: str) -> None:
        self.data.lost[side.label] = reason
        self.setting.recorder.skip(
            self.cell.workload, self.cell.params, side.variant, kind, reason, phase
        )

    def _open(self, side: Side, worker: Worker, pair: int | None) -> None:
        answer = worker.open(self.cell.workload, side.variant, self.cell.params)
        self.data.unit = str(answer.get("operation", "event"))
        self.data.case_keys.setdefault(
            side.label,
            str(
                answer.get("case_key")
                or case_key(
                    self.cell.workload,
                    side.variant.mechanism,
                    side.variant.variant,
                    self.cell.params,
                )
            ),
        )
        if answer.get("via"):
            self.data.ways[side.label] = str(answer["via"])
        if pair is None:
            if answer.get("setup_ns") is not None:
                self._setup.setdefault(side.label, float(answer["setup_ns"]))
            return
        if answer.get("setup_ns") is not None:
            self.data.setup_ns.setdefault(side.label, {})[pair] = float(answer["setup_ns"])
        if answer.get("kernel_bytes_per_watch") is not None:
            found = float(answer["kernel_bytes_per_watch"])
            self.data.kernel_bytes.setdefault(side.label, {})[pair] = found

    def _calibrate(self) -> None:
        """Times every side in processes of its own and settles the operations of a slice."""
        timed: dict[str, float] = {}
        todo = list(self.cell.sides)
        for _ in range(_CALIBRATIONS):
            for side in todo:
                self._time_side(side, timed)
            todo = self._unlike(timed)
        if not timed:
            return
        reference = self._reference(timed)
        protocol = self.cell.protocol
        self.data.operations = choose_operations(timed, reference, self._granule, protocol)
        self.data.calibration = {
            "operations": self.data.operations,
            "check_operations": min(self.data.operations.values()),
            "target_ns": protocol.target_ns,
            "limit_ns": protocol.limit_ns,
            "reference": reference,
            "ns_per_operation": {name: round(value, 2) for name, value in timed.items()},
        }
        for side in self.data.alive():
            self.setting.recorder.case(self.data, side, self._setup.get(side.label))

    def _time_side(self, side: Side, timed: dict[str, float]) -> None:
        """Wall ns per operation of a side in a process of its own; the least of all tries counts."""
        self.setting.interrupt.check()
        with self._workers([side]) as workers, self._survives(side, "calibration"):
            if worker := workers.get(side.label):
                self._open(side, worker, None)
                cost = time_operation(partial(self._wall_ns, worker), self._granule)
                if self.cell.open_loop:
                    cost = 1e9 / float(self.cell.params["rate"])
                timed[side.label] = min(cost, timed.get(side.label, cost))

    @staticmethod
    def _wall_ns(worker: Worker, operations: int) -> int:
        return int(worker.ask(do="slice", operations=operations, timed=False)["wall_ns"])

    def _unlike(self, timed: Mapping[str, float]) -> list[Side]:
        """Sides much dearer than another build of their variant: likelier stopped than changed."""
        return [
            side
            for side in self.cell.sides
            if side.label in timed
            and timed[side.label] > _UNLIKE * timed[self._cheapest(side, timed)]
        ]

    def _cheapest(self, side: Side, timed: Mapping[str, float]) -> str:
        """The label of the cheapest build of a side's variant."""
        alike = [one.label for one in self.cell.sides if one.variant == side.variant]
        return min((label for label in alike if label in timed), key=timed.__getitem__)

    def _reference(self, timed: dict[str, float]) -> str:
        """epoll level-triggered, or the cheapest build of the first side there is."""
        wanted = Variant("epoll", "lt").name
        if wanted in timed:
            return wanted
        first = next(side for side in self.cell.sides if side.label in timed)
        return self._cheapest(first, timed) if first.build else first.label

    def _time_pairs(self, pairs: int) -> None:
        protocol = self.cell.protocol
        pair = self._done["time"]
        wanted = pair + pairs
        limit = wanted + protocol.spare_pairs
        while pair < wanted and self.data.alive():
            self._pair("time", pair, protocol.warmup_slices, protocol.blocks, False)
            if self._note_drift("time", pair) and wanted < limit:
                wanted += 1
            pair += 1
            self._done["time"] = pair
            self._step(f"pair {pair} of {wanted}", 0.9 * pair / wanted)

    def _latency_pairs(self, pairs: int) -> None:
        if not self.cell.latency:
            return
        first = self._done["latency"]
        for pair in range(first, first + pairs):
            if not self.data.alive():
                return
            self._pair("latency", pair, 1, self.cell.protocol.latency_blocks, True)
            self._done["latency"] = pair + 1
            self._step(f"latency, pair {pair + 1} of {first + pairs}", 0.9)

    def _pair(self, phase: str, pair: int, warmups: int, blocks: int, timed: bool) -> None:
        """One fresh process of every side, its warm-up slices, then the blocks."""
        with self._workers(self.data.alive(), pair) as workers:
            for side in self.data.alive():
                self.setting.interrupt.check()
                with self._survives(side, phase):
                    self._open(side, workers[side.label], pair if phase == "time" else None)
            position = 0
            operations = self.data.operations
            if timed and self.cell.open_loop:
                operations = {
                    label: number * OPEN_LATENCY_SLICES for label, number in operations.items()
                }
            check = dict.fromkeys(operations, min(operations.values()))
            unequal = len(set(operations.values())) > 1
            for counts in [*([check] if unequal else []), *([operations] * warmups)]:
                for side in self._shuffled():
                    self._slice(workers, side, phase, pair, -1, position, timed, counts)
                    position += 1
            for block in range(blocks):
                order = self._shuffled()
                for position, side in enumerate([*order, *reversed(order)]):
                    self._slice(workers, side, phase, pair, block, position, timed, operations)

    def _step(self, text: str, share: float) -> None:
        self.setting.step(f"{self.cell.title}: {text}", share * cell_seconds(self.cell))

    def _shuffled(self) -> list[Side]:
        order = self.data.alive()
        self._rng.shuffle(order)
        return order

    def _slice(
        self,
        workers: dict[str, Worker],
        side: Side,
        phase: str,
        pair: int,
        block: int,
        position: int,
        timed: bool,
        counts: Mapping[str, int],
    ) -> None:
        """One slice, recorded as it finishes. Does nothing for a side lost in this block."""
        self.setting.interrupt.check()
        if side.label in self.data.lost:
            return
        with self._survives(side, phase):
            answer = workers[side.label].ask(do="slice", operations=counts[side.label], timed=timed)
            self._record(side, phase, pair, block, position, answer)

    def _record(
        self,
        side: Side,
        phase: str,
        pair: int,
        block: int,
        position: int,
        answer: dict[str, Any],
    ) -> None:
        fields = {
            "case_key": self.data.case_keys[side.label],
            "side": side.label,
            "phase": phase,
            "build": pair % len(self.setting.build_of(side).programs),
            "pair": pair,
            "block": block,
            "pos": position,
            "warmup": block < 0,
            **{name: value for name, value in answer.items() if name not in _KEPT_OUT},
        }
        self.setting.recorder.slice(self.data, fields, answer)

    def _note_drift(self, phase: str, pair: int) -> bool:
        """Marks the processes of a pair whose CPU time was not stationary.

        CPU time, since its drift is the process's own; wall time follows the whole machine, which
        the blocks cancel.
        """
        found = False
        for side in self.data.alive():
            costs = [
                (one["cpu_user_ns"] + one["cpu_sys_ns"]) / one["ops"]
                for one in self.data.measured(phase, side.label)
                if one["pair"] == pair
            ]
            reason = drift(costs)
            if reason is not None:
                self.data.drifted[(phase, pair, side.label)] = reason
                found = True
        return found

    def _counts(self) -> None:
        """System calls of every side, in processes of their own: tracepoints cost time."""
        if not self.cell.protocol.count_repeats:
            return
        operations = max(
            self._granule,
            min(COUNT_OPERATIONS, *self.data.operations.values()) // self._granule * self._granule,
        )
        for side in self.data.alive():
            self.setting.interrupt.check()
            with self._workers([side]) as workers, self._survives(side, "counts"):
                if side.label not in workers:
                    continue
                self._open(side, workers[side.label], None)
                self._count_side(side, workers[side.label], operations)
        self._step("system calls", 0.95)

    def _count_side(self, side: Side, worker: Worker, operations: int) -> None:
        repeats: list[dict[str, float]] = []
        reason = "the worker gave no reason"
        position = 0
        self._record(
            side,
            "counts",
            0,
            -1,
            position,
            worker.ask(do="slice", operations=operations, timed=False),
        )
        for block in range(self.cell.protocol.count_repeats):
            answer = worker.ask(do="counts", operations=operations)
            self._record(side, "counts", 0, block, position, answer)
            if answer.get("syscalls") is None:
                reason = str(answer.get("syscalls_reason") or reason)
            else:
                repeats.append(
                    {name: float(number or 0) for name, number in answer["syscalls"].items()}
                )
        counts = [
            Count("tracepoint", name, operations, [one.get(name, 0.0) for one in repeats])
            for name in sorted({name for one in repeats for name in one})
        ] or [Count("tracepoint", "total", operations, [], reason=reason)]
        self.data.counts.setdefault(side.label, []).extend(counts)
        for count in counts:
            self.setting.recorder.count(self.data, side.label, count)
