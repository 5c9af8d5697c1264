# SPDX-License-Identifier: MIT
"""Boots a guest for each side in turn, the order reversed each time, and records every cell."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from harness.analysis.whole import Measured
from harness.controller.recorder import Recorder
from harness.guest import packages
from harness.guest.errors import GuestError
from harness.guest.module import build_preload, kmod_dir
from harness.guest.run import run_in_guest
from harness.guest.spec import GuestSpec
from harness.guestcells.boot import MEMORY_MIB, Booted, Prepared
from harness.guestcells.environment import environment
from harness.guestcells.plan import FACTS
from harness.guestcells.surroundings import Surroundings
from harness.load.errors import ToolMissing
from harness.load.process import find_tool
from harness.names import Variant
from harness.plan import Cell
from harness.realserver.observed import Served, facts, fault_of, parse
from harness.realserver.plan import BOOTS, NATIVE, PRELOAD, ServerPlan, boot_seconds
from harness.realserver.record import record_cell
from harness.realserver.script import write_script

#: An emulated guest on a busy machine takes several times as long as on an idle one.
_SLOWNESS = 6.0
_LEAST_DEADLINE_S = 240.0
_STOPPED = "the run was stopped"
#: side -> kind of skip and reason.
Lost = dict[str, tuple[str, str]]


class ServerPart:
    """The servers of one run. carry_out() once; what was measured stays when it raises."""

    def __init__(self, plan: ServerPlan, around: Surroundings) -> None:
        self.plan = plan
        self.around = around
        self.cells: list[Cell] = []
        self.measured: list[Measured] = []
        self.errors: list[str] = []
        #: One line for each side whose server did not do what it should.
        self.faults: list[str] = []
        self._place: dict[str, Any] = {}
        self._describe = False
        self._folders: dict[str, Path] = {}
        self._seen: list[dict[str, list[Served]]] = []
        self._lost: list[Lost] = []

    def carry_out(self, prepared: Prepared, place: Mapping[str, Any], describe: bool) -> None:
        """Measures. Raises Interrupted; what the finished boots gave is recorded then, too.

        `describe`: no guest of this run has been described yet, so the first one here is.
        """
        self._place = {**place, "accel": "tcg"}
        self._describe = describe
        recorder = Recorder(self.around.writer, self._place)
        for skip in self.plan.skips:
            recorder.planned_skip(skip)
        self._fetch(recorder)
        if not self.cells:
            return
        self._seen = [{side.label: [] for side in cell.sides} for cell in self.cells]
        self._lost = [{} for _ in self.cells]
        try:
            self._boots(prepared)
        finally:
            self._lose_silent()
            for cell, seen, lost in zip(self.cells, self._seen, self._lost):
                self.measured.append(record_cell(cell, seen, lost, recorder))

    def _fetch(self, recorder: Recorder) -> None:
        """Gets the servers' files; a cell whose server cannot be had is skipped with the reason."""
        missing: dict[str, str] = {}
        for name in dict.fromkeys(cell.params["server"] for cell in self.plan.cells):
            try:
                find_tool("httperf", "httperf")
                self._folders[name] = packages.unpacked(name)
            except (GuestError, ToolMissing) as problem:
                missing[name] = str(problem)
        for cell in self.plan.cells:
            reason = missing.get(cell.params["server"])
            if reason is None:
                self.cells.append(cell)
                continue
            recorder.skip(cell.workload, cell.params, None, "unavailable", reason)
            self.errors.append(f"{cell.title}: {reason}")
            self.around.progress.message(f"kevbench: {cell.title}: {reason}")

    def _boots(self, prepared: Prepared) -> None:
        order = [one for one in (NATIVE, PRELOAD) if one.name in self._seen[0]]
        library: Path | None = None
        if PRELOAD in order:
            try:
                library = self._library(prepared)
            except GuestError as problem:
                order.remove(PRELOAD)
                self._lose_side(PRELOAD, "unavailable", str(problem))
        for number in range(BOOTS):
            for variant in order if number % 2 == 0 else order[::-1]:
                self.around.interrupt.check()
                if all(variant.name in lost for lost in self._lost):
                    continue
                self._boot(prepared, variant, number, library if variant == PRELOAD else None)

    @staticmethod
    def _library(prepared: Prepared) -> Path:
        if prepared.module is None:
            raise GuestError(prepared.missing)
        library = build_preload(kmod_dir(), "kmod")
        if library is None:
            raise GuestError("kmod/preload is not there: restore it from the repository")
        return library

    def _boot(
        self, prepared: Prepared, variant: Variant, number: int, library: Path | None
    ) -> None:
        folder = self.around.raw / "guest"
        folder.mkdir(parents=True, exist_ok=True)
        name = f"{self.cells[0].workload}-{variant.variant}-{number}"
        script = write_script(
            self.cells,
            self._folders,
            folder,
            Path(find_tool("httperf", "httperf")),
            library,
            FACTS,
        )
        path = folder / f"{name}.sh"
        path.write_text(script.text)
        seconds = boot_seconds(self.plan)
        self.around.progress.show(f"guest: {name}: boot {number + 1} of {BOOTS}")
        said: list[bytes] = []

        def hear(data: bytes) -> None:
            self.around.interrupt.check()
            said.append(data)

        try:
            result = run_in_guest(
                GuestSpec(
                    ["sh", str(path.absolute())],
                    kernel=prepared.series,
                    add=[path.absolute(), *(one.absolute() for one in script.files)],
                    module=prepared.module,
                    module_params=prepared.module_params if prepared.module else {},
                    cwd=Path("/"),
                    icount=True,
                    streamed=True,
                    memory_mib=MEMORY_MIB,
                    deadline_s=max(_LEAST_DEADLINE_S, _SLOWNESS * seconds),
                ),
                stdout=hear,
                tell=self.around.progress.message,
            )
            trouble = Booted(result, 0).trouble
        except GuestError as problem:
            trouble = str(problem)
        finally:
            text = b"".join(said).decode(errors="replace")
            (folder / f"{name}.txt").write_text(text)
        if self._describe and facts(text):
            self.around.writer.append("env", environment(self._place, facts(text), prepared))
            self._describe = False
        self._take(variant, parse(text), trouble)
        self.around.progress.advance(seconds, f"guest: {name}")

    def _take(self, variant: Variant, found: Mapping[int, Served], trouble: str) -> None:
        """Takes over one boot. A side that is at fault once is lost, whatever the other boots say."""
        for number, cell in enumerate(self.cells):
            served, fault, kind = found.get(number), None, "void"
            if trouble and (served is None or served.left is None):
                fault, kind = f"guest: {trouble}", "failed"
            elif served is None:
                fault, kind = "the guest gave no answer", "failed"
            else:
                fault = fault_of(served, cell.params, variant == PRELOAD)
                self._seen[number][variant.name].append(served)
            if fault is None or variant.name in self._lost[number]:
                continue
            self._lost[number][variant.name] = (kind, fault)
            line = f"{cell.title} in the guest: {variant.name}: {fault}"
            self.errors.append(line)
            if kind == "void":
                self.faults.append(line)
            self.around.progress.message(f"kevbench: {line}")

    def _lose_side(self, variant: Variant, kind: str, reason: str) -> None:
        for lost in self._lost:
            lost[variant.name] = (kind, reason)

    def _lose_silent(self) -> None:
        """Sides of which no boot has come to its end, since the user stopped the run."""
        for seen, lost in zip(self._seen, self._lost):
            for label in [one for one, boots in seen.items() if not boots]:
                lost.setdefault(label, ("interrupted", _STOPPED))
