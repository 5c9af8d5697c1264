# SPDX-License-Identifier: MIT
"""Long tests do not run unless asked for, and are never left out silently."""
from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from harness.suite import __main__ as suite
from harness.suite.outcome import LEFT_OUT_VARIABLE, Outcome
from harness.suite.stages import PYTHON, ROOT

#: Of each stage that runs Python tests.
_FILES = ("harness/guest/hosts/test_boot.py", "playbooks/test_guests.py")


def _collect(file: str, told: Path, *options: str) -> str:
    done = subprocess.run(
        [PYTHON, "-m", "pytest", "-p", "no:cacheprovider", "--collect-only", *options, file],
        cwd=ROOT,
        env={**os.environ, LEFT_OUT_VARIABLE: str(told)},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    return done.stdout


@pytest.mark.parametrize("file", _FILES)
def test_long_tests_are_left_out_by_name(file: str, tmp_path: Path) -> None:
    told = tmp_path / "told"
    assert f"{file}::" not in _collect(file, told)
    names = told.read_text().split()
    assert names and all(name.startswith(f"{file}::") for name in names)
    asked_for = _collect(file, tmp_path / "nothing", "-m", "long")
    assert all(name in asked_for for name in names)
    assert not (tmp_path / "nothing").exists()


def test_left_out_tests_are_told_with_the_way_to_run_them(
    capsys: pytest.CaptureFixture[str],
) -> None:
    total = Outcome()
    total.add(Outcome(left_out=["a.py::one"]))
    total.add(Outcome(left_out=["b.py::two"]))
    suite.tell_left_out(total.left_out)
    printed = capsys.readouterr().out
    assert "LEFT OUT a.py::one\nLEFT OUT b.py::two\n" in printed
    assert "2 long tests left out: ./kevbench test --long runs them too" in printed
    suite.tell_left_out([])
    assert capsys.readouterr().out == ""


def test_long_stage_runs_only_when_asked_for() -> None:
    assert "long" not in [stage.name for stage in suite.choose([], long=False)]
    assert "long" in [stage.name for stage in suite.choose([], long=True)]
    assert [stage.name for stage in suite.choose(["long"], long=False)] == ["long"]
