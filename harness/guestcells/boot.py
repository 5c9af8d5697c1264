# SPDX-License-Identifier: MIT
"""Boots the guest for a plan file and follows its answers."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from harness import tree
from harness.guest import accel
from harness.guest.choose import choose_kernel
from harness.guest.errors import GuestError
from harness.guest.module import build_module
from harness.guest.run import check_module, run_in_guest
from harness.guest.spec import GuestResult, GuestSpec, Outcome
from harness.guestcells.answers import Answer, AnswerStream

MEMORY_MIB = 1024
_LEAST_DEADLINE_S = 240.0
#: An emulated guest on a busy machine takes several times as long as on an idle one.
_SLOWNESS = 6.0


@dataclass(frozen=True)
class Prepared:
    """What a guest needs besides its plan. `module` None: `missing` says why kevent is."""

    series: str
    release: str
    accel: str
    accel_reason: str
    module: Path | None
    missing: str = ""
    module_params: Mapping[str, str] = field(default_factory=dict)


def prepare(series: str, tell: Callable[[str], None]) -> Prepared:
    """Fetches the kernel, builds the module, finds the accelerator. Takes seconds when cached.

    A module that does not build is a finding, not an error: the rest can still be measured. Raises
    GuestError when there can be no guest at all.
    """
    kernel = choose_kernel(series, tell)
    verdict = accel.probe(kernel, lambda line: None)
    module: Path | None = None
    missing = ""
    try:
        module = build_module(kernel)
        check_module(module, kernel)
    except GuestError as problem:
        module = None
        missing = f"kevent.ko cannot be loaded: {problem}"
    return Prepared(series, kernel.release, verdict.accel, verdict.reason, module, missing)


@dataclass(frozen=True)
class Booted:
    """How one boot ended. `trouble` is one line on what went wrong, empty when nothing did."""

    result: GuestResult
    torn: int

    @property
    def trouble(self) -> str:
        if self.result.faults:
            return f"the guest's kernel reports: {self.result.faults[0]}"
        if self.result.outcome is not Outcome.EXITED:
            return f"guest {self.result.outcome.value}: {self.result.reason or self.result.number}"
        if self.result.number:
            words = self.result.stderr.decode(errors="replace").strip().splitlines()
            return f"the worker left with status {self.result.number}: {' '.join(words[-1:])}"
        return ""


def boot(
    prepared: Prepared,
    plan_lines: Sequence[str],
    folder: Path,
    name: str,
    seconds: float,
    receive: Callable[[Answer], None],
    icount: bool,
    tell: Callable[[str], None],
) -> Booted:
    """Runs a plan file in one guest; `receive` gets each answer as it arrives.

    `folder` keeps plan and answers as NAME-plan.jsonl and NAME-answers.jsonl. Whatever `receive`
    raises ends the guest. Raises GuestError when no guest starts.
    """
    folder.mkdir(parents=True, exist_ok=True)
    plan = folder / f"{name}-plan.jsonl"
    plan.write_text("".join(f"{line}\n" for line in plan_lines))
    worker = tree.worker().absolute()
    stream = AnswerStream(folder / f"{name}-answers.jsonl", receive)
    try:
        result = run_in_guest(
            GuestSpec(
                [str(worker), "batch", str(plan.absolute())],
                kernel=prepared.series,
                add=[plan.absolute()],
                module=prepared.module,
                module_params=prepared.module_params if prepared.module else {},
                cwd=Path("/"),
                icount=icount,
                streamed=True,
                memory_mib=MEMORY_MIB,
                deadline_s=max(_LEAST_DEADLINE_S, _SLOWNESS * seconds),
            ),
            stdout=stream.feed,
            tell=tell,
        )
    finally:
        stream.close()
    (folder / f"{name}-guest.json").write_text(
        json.dumps(
            {
                "kernel": result.release,
                "accel": result.accel,
                "icount": icount,
                "outcome": result.outcome.value,
                "reason": result.reason,
                "faults": list(result.faults),
                "taint": result.taint,
                "wall_s": result.wall_s,
            },
            indent=1,
        )
        + "\n"
    )
    return Booted(result, stream.torn)
