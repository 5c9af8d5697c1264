# SPDX-License-Identifier: MIT
"""Processes that outlive the command that started them, told from later ones with their number."""

from __future__ import annotations

import os
import select
import signal
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Identity:
    """A process: its number, when it started (clock ticks since boot), and in which boot."""

    pid: int
    start: int
    boot: str


def boot_id() -> str:
    """A word that no two boots of this machine share."""
    return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()


def identify(pid: int) -> Identity | None:
    """The process that has this number now; None when there is none or it has ended."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return None
    # The name may hold blanks and brackets; what follows the last bracket has no names in it.
    fields = text.rpartition(")")[2].split()
    return None if fields[0] in "ZX" else Identity(pid, int(fields[19]), boot_id())


def alive(identity: Identity) -> bool:
    """Whether that very process still runs."""
    return identify(identity.pid) == identity


def end(identity: Identity, number: signal.Signals, wait_s: float) -> bool:
    """Signals that very process and waits for its end; never touches another with its number.

    True when it is gone within the time, also when it was before. Raises PermissionError for a
    process of somebody else.
    """
    try:
        descriptor = os.pidfd_open(identity.pid)
    except ProcessLookupError:
        return True
    try:
        # Asked after the descriptor was opened: from here on it cannot become another's.
        if not alive(identity):
            return True
        try:
            signal.pidfd_send_signal(descriptor, number)
        except ProcessLookupError:
            return True
        readable, _, _ = select.select([descriptor], [], [], wait_s)
        return bool(readable)
    finally:
        os.close(descriptor)
