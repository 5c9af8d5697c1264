# SPDX-License-Identifier: MIT
"""Waits until a guest lets one in, and notices at once when it never will."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from pathlib import Path

from harness.guest import console

_TRY_S = 3.0
_PAUSE_S = 0.3
_BANNER = b"SSH-"


class Never(Exception):
    """The guest will not answer any more; the text says why."""


def banner(port: int) -> bool:
    """Whether sshd speaks there. A bare connection proves nothing: QEMU itself accepts it."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=_TRY_S) as connection:
            return connection.recv(len(_BANNER)).startswith(_BANNER)
    except OSError:
        return False


def panic(log: Path) -> str:
    """The first line on the console that says the kernel gave up, or an empty string."""
    lines = (console.strip_stamp(line) for line in console.read_console(log))
    return next((line for line in lines if "Kernel panic" in line), "")


def wait_for_banner(port: int, alive: Callable[[], bool], log: Path, limit_s: float) -> None:
    """Returns when sshd answers. Raises Never when the guest has ended, its kernel has panicked, or
    the time (seconds from now) is over."""
    end = time.monotonic() + limit_s
    while not banner(port):
        trouble = panic(log)
        if trouble:
            raise Never(trouble)
        if not alive():
            raise Never("QEMU has ended")
        if time.monotonic() > end:
            raise Never(f"no ssh within {limit_s:.0f} s")
        time.sleep(_PAUSE_S)
