# SPDX-License-Identifier: MIT
"""Counts of guests in stored runs: judged within one kernel, and as strictly as they are steady."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from results.compare import compare, is_judged, state_of
from results.reader import ResultFile


def run_of(value: float, **changes: Any) -> ResultFile:
    record = {
        "record": "metric",
        "run_id": "R",
        "where": "guest",
        "kernel": "6.12.1",
        "workload": "idle_scan",
        "params": {"registered": "1"},
        "mechanism": "kevent",
        "variant": "mapped",
        "side": "kevent+mapped",
        "metric": "instr_per_event",
        "interval": {"kind": "exact"},
        "detail": False,
        "value": value,
        **changes,
    }
    return ResultFile(Path("x"), [{"record": "run", "run_id": "R"}, record], None)


def test_a_count_of_the_guest_that_grew_has_regressed() -> None:
    found = compare(run_of(2400.0), run_of(2450.0))
    assert [one.state for one in found.judged] == ["regressed"]
    assert [one.state for one in compare(run_of(2400.0), run_of(2410.0)).judged] == ["same"]


def test_guests_with_different_kernels_are_not_set_against_each_other() -> None:
    found = compare(run_of(2400.0), run_of(9999.0, kernel="6.1.0"))
    assert not found.judged and found.only_first and found.only_second


@pytest.mark.parametrize(
    ("metric", "workload", "growth", "state"),
    [
        ("instr_per_event", "idle_scan", 1.02, "regressed"),
        ("instr_per_event", "tcp_rr", 1.02, "same"),
        ("instr_per_event", "tcp_rr", 1.08, "regressed"),
        ("instr_per_request", "http_one_byte", 1.03, "same"),
        ("syscalls_per_event", "tcp_rr", 1.02, "regressed"),
    ],
)
def test_counts_of_threads_that_take_turns_have_more_room(
    metric: str, workload: str, growth: float, state: str
) -> None:
    assert state_of(metric, 20_000.0, 20_000.0 * growth, workload) == state


def test_dispatch_cost_is_judged_where_one_thread_does_everything() -> None:
    assert is_judged("dispatch_instr_per_event", "idle_scan")
    assert not is_judged("dispatch_instr_per_event", "tcp_rr")
