# SPDX-License-Identifier: MIT
"""The instructions an event costs stay within the bars that have been met."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from harness.guest.choose import choose_kernel
from harness.guest.module import build_module, kmod_dir
from harness.guest.run import run_in_guest
from harness.guest.spec import GuestSpec

pytestmark = pytest.mark.guest

# (part, source, consumer, mode, watched, at once). Not every row: those that are dearer than epoll,
# or that the timers of TCP make uneven, stand in kmod/PERFORMANCE.md only.
_MET = [
    ("dispatch", "unix-dgram", "mapped", "et", 1, 1),
    ("dispatch", "unix-dgram", "mapped", "lt", 1, 1),
    ("dispatch", "unix-dgram", "get", "et", 1, 1),
    ("dispatch", "unix-dgram", "get", "et", 1000, 64),
    ("dispatch", "unix-dgram", "ring", "et", 1000, 64),
    ("dispatch", "tcp", "mapped", "et", 1, 1),
    ("dispatch", "tcp", "get", "et", 1, 1),
    ("dispatch", "pipe", "mapped", "et", 1, 1),
    ("dispatch", "pipe", "mapped", "lt", 1, 1),
    ("dispatch", "pipe", "get", "et", 1, 1),
    ("dispatch", "pipe", "get", "et", 1000, 64),
    ("dispatch", "pipe", "ring", "et", 1000, 64),
    ("dispatch", "eventfd", "mapped", "et", 1, 1),
    ("dispatch", "eventfd", "mapped", "lt", 1, 1),
    ("dispatch", "eventfd", "get", "et", 1, 1),
    ("dispatch", "eventfd", "get", "et", 1000, 64),
    ("blocked", "unix-dgram", "mapped", "et", 1, 1),
    ("blocked", "unix-dgram", "get", "et", 1, 1),
    ("add+remove", "unix-dgram", "kevent", "lt", 0, 16),
    ("blocked", "pipe", "mapped", "et", 1, 1),
    ("bytes", "eventfd", "kevent", "lt", 10000, 0),
    ("bytes", "eventfd", "kevent", "lt", 100000, 0),
]


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[Any, ...], dict[str, Any]]:
    """One run of the counting program on 6.12, by the names of its rows."""
    out = tmp_path_factory.mktemp("count")
    make = ["make", "-C", str(kmod_dir() / "tests" / "count"), f"OUT={out}"]
    subprocess.run(make, check=True, timeout=120, stdout=subprocess.DEVNULL)
    return _run(out / "count")


def _run(program: Path) -> dict[tuple[Any, ...], dict[str, Any]]:
    module = build_module(choose_kernel("6.12", lambda text: None))
    spec = GuestSpec([str(program), "json"], icount=True, module=module, deadline_s=300)
    result = run_in_guest(spec)
    assert result.status == 0, result.reason or result.stderr
    names = ("part", "source", "consumer", "mode", "registered", "batch")
    found = [json.loads(line) for line in result.stdout.splitlines()]
    return {tuple(row[name] for name in names): row for row in found}


@pytest.mark.parametrize("name", _MET, ids=lambda name: "-".join(str(part) for part in name))
def test_an_event_costs_no_more_than_its_bar(
    rows: dict[tuple[Any, ...], dict[str, Any]], name: tuple[Any, ...]
) -> None:
    row = rows[name]
    assert row["ratio"] <= row["bar"], row


def test_every_consumer_source_and_mode_has_its_rows(
    rows: dict[tuple[Any, ...], dict[str, Any]]
) -> None:
    for source in ("unix-dgram", "tcp", "pipe", "eventfd"):
        for mode in ("lt", "et"):
            for consumer in ("epoll", "get", "ring", "mapped"):
                assert ("dispatch", source, consumer, mode, 1, 1) in rows
                assert ("dispatch", source, consumer, mode, 1000, 64) in rows
                assert ("blocked", source, consumer, mode, 1, 1) in rows
            assert ("dispatch", source, "full", mode, 1000, 64) in rows
