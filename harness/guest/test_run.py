# SPDX-License-Identifier: MIT
"""Requests that cannot work are refused early; each ending gets its own verdict."""

import os
from dataclasses import replace
from pathlib import Path

import pytest

from harness.guest import qemu, run
from harness.guest.conversation import Conversation
from harness.guest.errors import GuestError
from harness.guest.kernels import Kernel, ensure_kernel
from harness.guest.spec import GuestResult, GuestSpec, Outcome
from harness.guest.transport import Frame, encode_frame

_GOOD = GuestSpec(["true"])


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        (replace(_GOOD, command=[]), "no command given"),
        (replace(_GOOD, icount=True, smp=2), "one processor only"),
        (replace(_GOOD, smp=0), "1 to 64 processors"),
        (replace(_GOOD, memory_mib=64), "at least 128 MiB"),
        (replace(_GOOD, deadline_s=0.0), "above 0"),
        (replace(_GOOD, deadline_s=float("nan")), "above 0"),
        (replace(_GOOD, environment={"": "x"}), "not a name"),
        (replace(_GOOD, environment={"A": "x\0"}), "NUL byte"),
        (replace(_GOOD, add=[Path("/no/such/thing")]), "/no/such/thing does not exist"),
    ],
)
def test_request_that_cannot_work_is_refused(spec: GuestSpec, message: str) -> None:
    with pytest.raises(GuestError, match=message):
        run.check_spec(spec)


def test_module_for_another_kernel_is_refused(tmp_path: Path) -> None:
    kernel = Kernel("6.1", "6.1.0-9-cloud-amd64", tmp_path, tmp_path, tmp_path)
    module = tmp_path / "kevent.ko"
    module.write_bytes(b"\0vermagic=6.1.0-9-cloud-amd64 SMP\0")
    run.check_module(module, kernel)
    module.write_bytes(b"\0vermagic=6.12.1 SMP\0")
    with pytest.raises(GuestError, match="built for kernel 6.12.1, the guest has 6.1.0-9"):
        run.check_module(module, kernel)
    with pytest.raises(GuestError, match="cannot read the module"):
        run.check_module(tmp_path / "none.ko", kernel)


def _said(*frames: tuple[Frame, bytes]) -> Conversation:
    conversation = Conversation(lambda data: None, lambda data: None, None)
    for frame, payload in frames:
        conversation.receive(encode_frame(frame, payload))
    return conversation


_READY = (Frame.READY, b"6.1\n0")
_END = (Frame.END, b"")


@pytest.mark.parametrize(
    ("end", "frames", "console", "outcome", "number"),
    [
        (qemu.StreamEnd(False, 0), [_READY, (Frame.EXITED, b"3"), _END], [], "EXITED", 3),
        (qemu.StreamEnd(False, 0), [_READY, (Frame.SIGNALED, b"9"), _END], [], "SIGNALED", 9),
        (qemu.StreamEnd(True, None), [_READY], [], "DEADLINE", None),
        (qemu.StreamEnd(True, None), [], [], "DEADLINE", None),
        (qemu.StreamEnd(False, 0), [_READY], ["[ 1.0] Kernel panic - x"], "PANIC", None),
        (qemu.StreamEnd(True, None), [_READY], ["Kernel panic - not syncing"], "PANIC", None),
        (qemu.StreamEnd(False, 0), [(Frame.FAULT, b"why"), _END], [], "FAULT", None),
        (qemu.StreamEnd(False, -9), [_READY], [], "LOST", None),
        (qemu.StreamEnd(False, 0), [_READY, (Frame.EXITED, b"0")], [], "LOST", 0),
    ],
)
def test_each_ending_has_its_verdict(
    end: qemu.StreamEnd,
    frames: list[tuple[Frame, bytes]],
    console: list[str],
    outcome: str,
    number: int | None,
) -> None:
    verdict = run.judge(end, "", _said(*frames), console, 5.0)
    assert (verdict.outcome, verdict.number) == (Outcome[outcome], number)
    assert bool(verdict.reason) == (outcome not in ("EXITED", "SIGNALED"))


def _result(outcome: Outcome, number: int | None, faults: tuple[str, ...] = ()) -> GuestResult:
    return GuestResult(
        outcome, number, b"", b"", faults, 0, "6.1", "tcg", 1.0, 2.0, (), Path("."), (), ""
    )


def test_status_passed_on_is_that_of_the_command_unless_the_guest_failed() -> None:
    assert _result(Outcome.EXITED, 0).status == 0
    assert _result(Outcome.EXITED, 7).status == 7
    assert _result(Outcome.SIGNALED, 9).status == 137
    assert _result(Outcome.DEADLINE, None).status == 124
    for outcome in (Outcome.PANIC, Outcome.LOST, Outcome.FAULT):
        assert _result(outcome, None).status == 125
    assert _result(Outcome.EXITED, 0, ("kernel tainted: warning (bit 9)",)).status == 125


@pytest.mark.guest
def test_payload_too_large_for_the_memory_is_refused_with_what_it_takes(tmp_path: Path) -> None:
    big = tmp_path / "big"
    with big.open("wb") as file:
        file.truncate(100 << 20)
    spec = GuestSpec(["true"], add=[big], memory_mib=256)
    with pytest.raises(GuestError, match=r"carries 10\d MiB and needs --memory \d+, not 256"):
        run.build_payload(spec, ensure_kernel("6.12"))


def test_oldest_logs_are_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "runs_dir", lambda: tmp_path)
    for number in range(60):
        folder = tmp_path / f"2026-{number:02}"
        folder.mkdir()
        (folder / "result.json").write_text("{}")
    unfinished = tmp_path / "0000-still-running"
    unfinished.mkdir()
    killed = tmp_path / "9999-killed-long-ago"
    killed.mkdir()
    os.utime(killed, (1.0, 1.0))
    fresh = run.make_state_dir()
    assert fresh.is_dir() and unfinished.is_dir()
    assert not killed.exists()
    assert not (tmp_path / "2026-09").exists()
    assert (tmp_path / "2026-10").exists()
