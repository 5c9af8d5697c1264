# SPDX-License-Identifier: MIT
"""Carries out a plan: opens the run directory, measures cell by cell, closes the results."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from harness import tree
from harness.analysis.cell import analyse
from harness.analysis.http import analyse_http
from harness.analysis.whole import Measured, control_verdicts, floor, slopes, verdicts
from harness.celldata import CellData
from harness.controller.callgrind import OPERATIONS, count_sides
from harness.controller.calibrate import granule_of
from harness.controller.cellrun import CellRun, Setting
from harness.controller.flame import Flames
from harness.controller.httpcell import HttpCellRun
from harness.controller.webcell import WebCellRun
from harness.controller.ladder import Ladder, in_order
from harness.controller.interrupt import Interrupt, Interrupted
from harness.controller.recorder import Recorder
from harness.environment import collect
from harness.errors import UsageError
from harness.estimate import cell_seconds
from harness.guestcells.part import GuestPart
from harness.guestcells.plan import GuestPlan
from harness.guestcells.surroundings import Surroundings
from harness.load.remote import HostLost
from harness.load.site import Site
from harness.plan import LOADED, WEB_2006, Cell, Plan
from harness.profiles import PROFILES
from harness.progress import Progress
from harness.worker import WorkerDied, WorkerRefused
from results.histogram import merged
from results.identity import derived_seed, new_run_id
from results.reader import FILE_NAME
from results.writer import ResultWriter

_KINDS = ("latency", "uncorrected", "lateness")


@dataclass
class Outcome:
    """How a run ended."""

    directory: Path
    run_id: str
    interrupted: bool = False
    #: One line for each cell that is void and each control that failed.
    faults: list[str] = field(default_factory=list)
    controls: list[dict[str, Any]] = field(default_factory=list)


@dataclass(frozen=True)
class Away:
    """Other hosts that serve and load in place of this machine."""

    site: Site
    #: Fields of env records, that of the server first.
    environments: tuple[dict[str, Any], ...]
    labels: Mapping[str, str]

    @property
    def place(self) -> dict[str, Any]:
        """Where the figures are taken."""
        return {name: self.environments[0][name] for name in ("where", "kernel", "accel")}


@dataclass(frozen=True)
class Order:
    """Everything a run needs besides its plan."""

    argv: tuple[str, ...]
    out: Path | None = None
    plugins: tuple[Path, ...] = ()
    seed: int | None = None
    port: int = 0
    quiet: bool = False
    guest: GuestPlan | None = None
    #: None = measured on this machine.
    away: Away | None = None


def make_directory(out: Path | None, run_id: str) -> Path:
    """The run directory, created. Raises UsageError when it exists or cannot be made."""
    stamp = time.strftime("%Y%m%d-%H%M%S", time.gmtime())
    path = out if out is not None else tree.RUNS / f"{stamp}-{run_id[-6:]}"
    try:
        path.mkdir(parents=True)
    except FileExistsError:
        raise UsageError(f"{path} exists: name a folder that does not, or remove it") from None
    except OSError as problem:
        raise UsageError(
            f"cannot create {path}: {problem.strerror}; choose another --out"
        ) from None
    return path


def check_directory(out: Path | None) -> None:
    """Raises UsageError when make_directory would, without creating anything."""
    path = tree.RUNS / "x" if out is None else out
    if out is not None and (out.exists() or out.is_symlink()):
        raise UsageError(f"{out} exists: name a folder that does not, or remove it")
    parent = path.absolute().parent
    while not parent.exists():
        parent = parent.parent
    if not parent.is_dir() or not os.access(parent, os.W_OK | os.X_OK):
        raise UsageError(f"{parent} is not a folder one can write to: choose another --out")


class Run:
    """One run on this machine. carry_out() once."""

    def __init__(self, plan: Plan, order: Order, progress: Progress) -> None:
        self.order = order
        self.progress = progress
        self.run_id = new_run_id()
        self.seed = derived_seed(self.run_id) if order.seed is None else order.seed
        self.plan = replace(plan, cells=tuple(in_order(plan.cells, self.seed)))
        self.cells: list[Measured] = []
        self.guest: GuestPart | None = None
        self.errors: list[str] = []
        self._flame: Flames | None = None
        self._seen_in_flames: set[str] = set()

    def carry_out(self) -> Outcome:
        """Measures everything in the plan. Raises UsageError and MeasurementFault."""
        program = tree.worker()
        away = self.order.away
        environments = away.environments if away else (collect.collect(),)
        directory = make_directory(self.order.out, self.run_id)
        outcome = Outcome(directory, self.run_id)
        started = time.monotonic()
        place = away.place if away else collect.host_place()
        with ResultWriter(directory / FILE_NAME, self.run_id) as writer, Interrupt() as interrupt:
            self._open_run(writer, environments)
            recorder = Recorder(writer, place)
            for skip in self.plan.skips:
                recorder.planned_skip(skip)
            setting = Setting(
                program, self.order.plugins, self.seed, recorder, interrupt, self.progress.show
            )
            try:
                ladder = Ladder(setting)
                for cell in self.plan.cells:
                    self._rung(cell, ladder, setting, directory)
                # After the host's part: both at once would spoil its times.
                self._guest(writer, interrupt, directory)
            except Interrupted:
                outcome.interrupted = True
                self.progress.message("stopped: what was measured is kept")
            except HostLost as problem:
                outcome.faults.append(str(problem))
                self.errors.append(str(problem))
                self._not_reached(recorder, str(problem))
            self._say_refusals(recorder)
            self._close_run(writer, place, outcome, time.monotonic() - started)
        self.progress.finish()
        return outcome

    def _not_reached(self, recorder: Recorder, reason: str) -> None:
        """Says of the cell that was being measured and of all after it why they lack figures."""
        for cell in self.plan.cells[max(0, len(self.cells) - 1) :]:
            recorder.skip(cell.workload, cell.params, None, "failed", reason)

    def _open_run(self, writer: ResultWriter, environments: Sequence[Mapping[str, Any]]) -> None:
        profile = PROFILES[self.plan.profile]
        headline = self.plan.cells[0].protocol if self.plan.cells else profile.headline
        writer.append(
            "run",
            {
                "started_at": collect.now(),
                "argv": list(self.order.argv),
                "cwd_rel": os.path.relpath(os.getcwd(), tree.ROOT),
                "seed": self.seed,
                "tool_version": tree.version(),
                "purpose": self.plan.purpose,
                "profile": self.plan.profile,
                "shown_params": {
                    name: sorted(params) for name, params in sorted(self._shown().items())
                },
                "protocol": {**headline.fields(), "scaling": profile.scaling.fields()},
                "parent_run_id": None,
                "labels": dict(self.order.away.labels) if self.order.away else {},
                "fingerprint": collect.fingerprint(environments[0]["facts"]),
            },
        )
        for environment in environments:
            writer.append("env", environment)

    def _shown(self) -> dict[str, set[str]]:
        """By workload, the parameters that tables name, for host and guest together."""
        shown = {name: set(params) for name, params in self.plan.shown.items()}
        for name, params in (self.order.guest.shown if self.order.guest else {}).items():
            shown.setdefault(name, set()).update(params)
        return shown

    def _rung(self, cell: Cell, ladder: Ladder, setting: Setting, directory: Path) -> None:
        """A cell, its rate settled; without one that could be settled it is skipped aloud."""
        try:
            settled = ladder.settled(cell)
        except (WorkerDied, WorkerRefused) as problem:
            reason = f"no closed loop to take {cell.params['rate']} of: {problem}"
            setting.recorder.skip(cell.workload, cell.params, None, "failed", reason, "calibration")
            self.errors.append(f"{cell.title}: {reason}")
            return
        self._cell(settled, setting, directory)

    def _cell(self, cell: Cell, setting: Setting, directory: Path) -> None:
        """One cell, analysed and recorded even when the user stopped inside it."""
        if cell.workload in LOADED:
            kind = WebCellRun if cell.workload == WEB_2006 else HttpCellRun
            site = self.order.away.site if self.order.away else None
            http = kind(cell, setting, self.plan.profile, self.order.port, directory / "raw", site)
            data, run = http.data, http.run
        else:
            slices = CellRun(cell, setting)
            data, run = slices.data, slices.run
        try:
            run()
            if cell.instructions and data.void is None and data.alive():
                self._instructions(cell, data, setting)
            if self._sampled(cell, data):
                self._flames(setting, directory).record(cell, data)
        finally:
            self._analyse(data, setting.recorder)
            self.progress.advance(cell_seconds(cell), cell.title)

    def _sampled(self, cell: Cell, data: CellData) -> bool:
        """Of the full profile the first headline cell of each workload that we run ourselves."""
        if self.plan.profile != "full" or cell.workload in (*LOADED, *self._seen_in_flames):
            return False
        if cell.purpose != "headline" or self.plan.purpose == "aa" or self.order.away:
            return False
        if data.void is not None or not data.alive() or not data.operations:
            return False
        self._seen_in_flames.add(cell.workload)
        return True

    def _flames(self, setting: Setting, directory: Path) -> Flames:
        if self._flame is None:
            self._flame = Flames(setting, directory / "raw")
        return self._flame

    def _guest(self, writer: ResultWriter, interrupt: Interrupt, directory: Path) -> None:
        if self.order.guest is None:
            return
        interrupt.check()
        around = Surroundings(writer, interrupt, self.progress, directory / "raw", self.seed)
        self.guest = GuestPart(self.order.guest, around)
        try:
            self.guest.carry_out()
        finally:
            self.errors += self.guest.errors

    def _instructions(self, cell: Cell, data: CellData, setting: Setting) -> None:
        setting.interrupt.check()
        granule = granule_of(cell.params)
        operations = -(-OPERATIONS // granule) * granule
        counts = count_sides(
            setting.program,
            cell,
            data.alive(),
            operations,
            lambda label: self.progress.show(f"{cell.title}: instructions of {label}"),
            setting.plugins,
        )
        for label, count in counts.items():
            data.counts.setdefault(label, []).append(count)
            setting.recorder.count(data, label, count)

    def _analyse(self, data: CellData, recorder: Recorder) -> None:
        """Metric records of a cell, and its merged histograms for the figures."""
        self._remarks(data)
        external = data.cell.workload in LOADED
        rows = (analyse_http if external else analyse)(data, recorder.place, self.seed)
        for side in data.alive():
            for kind in _KINDS:
                parts = [
                    histogram
                    for (label, _, found), histogram in data.histograms.items()
                    if label == side.label and found == kind
                ]
                if parts and data.void is None:
                    recorder.hist(data, side.label, "case", kind, merged(parts))
        for row in rows.rows:
            recorder.writer.append("metric", row)
        self.cells.append(Measured(data, rows))
        # The raw values stay in the file; keeping them here as well would cost hundreds of MB.
        data.slices = []
        data.histograms = {}
        data.slice_histograms = {}

    def _remarks(self, data: CellData) -> None:
        """What went wrong in the cell, for people now and for the end record."""
        by_reason: dict[str, list[str]] = {}
        for label, reason in [*data.lost.items(), *data.load_remarks.items()]:
            by_reason.setdefault(reason, []).append(label)
        found = [f"{', '.join(labels)}: {reason}" for reason, labels in by_reason.items()]
        if data.void is not None:
            found.append(f"void: {data.void}")
        for text in found:
            # A limit of the mechanism is a result, shown among the skips, and no error.
            if "not applicable" not in text:
                self.errors.append(f"{data.cell.title}: {text}")
                self.progress.message(f"kevbench: {data.cell.title}: {text}")

    def _close_run(
        self, writer: ResultWriter, place: Mapping[str, Any], outcome: Outcome, seconds: float
    ) -> None:
        self._whole_run(writer, place, outcome)
        outcome.faults += [
            f"{one.data.cell.title}: {one.data.void}"
            for one in [*self.cells, *(self.guest.measured if self.guest else [])]
            if one.data.void
        ]
        outcome.faults += self.guest.faults if self.guest else []
        status = (
            "interrupted" if outcome.interrupted else "failed" if outcome.faults else "complete"
        )
        writer.append(
            "end",
            {
                "ended_at": collect.now(),
                "duration_s": round(seconds, 3),
                "status": status,
                "errors": self.errors,
                "after": collect.load_now(),
            },
        )

    def _say_refusals(self, recorder: Recorder) -> None:
        """Flame graphs that this machine does not give are skipped aloud, once."""
        if self._flame is not None and self._flame.refused is not None:
            reason = f"no flame graphs: {self._flame.refused}"
            recorder.skip(None, {}, None, "unavailable", reason, "profile")
            self.progress.message(f"kevbench: {reason}")

    def _whole_run(self, writer: ResultWriter, place: Mapping[str, Any], outcome: Outcome) -> None:
        """Records that need every cell."""
        if self.plan.purpose == "aa":
            outcome.controls = control_verdicts(self.cells, place, self.seed)
            for record in outcome.controls:
                writer.append("verdict", record)
            return
        for record in verdicts(self.cells, place):
            writer.append("verdict", record)
        for record in slopes(self.cells, place, self.seed):
            writer.append("metric", record)
        for record in floor(self.cells, place):
            writer.append("metric", record)
        if self.guest is not None:
            for record in floor(self.guest.measured, self.guest.place):
                writer.append("metric", record)
