# SPDX-License-Identifier: MIT
"""The adapters' conformance suite in guests, where kevent is loaded.

One kernel runs every variant, the others those of kevent alone: what the rest does on a kernel of
this machine's own the stages before have shown.
"""
from __future__ import annotations

from pathlib import Path

from harness.guest.kernels import DEFAULT_SERIES
from harness.guest.run import run_in_guest
from harness.suite.guest_cases import Run, guest_cases
from harness.suite.outcome import Outcome

_DEADLINE_S = 400.0
#: Everything that needs the module, and whether all of it is there.
KEVENT = "*kevent*:RequiredVariants.*"
#: A process of its own: a ring of io_uring that is being torn down later on interrupts whatever
#: its thread waits in by then, with EINTR and without a signal, other than in io_uring itself.
IO_URING = "*io_uring*"
OTHERS = "-*kevent*:*io_uring*:RequiredVariants.*"


def conformance(program: Path, series: str, run: Run = run_in_guest) -> Outcome:
    """Runs the suite in one guest of kernel `series`. Raises GuestError as guest_cases() does."""
    parts = [KEVENT, IO_URING, OTHERS] if series == DEFAULT_SERIES else [KEVENT]
    return guest_cases("conformance", program, series, parts, _DEADLINE_S, run)
