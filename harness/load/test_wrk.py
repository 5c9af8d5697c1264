# SPDX-License-Identifier: MIT
"""Verdicts on outputs that wrk 4.1 really printed with done.lua (testdata/)."""

from __future__ import annotations

import pathlib
import shutil

import pytest

from harness.load import wrk
from harness.load.errors import ToolMissing
from harness.load.point import LoadPoint, Loop, RawOutput, Status

DATA = pathlib.Path(__file__).parent / "testdata"
PLAN = wrk.Plan(port=18080, connections=4, duration_s=1)


def judged(name: str, exit_status: int = 0) -> LoadPoint:
    stdout = (DATA / f"wrk_{name}.txt").read_text(encoding="utf-8")
    return wrk.judge(PLAN, RawOutput(("wrk",), exit_status, stdout, ""))


def test_clean_output_is_saturation_throughput_without_latency() -> None:
    point = judged("clean")
    assert (point.status, point.loop, point.latency) == (Status.VALID, Loop.CLOSED, None)
    assert point.rate_requested is None
    assert point.replies == 63188
    assert point.replies_per_s == pytest.approx(63188 / 1.099652)
    assert point.to_json()["measures"] == "saturation throughput"


def test_refused_is_invalid_with_the_tools_words() -> None:
    point = judged("refused", exit_status=1)
    assert point.status is Status.INVALID
    assert "Connection refused" in point.reason


def test_server_that_never_answers_is_invalid() -> None:
    point = judged("silent")
    assert point.status is Status.INVALID
    assert "no reply" in point.reason


def test_error_statuses_are_invalid() -> None:
    point = judged("status")
    assert point.status is Status.INVALID
    assert point.errors["status"] == 2398


def test_connections_that_wrk_could_not_open_are_the_clients_limit() -> None:
    point = judged("descriptors")
    assert point.status is Status.CLIENT_LIMITED
    assert point.errors["connect"] == 13


def test_truncated_output_is_invalid() -> None:
    assert judged("truncated").status is Status.INVALID


def test_damaged_summary_line_is_invalid() -> None:
    output = RawOutput(("wrk",), 0, 'kevbench-wrk {"requests":\n', "")
    assert wrk.judge(PLAN, output).status is Status.INVALID


def test_close_per_request_is_asked_for_by_header() -> None:
    closing = wrk.Plan(port=1, connections=2, duration_s=1, keep_alive=False)
    assert "Connection: close" in wrk.command(closing)
    assert "Connection: close" not in wrk.command(PLAN)


def test_missing_tool_names_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(ToolMissing, match="wrk is not installed: apt-get install wrk"):
        wrk.run(PLAN)
