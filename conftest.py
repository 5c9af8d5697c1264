# SPDX-License-Identifier: MIT
"""Marks of the Python tests, and how those that are left out become known to the suite."""

from __future__ import annotations

import os
from collections.abc import Sequence

import pytest

from harness.suite.outcome import LEFT_OUT_VARIABLE


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
