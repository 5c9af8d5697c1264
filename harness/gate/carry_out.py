# SPDX-License-Identifier: MIT
"""A gate from its base to its record: builds, checks of the builds, stages, results.jsonl."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from harness import catalogue, tree
from harness.controller.interrupt import Interrupt, Interrupted
from harness.controller.recorder import Recorder
from harness.environment import collect
from harness.errors import MeasurementFault
from harness.gate import builds, guest
from harness.gate.cells import BASE, CHANGE, GateCell
from harness.gate.job import NAMES, Job
from harness.gate.records import verdict_fields
from harness.gate.revision import Base, Exemption, changed_paths
from harness.gate.rows import Stage, status
from harness.gate.timing import Timer
from harness.measure import make_directory
from harness.protocol import Protocol
from harness.stats.bootstrap import FEWEST_PAIRS
from harness.stats.verdict import INCONCLUSIVE as EARLY
from results.budget import Budget
from results.identity import derived_seed, new_run_id
from results.reader import FILE_NAME
from results.writer import ResultWriter

#: After this many seconds no round is extended, which keeps the whole below six minutes.
TIME_LIMIT_S = 270.0


@dataclass(frozen=True)
class Options:
    """What was asked for."""

    argv: tuple[str, ...]
    cells: Sequence[GateCell]
    protocol: Protocol
    bands: Mapping[str, float]
    stages: tuple[int, ...]
    force_time: bool
    guest: bool
    kernel: str
    seed: int | None
    out: Path | None
    #: Seconds after which the gate ends with what it has.
    limit_s: float
    budgets: tuple[Budget, ...]
    exemptions: tuple[Exemption, ...]


def about(worker: Path) -> dict[str, Any]:
    """What a worker says of its build and clock. Raises MeasurementFault."""
    try:
        done = subprocess.run(
            [str(worker), "about"], capture_output=True, text=True, timeout=30, check=True
        )
        return dict(json.loads(done.stdout))
    except (OSError, subprocess.SubprocessError, ValueError) as problem:
        raise MeasurementFault(f"{worker.name} about failed ({problem}): build again") from None


def check_builds(said: Mapping[str, Mapping[str, Any]]) -> None:
    """Refuses builds whose times mean nothing: not optimised, sanitized, or unlike each other."""
    for label, one in said.items():
        if not one.get("optimized"):
            raise MeasurementFault(
                f"the {label} is built without optimisation: use the release build"
            )
        if one.get("sanitizer", "none") != "none":
            raise MeasurementFault(f"the {label} is built with a sanitizer: use the release build")
    for fact in ("compiler", "flags"):
        if said[BASE].get(fact) != said[CHANGE].get(fact):
            raise MeasurementFault(
                f"the sides differ in their {fact}: {said[BASE].get(fact)} against "
                f"{said[CHANGE].get(fact)}; build the tree again"
            )


class GateRun:
    """One gate. carry_out() once; what came of it is in the attributes then."""

    def __init__(
        self,
        base: Base,
        change: builds.Programs,
        options: Options,
        interrupt: Interrupt,
        tell: Callable[[str], None],
        finished: Callable[[Stage], None],
    ) -> None:
        self.base = base
        self.change = change
        self.options = options
        self.tell = tell
        self.run_id = new_run_id()
        self.seed = derived_seed(self.run_id) if options.seed is None else options.seed
        self.stages: list[Stage] = []
        self.timed_rows = 0
        self.seconds = 0.0
        self.interrupted = False
        self.directory = Path()
        self.timer: Timer | None = None
        self._interrupt = interrupt
        self._finished = finished
        self._started = time.monotonic()
        self._checkout: Path | None = None
        self._changed = changed_paths(base)
        interrupt.ends_at = self._started + options.limit_s
        self._kept = ExitStack()

    @property
    def status(self) -> int:
        """The exit status. A red that was found before the end of an early end stays one."""
        return status(self.stages)

    @property
    def out_of_time(self) -> bool:
        """Whether something was left out for want of time."""
        extended = self.timer is not None and self.timer.out_of_time
        return extended or self._interrupt.out_of_time

    def carry_out(self) -> None:
        """Builds the base, measures, writes the run directory.

        Raises UsageError, and MeasurementFault when a side cannot be built or must not be timed.
        """
        with self._kept:
            self.tell(f"building the base {self.base.short}")
            programs = self._programs()
            if programs is not None:
                said = {label: about(one.worker) for label, one in programs.items()}
                check_builds(said)
            self.directory = make_directory(self.options.out, self.run_id)
            if programs is not None:
                writer = ResultWriter(self.directory / FILE_NAME, self.run_id)
                self._kept.enter_context(writer)
                self._measure(writer, programs, float(said[BASE]["clock"]["resolution_ns"]))
            else:
                self._end_early("the base was not built by then")
        text = json.dumps(self.document(), indent=1, allow_nan=False)
        (self.directory / "gate.json").write_text(text + "\n")

    def _programs(self) -> dict[str, builds.Programs] | None:
        """Both sides; None when the building of the base was stopped. Raises MeasurementFault."""
        limit_s = self._interrupt.seconds_left(builds.BUILD_LIMIT_S)
        try:
            base = builds.base_programs(self.base, self._changed, self._sources, limit_s)
        except MeasurementFault:
            if not self._interrupt.due:
                raise
            return None
        return {BASE: base, CHANGE: self.change}

    def _end_early(self, what: str) -> None:
        """Every stage that did not come to its end says so."""
        self.interrupted = True
        why = "stopped" if self._interrupt.requested else f"{self.options.limit_s:g} s have passed"
        ended = {stage.number for stage in self.stages}
        for number in self.options.stages:
            if number not in ended:
                stage = Stage(number, NAMES[number], note=f"{why}: {what}", bare=EARLY)
                self._end_stage(stage)

    def _sources(self) -> Path:
        """The base's sources, checked out when first asked for."""
        if self._checkout is None:
            self._checkout = self._kept.enter_context(builds.Checkout(self.base))
        return self._checkout

    def _measure(
        self, writer: ResultWriter, programs: Mapping[str, builds.Programs], clock_ns: float
    ) -> None:
        options = self.options
        self._open_run(writer)
        recorder = Recorder(writer, collect.host_place())
        timer = Timer(
            recorder,
            self._interrupt,
            self.seed,
            self.tell,
            options.bands,
            self._started + TIME_LIMIT_S,
            clock_ns,
        )
        self.timer = timer
        job = Job(
            programs,
            {label: catalogue.load_from(one.worker) for label, one in programs.items()},
            options.cells,
            timer,
            self.tell,
            options.protocol,
            max(2 * options.protocol.pairs, FEWEST_PAIRS),
            options.stages,
            options.force_time,
            options.budgets,
            options.exemptions,
            guest_sides=(lambda: self._guest_sides(programs)) if options.guest else None,
            same_module=not guest.touches_module(self._changed),
            kernel=options.kernel,
            finished=self._end_stage,
        )
        try:
            job.run()
        except Interrupted:
            self._end_early("not finished")
        self.timed_rows = job.timed_rows
        self.seconds = time.monotonic() - self._started
        for stage in self.stages:
            for row in stage.rows:
                fields = verdict_fields(stage, row, recorder.place, timer.data)
                writer.append("verdict", fields)
        writer.append(
            "end",
            {
                "ended_at": collect.now(),
                "duration_s": round(self.seconds, 3),
                "status": "interrupted" if self.interrupted else "complete",
                "errors": [],
                "after": collect.load_now(),
            },
        )

    def _end_stage(self, stage: Stage) -> None:
        self.stages.append(stage)
        self._finished(stage)

    def _guest_sides(
        self, programs: Mapping[str, builds.Programs]
    ) -> dict[str, guest.GuestSide] | str:
        """Worker and module of each side, or why no guest can run."""
        from harness.guest.choose import choose_kernel
        from harness.guest.errors import GuestError

        try:
            kernel = choose_kernel(self.options.kernel, self.tell)
        except GuestError as problem:
            return f"no guest: {problem}"
        self.tell("building the modules")
        change = guest.make_side(programs[CHANGE].worker, tree.ROOT, "kmod", kernel)
        if change.module is None and change.reason != guest.NO_SOURCES:
            raise MeasurementFault(f"the working tree: {change.reason}")
        if not guest.touches_module(self._changed):
            return {BASE: replace(change, worker=programs[BASE].worker), CHANGE: change}
        name = f"kmod-{self.base.short}"
        base = guest.make_side(programs[BASE].worker, self._sources(), name, kernel)
        return {BASE: base, CHANGE: change}

    def _open_run(self, writer: ResultWriter) -> None:
        environment = collect.collect()
        writer.append(
            "run",
            {
                "started_at": collect.now(),
                "argv": list(self.options.argv),
                "cwd_rel": ".",
                "seed": self.seed,
                "tool_version": tree.version(),
                "purpose": "gate",
                "profile": None,
                "protocol": self.options.protocol.fields(),
                "parent_run_id": None,
                "labels": {"base": self.base.commit, "base_how": self.base.how},
                "fingerprint": collect.fingerprint(environment["facts"]),
            },
        )
        writer.append("env", environment)

    def document(self) -> dict[str, Any]:
        """The verdict for programs: kvb.gate."""
        return {
            "schema": "kvb.gate",
            "schema_version": "1.0",
            "run_id": self.run_id,
            "base": {"commit": self.base.commit, "how": self.base.how},
            "seed": self.seed,
            "seconds": round(self.seconds, 1),
            "timed_rows": self.timed_rows,
            "out_of_time": self.out_of_time,
            "interrupted": self.interrupted,
            "stages": [stage.fields() for stage in self.stages],
            "status": self.status,
        }
