# SPDX-License-Identifier: MIT
"""Verdicts on outputs that h2load 1.52 really printed (testdata/)."""

from __future__ import annotations

import pathlib
import shutil

import pytest

from harness.load import h2load
from harness.load.errors import ToolMissing
from harness.load.point import LoadPoint, Loop, RawOutput, Status

DATA = pathlib.Path(__file__).parent / "testdata"
PLAN = h2load.Plan(port=18391, connections=8, duration_s=1)


def text(name: str) -> str:
    return (DATA / f"h2load_{name}.txt").read_text(encoding="utf-8")


def judged(stdout: str, exit_status: int = 0) -> LoadPoint:
    return h2load.judge(PLAN, RawOutput(("h2load",), exit_status, stdout, ""))


def test_clean_output_is_saturation_throughput_without_latency() -> None:
    point = judged(text("clean"))
    assert (point.status, point.loop, point.latency) == (Status.VALID, Loop.CLOSED, None)
    assert point.replies == 40340
    assert point.replies_per_s == pytest.approx(40340 / 1.01)


def test_seconds_are_read_in_every_unit() -> None:
    assert h2load.parse(text("count")).seconds == pytest.approx(0.04561)
    assert h2load.parse("finished in 1.5m, 1.00 req/s, 1B/s\n").seconds == pytest.approx(90)


def test_refused_connections_are_invalid_although_the_exit_status_is_0() -> None:
    point = judged(text("refused"))
    assert point.status is Status.INVALID
    assert "is the server listening" in point.reason


def test_error_statuses_are_invalid() -> None:
    point = judged(text("status"))
    assert point.status is Status.INVALID
    assert "40 failed, 40 4xx" in point.reason
    assert point.replies == 0


def test_connections_that_were_never_served_are_told() -> None:
    assert judged(text("limited")).status is Status.CLIENT_LIMITED


@pytest.mark.parametrize("cut", [0, 200, 700, 900])
def test_truncated_output_is_invalid(cut: int) -> None:
    point = judged(text("clean")[:cut])
    assert point.status is Status.INVALID
    assert "incomplete" in point.reason


def test_exit_status_other_than_zero_is_invalid_with_the_tools_words() -> None:
    assert "status 1: bad" in judged("bad\n", 1).reason


def test_missing_tool_names_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(ToolMissing, match="apt-get install nghttp2-client"):
        h2load.run(PLAN)
