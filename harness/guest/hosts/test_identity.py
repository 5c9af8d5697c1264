# SPDX-License-Identifier: MIT
"""Only the very process that was started is ever ended."""

import dataclasses
import os
import signal
import subprocess
from collections.abc import Iterator

import pytest

from harness.guest.hosts.identity import Identity, alive, end, identify

_LIMIT_S = 30.0


@pytest.fixture
def sleeper() -> Iterator["subprocess.Popen[bytes]"]:
    with subprocess.Popen(["sleep", "600"]) as process:
        yield process
        process.kill()


def _identity(process: "subprocess.Popen[bytes]") -> Identity:
    found = identify(process.pid)
    assert found is not None
    return found


def test_running_process_is_known_and_ended(sleeper: "subprocess.Popen[bytes]") -> None:
    identity = _identity(sleeper)
    assert alive(identity)
    assert end(identity, signal.SIGTERM, _LIMIT_S)
    assert not alive(identity)
    assert sleeper.wait(_LIMIT_S) == -signal.SIGTERM


@pytest.mark.parametrize("changes", [{"start": 1}, {"boot": "another boot"}])
def test_later_process_with_the_same_number_is_left_alone(
    sleeper: "subprocess.Popen[bytes]", changes: dict[str, object]
) -> None:
    stale = dataclasses.replace(_identity(sleeper), **changes)
    assert not alive(stale)
    assert end(stale, signal.SIGKILL, _LIMIT_S)
    assert sleeper.poll() is None
    assert alive(_identity(sleeper))


def test_ended_process_counts_as_ended(sleeper: "subprocess.Popen[bytes]") -> None:
    identity = _identity(sleeper)
    sleeper.kill()
    # Not yet waited for: its number is still taken, by what is left of it.
    os.waitid(os.P_PID, sleeper.pid, os.WEXITED | os.WNOWAIT)
    assert not alive(identity)
    sleeper.wait(_LIMIT_S)
    assert end(identity, signal.SIGKILL, _LIMIT_S)


def test_process_that_ignores_the_signal_is_told() -> None:
    script = "trap '' TERM; echo ready; while :; do read -r _; done"
    with subprocess.Popen(
        ["sh", "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        identity = _identity(process)
        assert not end(identity, signal.SIGTERM, 0.2)
        assert end(identity, signal.SIGKILL, _LIMIT_S)
