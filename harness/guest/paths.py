# SPDX-License-Identifier: MIT
"""Where the guest code keeps what it builds: below the clone's own build/ folder, nowhere else."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]


def guest_build_dir() -> Path:
    """The folder of everything cached or logged; not created by this call."""
    return REPOSITORY / "build" / "guest"


def kernels_dir() -> Path:
    return guest_build_dir() / "kernels"


def runs_dir() -> Path:
    return guest_build_dir() / "runs"


def shown(path: Path) -> str:
    """The path as messages print it: relative to the working directory where that is shorter."""
    relative = os.path.relpath(path)
    return relative if len(relative) < len(str(path)) else str(path)


@contextmanager
def build_lock(name: str) -> Iterator[None]:
    """Holds an exclusive lock between processes while a cached thing is being made.

    Blocks until the other holder is done; released also when the holder dies.
    """
    guest_build_dir().mkdir(parents=True, exist_ok=True)
    with open(guest_build_dir() / f".{name}.lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
