# SPDX-License-Identifier: MIT
"""The adapters' conformance suite in guests, where kevent is loaded.

One kernel runs every variant, the others those of kevent alone: what the rest does on a kernel of
this machine's own the stages before have shown.
"""
from __future__ import annotations

import shlex
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from harness.guest.choose import choose_kernel
from harness.guest.kernels import DEFAULT_SERIES
from harness.guest.module import build_module
from harness.guest.run import run_in_guest, tell_stderr
from harness.guest.spec import GuestResult, GuestSpec
from harness.guest.spec import Outcome as GuestOutcome
from harness.suite.outcome import Outcome, last_lines, read_junit

_DEADLINE_S = 400.0
#: Everything that needs the module, and whether all of it is there.
KEVENT = "*kevent*:RequiredVariants.*"
#: A process of its own: a ring of io_uring that is being torn down later on interrupts whatever
#: its thread waits in by then, with EINTR and without a signal.
OTHERS = "-*kevent*:RequiredVariants.*"


def conformance(
    program: Path, series: str, run: Callable[..., GuestResult] = run_in_guest
) -> Outcome:
    """Runs the suite in one guest of kernel `series`; its cases count one by one.

    Raises GuestError when there is no guest or no module to run it with.
    """
    module = build_module(choose_kernel(series, tell_stderr))
    parts = [KEVENT, OTHERS] if series == DEFAULT_SERIES else [KEVENT]
    title = f"conformance {series}"
    with tempfile.TemporaryDirectory(prefix="kevbench-") as folder:
        guest = run(
            GuestSpec(
                command=["sh", "-c", _script(program, parts)],
                add=[program],
                kernel=series,
                module=module,
                environment={"KEVBENCH_REQUIRE_KEVENT": "1"},
                smp=2,
                deadline_s=_DEADLINE_S,
                out_dir=Path(folder),
            )
        )
        outcome = Outcome()
        for number in range(len(parts)):
            outcome.add(read_junit(title, Path(folder) / f"part{number}.xml"))
    if problem := _guest_problem(guest, bool(outcome.failed)):
        outcome.fail(f"{title}: {problem}")
    return outcome


def _script(program: Path, parts: Sequence[str]) -> str:
    """Shell text that runs the suite once for each filter and fails when one of the runs does."""
    runs = [
        f"{shlex.quote(str(program))} --gtest_brief=1 --gtest_filter={shlex.quote(part)} "
        f"--gtest_output=xml:/results/part{number}.xml || status=$?"
        for number, part in enumerate(parts)
    ]
    return "; ".join(["status=0", *runs, "exit $status"])


def _guest_problem(guest: GuestResult, failed: bool) -> str:
    """What is wrong with the boot beside the cases that failed; empty if nothing is."""
    if guest.faults:
        return f"the kernel reports: {guest.faults[0]}"
    if guest.outcome is not GuestOutcome.EXITED:
        output = guest.stdout.decode("utf-8", "replace")
        return f"guest {guest.outcome.value}: {guest.reason or guest.number}\n{last_lines(output)}"
    if guest.number and not failed:
        return f"left with status {guest.number} although nothing failed"
    return ""
