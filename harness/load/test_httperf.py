# SPDX-License-Identifier: MIT
"""Verdicts on outputs that httperf 0.9 really printed (testdata/), and on damaged ones."""

from __future__ import annotations

import pathlib
import shutil

import pytest

from harness.load import httperf
from harness.load.errors import ToolMissing
from harness.load.point import Loop, RawOutput, Status

DATA = pathlib.Path(__file__).parent / "testdata"


def text(name: str) -> str:
    return (DATA / f"httperf_{name}.txt").read_text(encoding="utf-8")


def raw(stdout: str, exit_status: int = 0, stderr: str = "") -> RawOutput:
    return RawOutput(("httperf",), exit_status, stdout, stderr)


def plan(rate: float, count: int, **others: object) -> httperf.Plan:
    made = httperf.Plan(port=18080, connection_rate=rate, duration_s=count / rate)
    for name, value in others.items():
        object.__setattr__(made, name, value)
    return made


def test_clean_output_gives_rates_computed_from_the_counts() -> None:
    point = httperf.judge(plan(200, 1300), raw(text("clean")))
    assert (point.status, point.reason) == (Status.VALID, "")
    assert point.loop is Loop.OPEN
    assert (point.connections, point.replies) == (1300, 1300)
    assert point.replies_per_s == pytest.approx(1300 / 6.499)
    assert point.rate_achieved == pytest.approx(200, rel=0.01)
    assert point.latency is None
    assert sum(point.errors.values()) == 0


def test_every_figure_of_a_clean_output_is_read() -> None:
    report = httperf.parse(text("clean"))
    assert report.duration_s == 6.499
    assert report.longest_connection_ms == 17.6
    assert report.response_ms == 1.1
    assert report.statuses == {"1xx": 0, "2xx": 1300, "3xx": 0, "4xx": 0, "5xx": 0}
    assert report.error_total == 0
    assert set(report.errors) == set(httperf.ERROR_CLASSES)


def test_run_below_five_seconds_has_a_rate_although_httperf_prints_zero() -> None:
    assert "avg 0.0" in text("short")
    point = httperf.judge(plan(200, 200), raw(text("short")))
    assert point.status is Status.VALID
    assert point.replies_per_s == pytest.approx(200, rel=0.01)


def test_all_refused_is_invalid_although_httperf_exits_zero() -> None:
    point = httperf.judge(plan(100, 100, timeout_s=1.0), raw(text("refused")))
    assert point.status is Status.INVALID
    assert "refused" in point.reason
    assert point.errors["connrefused"] == 100


def test_timeouts_are_the_servers_saturation() -> None:
    point = httperf.judge(plan(100, 50, timeout_s=0.2), raw(text("timeouts")))
    assert point.status is Status.SATURATED
    assert point.errors["client-timo"] == 50
    assert point.replies_per_s == 0.0


def test_missing_descriptors_are_the_clients_limit() -> None:
    point = httperf.judge(plan(200, 100, timeout_s=1.0), raw(text("fd_unavail")))
    assert point.status is Status.CLIENT_LIMITED
    assert "64 fd-unavail" in point.reason
    assert point.errors["client-timo"] == 36


def test_session_output_with_its_extra_lines_is_read() -> None:
    report = httperf.parse(text("sessions"))
    assert (report.connections, report.requests, report.replies) == (20, 100, 100)
    assert report.error_total == 0


def test_poisson_arrivals_are_not_held_to_an_exact_duration() -> None:
    point = httperf.judge(plan(200, 200, calls=2, poisson=True), raw(text("poisson")))
    assert point.status is Status.VALID
    assert point.replies == 400
    assert point.rate_requested == 400


@pytest.mark.parametrize("cut", [0, 30, 200, 700, 900, -1, -2, -40])
def test_truncated_output_is_invalid_wherever_it_ends(cut: int) -> None:
    point = httperf.judge(plan(200, 1300), raw(text("clean")[:cut]))
    assert point.status is Status.INVALID
    assert "incomplete" in point.reason


def test_stored_truncated_output_is_invalid() -> None:
    assert httperf.judge(plan(200, 1300), raw(text("truncated"))).status is Status.INVALID


def test_causes_that_do_not_add_up_are_invalid() -> None:
    wrong = text("clean").replace("Errors: total 0", "Errors: total 3")
    point = httperf.judge(plan(200, 1300), raw(wrong))
    assert point.status is Status.INVALID
    assert "sum to 0, total is 3" in point.reason


def test_more_replies_than_requests_are_invalid() -> None:
    wrong = text("clean").replace("requests 1300", "requests 1299")
    assert httperf.judge(plan(200, 1300), raw(wrong)).status is Status.INVALID


def test_replies_of_another_status_class_are_invalid() -> None:
    wrong = text("clean").replace("2xx=1300", "2xx=1299").replace("5xx=0", "5xx=1")
    point = httperf.judge(plan(200, 1300), raw(wrong))
    assert point.status is Status.INVALID
    assert "not 2xx" in point.reason


def test_client_that_falls_behind_is_told_from_a_server_that_does() -> None:
    behind = text("clean").replace("test-duration 6.499", "test-duration 7.200")
    point = httperf.judge(plan(200, 1300), raw(behind))
    assert point.status is Status.CLIENT_LIMITED
    assert point.rate_achieved == pytest.approx(1299 / (7.2 - 0.0176 - 0.01))
    slow_tail = behind.replace("max 17.6", "max 900.0")
    assert httperf.judge(plan(200, 1300), raw(slow_tail)).status is Status.VALID


@pytest.mark.parametrize("number", ["nan", "inf", "-1.0", "garbage"])
def test_numbers_that_are_none_become_null(number: str) -> None:
    report = httperf.parse(text("clean").replace("max 17.6", f"max {number}"))
    assert report.longest_connection_ms is None
    assert report.replies == 1300


def test_exit_status_other_than_zero_is_invalid_with_the_tools_words() -> None:
    point = httperf.judge(plan(1, 1), raw("", 1, "warning\nhttperf: no such host\n"))
    assert point.status is Status.INVALID
    assert "no such host" in point.reason


def test_plan_divides_its_load_over_processes() -> None:
    divided = plan(1000, 5000, cpus=(0, 1), calls=3)
    words = httperf.command(divided)
    assert words[words.index("--rate") + 1] == "500"
    assert words[words.index("--num-conns") + 1] == "2500"
    assert words[words.index("--num-calls") + 1] == "3"
    exponential = httperf.command(plan(1000, 5000, poisson=True))
    assert exponential[exponential.index("--period") + 1] == "e0.001000000"


def test_missing_tool_names_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(ToolMissing) as caught:
        httperf.run(plan(1, 1))
    assert str(caught.value) == "httperf is not installed: apt-get install httperf"
