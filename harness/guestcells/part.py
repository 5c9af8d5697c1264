# SPDX-License-Identifier: MIT
"""Carries out the guest part of a run: boots, follows, records."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from harness.analysis.whole import Measured
from harness.controller.recorder import Recorder
from harness.guest.errors import GuestError
from harness.guest.image import MODULE_PATH
from harness.guest.spec import Outcome
from harness.guestcells.answers import Answer
from harness.guestcells.boot import Booted, Prepared, boot, prepare
from harness.guestcells.environment import environment
from harness.guestcells.plan import (
    Asked,
    GuestPlan,
    counting,
    is_facts,
    lines,
    timing,
    without_module,
)
from harness.guestcells.record import GuestRecords, Unhooked
from harness.guestcells.surroundings import Surroundings
from harness.realserver.part import ServerPart
from harness.realserver.plan import server_seconds

BOOT_S = 9.0
"""From the start of an emulated guest to its first answer, on an idle machine."""
REQUEST_S = 0.15
"""One request of a counting guest, the mean over the quick profile."""
TIME_REQUEST_S = 0.08
"""One process where times are real."""


def part_seconds(plan: GuestPlan, kvm: bool = False) -> float:
    """Estimated seconds of the guest part."""
    seconds = _own_seconds(plan) + server_seconds(plan.servers)
    if kvm:
        seconds += BOOT_S / 3 + TIME_REQUEST_S * len(timing(plan, 0))
    return seconds


def _own_seconds(plan: GuestPlan) -> float:
    """The boot that counts, where it has anything to count."""
    return BOOT_S + REQUEST_S * len(counting(plan)) if plan.cells else 0.0


class GuestPart:
    """The guest part of one run. carry_out() once; what was measured stays when it raises."""

    def __init__(self, plan: GuestPlan, around: Surroundings) -> None:
        self.plan = plan
        self.around = around
        self.measured: list[Measured] = []
        self.errors: list[str] = []
        #: One line for each figure that may not be used.
        self.faults: list[str] = []
        self.unhooked: Unhooked = {}
        self.place: dict[str, Any] = {"where": "guest", "kernel": None, "accel": "tcg"}

    def carry_out(self) -> None:
        """Counts instructions in an emulated guest and, where KVM works, takes times in another.

        A guest that cannot be had is a skip with its reason. Raises Interrupted.
        """
        try:
            prepared = prepare(self.plan.series, self.around.progress.message)
        except GuestError as problem:
            self._skip_all(str(problem))
            return
        self.place["kernel"] = prepared.release
        prepared = replace(prepared, module_params=self.plan.module_params)
        self._servers(self._own(prepared))

    def _servers(self, prepared: Prepared) -> None:
        servers = ServerPart(self.plan.servers, self.around)
        try:
            servers.carry_out(prepared, self.place, describe=not self.plan.cells)
        finally:
            self.measured += servers.measured
            self.errors += servers.errors
            self.faults += servers.faults

    def _own(self, prepared: Prepared) -> Prepared:
        """Our own workloads, one boot for all. What is left of the preparation: a guest may refuse
        the module."""
        asked = counting(self.plan)
        absent = [one for one in asked if without_module(self.plan.cells[one.cell])]
        asked = [one for one in asked if one not in absent]
        if absent:
            bare = replace(prepared, module=None, missing="this cell is counted without kevent.ko")
            self._boot(bare, "count-absent", absent, icount=True)
        if not asked:
            return prepared
        # Counting needs the emulator whatever else the machine can do.
        booted = self._boot(prepared, "count", asked, icount=True)
        if booted is not None and module_refused(booted):
            missing = f"the guest's kernel refused kevent.ko: {booted.result.reason}"
            prepared = replace(prepared, module=None, missing=missing)
            self._boot(prepared, "count-without-module", asked, icount=True)
        if prepared.accel == "kvm":
            asked = timing(self.plan, self.around.seed)
            self._boot(prepared, "time", asked, icount=False)
        return prepared

    def _skip_all(self, reason: str) -> None:
        recorder = Recorder(self.around.writer, self.place)
        recorder.skip(None, {}, None, "unavailable", f"no guest: {reason}")
        self.errors.append(f"no guest: {reason}")
        self.around.progress.message(f"kevbench: no guest: {reason}")

    def _boot(
        self, prepared: Prepared, name: str, asked: Sequence[Asked], icount: bool
    ) -> Booted | None:
        place = {**self.place, "accel": "tcg" if icount else prepared.accel}
        follower = Follower(self.plan, asked, place, prepared, self.around, self.unhooked)
        seconds = _own_seconds(self.plan)
        booted: Booted | None = None
        trouble = "the run was stopped"
        try:
            booted = boot(
                prepared,
                list(lines(self.plan, asked, not icount)),
                self.around.raw / "guest",
                name,
                seconds,
                follower.take,
                icount,
                self.around.progress.message,
            )
            trouble = booted.trouble
        except GuestError as problem:
            trouble = str(problem)
        finally:
            if booted is None or not module_refused(booted):
                self._close(follower, trouble)
        return booted

    def _close(self, follower: Follower, trouble: str) -> None:
        """Takes over what one boot gave."""
        follower.finish(trouble)
        self.measured += follower.records.measured
        self.errors += follower.records.errors
        if trouble:
            self.errors.append(f"guest: {trouble}")
            self.around.progress.message(f"kevbench: guest: {trouble}")


def module_refused(booted: Booted) -> bool:
    """Whether the guest ended before its first command because it could not load the module."""
    result = booted.result
    return result.outcome is Outcome.FAULT and result.reason.startswith(
        f"cannot load {MODULE_PATH}"
    )


class Follower:
    """Takes the answers of one boot as they come and records each cell when it is complete."""

    def __init__(
        self,
        plan: GuestPlan,
        asked: Sequence[Asked],
        place: Mapping[str, Any],
        prepared: Prepared,
        around: Surroundings,
        unhooked: Unhooked | None = None,
    ) -> None:
        self.plan = plan
        self.around = around
        self.prepared = prepared
        self.place = dict(place)
        self.recorder = Recorder(around.writer, place)
        self.records = GuestRecords(plan, self.recorder, around.seed, unhooked)
        self.unanswered = {one.identity: one for one in asked}
        self._left = [
            sum(1 for one in asked if one.cell == number) for number in range(len(plan.cells))
        ]
        self._recorded = {number for number, left in enumerate(self._left) if not left}
        #: A boot beside the run's own, which tells what was left out and about the guest.
        self._aside = bool(asked) and all(without_module(plan.cells[one.cell]) for one in asked)
        for skip in plan.skips if not self._aside else ():
            self.recorder.planned_skip(skip)

    def take(self, answer: Answer) -> None:
        """One answer. Raises Interrupted when the user asked for a stop: that ends the guest."""
        self.around.interrupt.check()
        if is_facts(answer["id"]):
            if not self._aside:
                files = answer.get("files") or {}
                fields = environment(self.place, files, self.prepared)
                self.around.writer.append("env", fields)
            return
        asked = self.unanswered.pop(str(answer["id"]), None)
        if asked is None:
            return
        self._explain_kevent(asked, answer)
        self.records.take(asked, answer)
        self._left[asked.cell] -= 1
        title = self.plan.cells[asked.cell].title
        self.around.progress.advance(REQUEST_S, f"guest: {title}: {asked.side.label}")
        if not self._left[asked.cell]:
            self._recorded.add(asked.cell)
            self.records.finish_cell(asked.cell, "")

    def finish(self, trouble: str) -> None:
        """Records the cells that were begun; of the rest, why they were not."""
        reason = trouble or "the guest gave no answer"
        for number in sorted(set(range(len(self.plan.cells))) - self._recorded):
            if self.records.begun(number):
                self.records.finish_cell(number, reason)
            else:
                cell = self.plan.cells[number]
                self.recorder.skip(cell.workload, cell.params, None, "failed", reason)

    def _explain_kevent(self, asked: Asked, answer: Answer) -> None:
        """A missing module is why kevent does not work, which its adapter cannot know."""
        lacking = self.prepared.missing and asked.side.variant.mechanism == "kevent"
        if lacking and not answer["ok"]:
            answer["kind"], answer["error"] = "skipped", self.prepared.missing
