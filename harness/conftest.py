# SPDX-License-Identifier: MIT
"""Fixtures of the Python tests."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from harness import tree
from harness.suite.outcome import LEFT_OUT_VARIABLE
from harness.testing import command

FAKE = tree.ROOT / "harness" / "testing" / "fake_worker.py"
#: Two quick variants on a workload without instruction counts: a run of about two seconds.
SMALL = ("run", "--workload", "source_pingpong", "--mechanism", "epoll+lt", "--mechanism", "poll")

Command = Callable[..., "subprocess.CompletedProcess[str]"]


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "guest: boots virtual machines; needs QEMU and apt, minutes")
    config.addinivalue_line("markers", "long: only with `./kevbench test --long`; many minutes")


def pytest_deselected(items: Sequence[pytest.Item]) -> None:
    """Tells the suite which tests it leaves out, so that it can say so."""
    told = os.environ.get(LEFT_OUT_VARIABLE)
    names = [item.nodeid for item in items if item.get_closest_marker("long")]
    if told and names:
        with open(told, "a", encoding="utf-8") as out:
            out.write("".join(f"{name}\n" for name in names))


@pytest.fixture
def fake_worker(monkeypatch: pytest.MonkeyPatch) -> Path:
    """The stand-in takes the worker's place."""
    monkeypatch.setenv(tree.WORKER_VARIABLE, str(FAKE))
    return FAKE


@pytest.fixture
def kevbench(fake_worker: Path) -> Command:
    """Runs the command line as a process of its own, with the stand-in and further variables."""
    return command.kevbench
