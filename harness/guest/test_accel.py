# SPDX-License-Identifier: MIT
"""A guest counts as booted only with its sentinel and a clean exit in time."""

from pathlib import Path

import pytest

from harness.guest import accel, qemu


@pytest.mark.parametrize(
    ("status", "console", "complaint", "verdict"),
    [
        (0, "noise\nkevbench-probe-booted\n", "", ""),
        (0, "noise\n", "", "the guest ended without its sentinel"),
        (None, "", "", "the guest printed nothing within 10 s"),
        (None, "kevbench-probe-booted\n", "", "the guest hung within 10 s"),
        (-6, "", "failed to set MSR", "QEMU ended with signal 6: failed to set MSR"),
        (1, "kevbench-probe-booted\n", "", "QEMU ended with status 1"),
    ],
)
def test_verdict_of_a_probe(
    status: int | None, console: str, complaint: str, verdict: str, tmp_path: Path
) -> None:
    log = tmp_path / "console"
    log.write_text(console)
    assert accel.judge(status, log, complaint, 10.0) == verdict


def test_verdict_is_kept_for_this_boot_and_qemu_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(accel, "guest_build_dir", lambda: tmp_path)
    monkeypatch.setattr(qemu, "qemu_version", lambda: "QEMU 1")
    monkeypatch.setattr(accel, "_probe", lambda kernel: accel.Verdict("tcg", "because"))
    told: list[str] = []
    assert accel.cached_verdict() is None
    kernel = object()
    verdict = accel.probe(kernel, told.append)  # type: ignore[arg-type]
    assert accel.cached_verdict() == verdict == accel.Verdict("tcg", "because")
    assert told == ["EMULATED guest, its times say nothing: because"]
    monkeypatch.setattr(qemu, "qemu_version", lambda: "QEMU 2")
    assert accel.cached_verdict() is None


def test_damaged_cache_counts_as_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(accel, "guest_build_dir", lambda: tmp_path)
    (tmp_path / "accel.json").write_text("{")
    assert accel.cached_verdict() is None
