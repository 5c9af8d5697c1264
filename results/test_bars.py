# SPDX-License-Identifier: MIT
"""Which figure falls under which bar, and when it is met."""

from __future__ import annotations

from typing import Any

import pytest

from results import bars
from results.bars import Bar


def record(**changes: Any) -> dict[str, Any]:
    return {
        "where": "guest",
        "interval": {"kind": "exact"},
        "workload": "idle_scan",
        "params": {"source": "unix", "registered": "1"},
        "mechanism": "kevent",
        "variant": "mapped-et",
        "metric": "dispatch_instr_per_event",
        "value": 300.0,
        "ratio_to_epoll": 0.25,
        "ratio_to_best_epoll": 0.4,
        "reference": "epoll+et",
        "best_epoll": "epoll+lt",
        **changes,
    }


@pytest.mark.parametrize(
    ("changes", "bar"),
    [
        ({}, bars.SOCKETS),
        ({"params": {"source": "tcp"}}, bars.SOCKETS),
        ({"params": {"source": "pipe"}}, bars.FILES),
        ({"params": {"source": "eventfd"}, "workload": "active_ratio"}, bars.FILES),
        ({"variant": "mapped"}, bars.PARITY),
        ({"variant": "get-et"}, bars.PARITY),
        ({"workload": "source_pingpong"}, bars.PARITY),
        ({"workload": "ctl_churn", "metric": "instr_per_event"}, bars.PARITY),
        (
            {
                "workload": "ctl_churn",
                "metric": "instr_per_event",
                "params": {"operation": "add-remove", "batch": "16"},
            },
            bars.CONTROL,
        ),
        ({"metric": "bytes_per_fd", "workload": "footprint"}, bars.MEMORY),
        ({"metric": "instr_per_request", "params": {"keepalive": "on"}}, bars.KEEP_ALIVE),
        ({"metric": "instr_per_request", "params": {"keepalive": "off"}}, bars.PARITY),
        ({"metric": "instr_per_event"}, None),
        ({"metric": "instr_per_event", "workload": "bystander"}, None),
        ({"metric": "syscalls_per_event"}, None),
    ],
)
def test_each_figure_has_its_bar(changes: dict[str, Any], bar: Bar | None) -> None:
    assert bars.bar_of(record(**changes)) == bar


def test_a_bar_is_met_up_to_its_limit_and_says_how_far_it_was_missed() -> None:
    at, above = bars.judge([record(ratio_to_epoll=0.30), record(ratio_to_epoll=0.36)])
    assert at.met and bars.in_words(at) == "met"
    assert not above.met and bars.in_words(above) == "not met by 20 %"


def test_keep_alive_requests_are_held_against_epolls_best() -> None:
    changes = {"metric": "instr_per_request", "params": {"keepalive": "on"}}
    (one,) = bars.judge([record(**changes)])
    assert one.ratio == 0.4 and one.against == "epoll+lt"


@pytest.mark.parametrize(
    "changes",
    [
        {"where": "host"},
        {"mechanism": "epoll"},
        {"value": None},
        {"interval": {"kind": "bootstrap-percentile"}},
        {"ratio_to_epoll": None},
    ],
)
def test_only_exact_counts_of_kevent_in_a_guest_are_judged(changes: dict[str, Any]) -> None:
    assert bars.judge([record(**changes)]) == []
