# SPDX-License-Identifier: MIT
"""Equal work of kevent's variants in every workload, held against epoll's in a guest.

That of all others the tests on this machine's own kernel have shown.
"""
from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

from harness.guest.run import run_in_guest
from harness.suite.guest_cases import Run, guest_cases
from harness.suite.outcome import Outcome

_DEADLINE_S = 600.0
_STRIP_LIMIT_S = 60
FILTER = "*EqualWork*"


def equal_work(program: Path, series: str, run: Run = run_in_guest) -> Outcome:
    """Runs the workloads' tests of equal work. Raises GuestError as guest_cases() does."""
    with tempfile.TemporaryDirectory(prefix="kevbench-") as folder:
        # Its debugging information is twenty times the rest, and the guest holds all in memory.
        bare = Path(folder) / program.name
        subprocess.run(["strip", "-o", str(bare), str(program)], check=True, timeout=_STRIP_LIMIT_S)
        return guest_cases("equal work", bare, series, [FILTER], _DEADLINE_S, run)
