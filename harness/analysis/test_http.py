# SPDX-License-Identifier: MIT
"""What the analysis compares of outside load."""

from __future__ import annotations

from typing import Any

import pytest

from harness.analysis.http import SATURATED, analyse_http
from harness.celldata import CellData
from harness.names import Variant
from harness.plan import EXTERNAL, WEB_2006, Cell, Side
from harness.protocol import QUICK

PLACE = {"where": "host", "kernel": "6.1", "accel": "none"}


def rows(workload: str, remark: str = "") -> dict[str, dict[str, Any]]:
    """poll's rows by metric: it answers half of what epoll answers, with twice the latency."""
    sides = tuple(
        Side(Variant(name, name if name == "poll" else "lt")) for name in ("epoll", "poll")
    )
    data = CellData(Cell(workload, {"rate": "100"}, "headline", False, False, QUICK, sides))
    for side in sides:
        data.case_keys[side.label] = f"{workload}/{side.label}"
        slow = 2.0 if side.variant.mechanism == "poll" else 1.0
        data.load[side.label] = {
            pair: {"requests_per_s": 100 / slow, "p50_ns": 1000 * slow} for pair in range(8)
        }
    if remark:
        data.load_remarks["poll+poll"] = remark
    found = analyse_http(data, PLACE, 1).rows
    return {row["metric"]: row for row in found if row["side"] == "poll+poll"}


def test_throughput_is_compared_where_a_side_was_saturated() -> None:
    row = rows(WEB_2006, f"{SATURATED}50 replies to 100 requests that were due")["requests_per_s"]
    assert row["ratio_to_epoll"] == pytest.approx(2.0) == row["ratio_lo"]


def test_below_saturation_the_offered_rate_is_no_comparison_and_latency_is_one() -> None:
    found = rows(WEB_2006)
    assert found["requests_per_s"]["ratio_to_epoll"] is None
    assert found["p50_ns"]["ratio_to_epoll"] == pytest.approx(2.0)


def test_other_workloads_report_their_load_without_comparing_it() -> None:
    found = rows(EXTERNAL, f"{SATURATED}too much")
    assert found["requests_per_s"]["ratio_to_epoll"] is None
    assert found["p50_ns"]["ratio_to_epoll"] is None
