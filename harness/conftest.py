# SPDX-License-Identifier: MIT
"""Fixtures of the Python tests."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from harness import tree
from harness.testing import command

FAKE = tree.ROOT / "harness" / "testing" / "fake_worker.py"
#: Two quick variants on a workload without instruction counts: a run of about two seconds.
SMALL = ("run", "--workload", "source_pingpong", "--mechanism", "epoll+lt", "--mechanism", "poll")

Command = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def fake_worker(monkeypatch: pytest.MonkeyPatch) -> Path:
    """The stand-in takes the worker's place."""
    monkeypatch.setenv(tree.WORKER_VARIABLE, str(FAKE))
    return FAKE


@pytest.fixture
def kevbench(fake_worker: Path) -> Command:
    """Runs the command line as a process of its own, with the stand-in and further variables."""
    return command.kevbench
