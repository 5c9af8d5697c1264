# SPDX-License-Identifier: MIT
"""Where things are in the tree."""

from __future__ import annotations

import os
from pathlib import Path

from harness.errors import UsageError

ROOT = Path(__file__).resolve().parent.parent
RUNS = ROOT / "results" / "runs"
BUILD = ROOT / "build" / "release"
#: Names another worker program, for tests and for builds that live elsewhere.
WORKER_VARIABLE = "KEVBENCH_WORKER"


def worker() -> Path:
    """The slice worker. Raises UsageError when it is not built."""
    named = os.environ.get(WORKER_VARIABLE)
    path = Path(named) if named else BUILD / "harness" / "kevbench-worker"
    if not os.access(path, os.X_OK):
        raise UsageError(
            f"{path.name} is not built: run ./kevbench, or cmake --preset release && "
            "cmake --build --preset release"
        )
    return path


def version() -> str:
    """The project's version, from the one place that states it."""
    for line in (ROOT / "CMakeLists.txt").read_text().splitlines():
        if line.startswith("project("):
            return line.split("VERSION", 1)[1].split()[0]
    raise UsageError("CMakeLists.txt states no version: restore it from the repository")
