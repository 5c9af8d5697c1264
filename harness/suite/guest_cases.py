# SPDX-License-Identifier: MIT
"""A GoogleTest program of this build in a guest where kevent is loaded; its cases count one by one."""
from __future__ import annotations

import shlex
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from harness.guest.choose import choose_kernel
from harness.guest.module import build_module
from harness.guest.run import run_in_guest, tell_stderr
from harness.guest.spec import GuestResult, GuestSpec
from harness.guest.spec import Outcome as GuestOutcome
from harness.suite.outcome import Outcome, last_lines, read_junit

Run = Callable[..., GuestResult]
#: Makes the programs fail where kevent is missing.
REQUIRED = {"KEVBENCH_REQUIRE_KEVENT": "1"}


def guest_cases(
    title: str,
    program: Path,
    series: str,
    filters: Sequence[str],
    deadline_s: float,
    run: Run = run_in_guest,
) -> Outcome:
    """Runs the program once for each filter of GoogleTest, in one guest of kernel `series`.

    Raises GuestError when there is no guest or no module to run it with.
    """
    module = build_module(choose_kernel(series, tell_stderr))
    title = f"{title} {series}"
    with tempfile.TemporaryDirectory(prefix="kevbench-") as folder:
        guest = run(
            GuestSpec(
                command=["sh", "-c", _script(program, filters)],
                add=[program],
                kernel=series,
                module=module,
                environment=REQUIRED,
                smp=2,
                deadline_s=deadline_s,
                out_dir=Path(folder),
            )
        )
        outcome = Outcome()
        for number in range(len(filters)):
            outcome.add(read_junit(title, Path(folder) / f"part{number}.xml"))
    if problem := _guest_problem(guest, bool(outcome.failed)):
        outcome.fail(f"{title}: {problem}")
    return outcome


def _script(program: Path, filters: Sequence[str]) -> str:
    """Shell text that runs the program once for each filter and fails when one of the runs does."""
    runs = [
        f"{shlex.quote(str(program))} --gtest_brief=1 --gtest_filter={shlex.quote(part)} "
        f"--gtest_output=xml:/results/part{number}.xml || status=$?"
        for number, part in enumerate(filters)
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
