# SPDX-License-Identifier: MIT
"""Wrong options of gate and selftest: one line, status 4, before anything is built."""

from __future__ import annotations

import io
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import pytest

from harness.cli import dispatch
from harness.errors import MeasurementFault
from harness.gate.carry_out import check_builds
from harness.gate.cells import BASE, CHANGE


def _run(*words: str) -> tuple[int, str, str]:
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        try:
            status = dispatch(words)
        except SystemExit as ended:
            status = int(ended.code or 0)
    return status, out.getvalue(), err.getvalue()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("gate", "--base", "no-such-revision"), "no-such-revision"),
        (("gate", "--pairs", "7"), "fewer than 8"),
        (("gate", "--blocks", "0"), "--blocks"),
        (("gate", "--band", "wall=5"), "wall_ns_per_event"),
        (("gate", "--band", "wall_ns_per_event=nan"), "METRIC=PERCENT"),
        (("gate", "--stage", "9"), "--stage"),
        (("gate", "--cell", "nonsense"), "no gated cell"),
        (("gate", "--seed", "-1"), "negative"),
        (("gate", "--limit", "0"), "--limit"),
        (("selftest", "noise", "--pairs", "5"), "fewer than 8"),
        (("selftest", "power", "--size", "101"), "0 to 100"),
        (("selftest", "power", "--repeats", "0"), "--repeats"),
        (("selftest", "power", "--no-user", "--no-guest"), "nothing to do"),
        (("selftest",), "PART"),
    ],
)
def test_a_wrong_option_is_refused_in_one_line(
    words: tuple[str, ...], said: str, tmp_path: Path
) -> None:
    status, out, err = _run(*words)
    assert status == 4 and out == "", (out, err)
    assert len(err.strip().splitlines()) == 1 and said in err


@pytest.mark.parametrize("words", [("gate",), ("selftest", "noise"), ("selftest", "power")])
def test_help_has_examples_and_exit_statuses(words: tuple[str, ...]) -> None:
    status, out, _ = _run(*words, "--help")
    assert status == 0 and "examples:" in out and "exit status" in out


def test_builds_that_cannot_be_compared_are_refused() -> None:
    sound = {"optimized": True, "sanitizer": "none", "compiler": "GNU 12", "flags": "-O2"}
    check_builds({BASE: sound, CHANGE: dict(sound)})
    for name, value in (
        ("optimized", False),
        ("sanitizer", "address"),
        ("compiler", "Clang 14"),
        ("flags", "-O3"),
    ):
        with pytest.raises(MeasurementFault):
            check_builds({BASE: sound, CHANGE: {**sound, name: value}})
