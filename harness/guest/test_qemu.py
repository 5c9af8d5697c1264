# SPDX-License-Identifier: MIT
"""Deadlines and endings, with programs that stand in for QEMU."""

import os
import select
import subprocess
import sys
import time
from pathlib import Path

import pytest

from harness.guest import qemu
from harness.guest.errors import GuestError

# Speaks on the inherited socket that the last arguments name, as QEMU's port would.
_FAKE = """
import os, re, signal, sys
fd = int(re.search(r"fd=(\\d+)", " ".join(sys.argv)).group(1))
"""
_SOON_S = 0.7  # long enough for an interpreter to start, short enough to wait for


def _fake(tmp_path: Path, body: str) -> list[str]:
    script = tmp_path / "fake.py"
    script.write_text(_FAKE + body)
    return [sys.executable, str(script)]


def _gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


def test_everything_sent_before_the_end_arrives(tmp_path: Path) -> None:
    got: list[bytes] = []

    def receive(data: bytes) -> bool:
        got.append(data)
        return False

    command = _fake(tmp_path, "os.write(fd, b'a' * 100000)\nsys.exit(3)")
    end = qemu.stream(command, tmp_path / "log", 60, receive)
    assert (end.timed_out, end.exit_status) == (False, 3)
    assert b"".join(got) == b"a" * 100_000


def test_silent_machine_is_killed_at_its_deadline(tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    body = f"open({str(pid_file)!r}, 'w').write(str(os.getpid()))\nsignal.pause()"
    started = time.monotonic()
    end = qemu.stream(_fake(tmp_path, body), tmp_path / "log", _SOON_S, lambda data: False)
    assert end.timed_out
    assert _SOON_S <= time.monotonic() - started < 30
    assert not pid_file.exists() or _gone(int(pid_file.read_text()))


def test_chattering_machine_is_killed_at_its_deadline_too(tmp_path: Path) -> None:
    command = _fake(tmp_path, "while True: os.write(fd, b'x' * 4096)")
    end = qemu.stream(command, tmp_path / "log", _SOON_S, lambda data: False)
    assert end.timed_out


def test_machine_that_said_its_last_word_is_stopped(tmp_path: Path) -> None:
    said: list[bytes] = []

    def receive(data: bytes) -> bool:
        said.append(data)
        return b"".join(said).endswith(b".")

    command = _fake(tmp_path, "os.write(fd, b'%d.' % os.getpid())\nsignal.pause()")
    end = qemu.stream(command, tmp_path / "log", 60, receive)
    assert (end.timed_out, end.exit_status) == (False, None)
    assert _gone(int(b"".join(said)[:-1]))


def test_machine_is_gone_when_the_receiver_fails(tmp_path: Path) -> None:
    sent: list[int] = []

    def receive(data: bytes) -> bool:
        sent.append(int(data))
        raise RuntimeError("receiver failed")

    body = "os.write(fd, str(os.getpid()).encode())\nsignal.pause()"
    with pytest.raises(RuntimeError, match="receiver failed"):
        qemu.stream(_fake(tmp_path, body), tmp_path / "log", 60, receive)
    assert _gone(sent[0])


def test_machine_dies_with_a_launcher_that_is_killed(tmp_path: Path) -> None:
    launcher = f"""
import sys
from pathlib import Path
from harness.guest import qemu
def receive(data):
    print(data.decode(), flush=True)
    return False
fake = {_fake(tmp_path, "os.write(fd, str(os.getpid()).encode()); signal.pause()")!r}
qemu.stream(fake, Path({str(tmp_path / "log")!r}), 600, receive)
"""
    with subprocess.Popen([sys.executable, "-c", launcher], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        machine = int(process.stdout.readline())
        watched = os.pidfd_open(machine)
        process.kill()
        process.wait(30)
    # The descriptor becomes readable when the machine has ended.
    readable, _, _ = select.select([watched], [], [], 30)
    os.close(watched)
    assert readable


def test_missing_qemu_is_said_with_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(GuestError, match="apt-get install qemu-system-x86"):
        qemu.qemu_version()


def test_qemu_that_is_not_there_ends_the_stream_at_once(tmp_path: Path) -> None:
    end = qemu.stream(["/no/such/qemu"], tmp_path / "log", 60, lambda data: False)
    assert not end.timed_out
    assert end.exit_status not in (0, None)
    assert "/no/such/qemu" in qemu.log_line(tmp_path / "log")


def test_counting_machine_has_one_thread_a_fixed_clock_and_a_fixed_seed() -> None:
    arguments = " ".join(qemu.machine_arguments(qemu.Machine("tcg", 512, icount=True)))
    for word in ("tcg,thread=single", "shift=0,sleep=off", "base=2026-01-01,clock=vm", "-seed 1"):
        assert word in arguments
    assert "nokaslr norandmaps mitigations=off" in qemu.kernel_command_line(icount=True)
    assert "mitigations" not in qemu.kernel_command_line(icount=False)


def test_comma_in_a_path_does_not_split_an_option(tmp_path: Path) -> None:
    arguments = qemu.boot_arguments(Path("k"), Path("i"), Path("/a,b/console"), "x")
    assert "file,id=console,path=/a,,b/console" in arguments


def test_first_complaint_is_shown(tmp_path: Path) -> None:
    log = tmp_path / "log"
    assert qemu.log_line(log) == ""
    log.write_text("\nqemu-system-x86_64: no such machine\nmore\n")
    assert qemu.log_line(log) == "no such machine"
