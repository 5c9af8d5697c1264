# SPDX-License-Identifier: MIT
"""The debug kernel's configuration and cache, and the record of what ran on it."""

import json
from pathlib import Path

import pytest

from harness.guest import debug_kernel, debug_record
from harness.guest.choose import CHOICES
from harness.guest.spec import GuestResult, Outcome
from harness.guest.suite import ProgramResult, SuiteResult


def test_options_that_did_not_take_effect_are_named() -> None:
    wanted = '# why\nCONFIG_A=y\nCONFIG_B="x"\nCONFIG_C=3\n'
    effective = "CONFIG_A=y\n# CONFIG_B is not set\nCONFIG_C=30\nCONFIG_D=y\n"
    assert debug_kernel.unmet(wanted, effective) == ["CONFIG_B", "CONFIG_C"]


def test_the_configuration_asks_for_every_promised_checker() -> None:
    text = debug_kernel.CONFIG.read_text(encoding="utf-8")
    for option in (
        *("KASAN", "PROVE_LOCKING", "DEBUG_OBJECTS", "DEBUG_KMEMLEAK", "UBSAN"),
        *("FAULT_INJECTION", "FAILSLAB", "DEBUG_ATOMIC_SLEEP"),
    ):
        assert f"\nCONFIG_{option}=y\n" in text


def test_a_kernel_of_another_configuration_is_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(debug_kernel, "debug_dir", lambda: tmp_path)
    assert debug_kernel.cached_debug_kernel() is None
    record = {"release": "6.12.1-debug", "config_sha256": debug_kernel.config_digest()}
    (tmp_path / "manifest.json").write_text(json.dumps(record))
    found = debug_kernel.cached_debug_kernel()
    assert found is not None and found.release == "6.12.1-debug"
    (tmp_path / "manifest.json").write_text(json.dumps({**record, "config_sha256": "0"}))
    assert debug_kernel.cached_debug_kernel() is None


def test_debug_is_a_kernel_to_choose() -> None:
    assert "debug" in CHOICES


def test_the_debug_guest_has_run_on_the_module_as_it_is() -> None:
    assert debug_record.staleness() == "", "run: ./kevbench guest test --kernel debug"


@pytest.fixture
def sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "include/uapi/linux").mkdir(parents=True)
    (tmp_path / "main.c").write_text("int a;\n")
    (tmp_path / "Kbuild").write_text("obj-m := kevent.o\n")
    (tmp_path / "include/uapi/linux/kevent.h").write_text("#define A 1\n")
    monkeypatch.setattr(debug_record, "kmod_dir", lambda: tmp_path)
    return tmp_path


def _result(tmp_path: Path, failed: int = 0) -> SuiteResult:
    guest = GuestResult(
        outcome=Outcome.EXITED,
        number=0,
        stdout=b"",
        stderr=b"",
        faults=(),
        taint=4096,
        release="6.12.1-debug",
        accel="tcg",
        boot_s=1.0,
        wall_s=2.0,
        results=(),
        state_dir=tmp_path,
        console_tail=(),
        reason="",
    )
    return SuiteResult([ProgramResult("calls", 3, failed, 1, "")], guest)


def test_a_record_stands_until_a_source_changes(sources: Path) -> None:
    assert "has not run" in debug_record.staleness()
    debug_record.write(_result(sources))
    assert debug_record.staleness() == ""
    (sources / "kevent.mod.c").write_text("made by Kbuild\n")
    (sources / "tests").mkdir()
    (sources / "tests/calls.c").write_text("a test\n")
    assert debug_record.staleness() == ""
    (sources / "include/uapi/linux/kevent.h").write_text("#define A 2\n")
    assert "have changed" in debug_record.staleness()


def test_a_renamed_source_is_a_change(sources: Path) -> None:
    before = debug_record.sources_digest(sources)
    (sources / "main.c").rename(sources / "start.c")
    assert debug_record.sources_digest(sources) != before


def test_a_damaged_or_failed_record_does_not_stand(sources: Path) -> None:
    debug_record.write(_result(sources, failed=2))
    assert "2 failures" in debug_record.staleness()
    debug_record.record_file().write_text("{")
    assert "cannot be read" in debug_record.staleness()
