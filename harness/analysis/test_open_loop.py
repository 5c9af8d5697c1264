# SPDX-License-Identifier: MIT
"""What the analysis makes of planned load and of a client in the same process."""

from __future__ import annotations

from typing import Any

from harness.analysis.cell import CellRows, analyse
from harness.celldata import CellData
from harness.names import Variant
from harness.plan import Cell, Side
from harness.protocol import QUICK
from results.histogram import Histogram

PLACE = {"where": "host", "kernel": "6.1", "accel": "none"}
PAIRS = 8


def _slice(side: str, phase: str, pair: int, **changes: Any) -> dict[str, Any]:
    return {
        "side": side,
        "phase": phase,
        "pair": pair,
        "block": 0,
        "warmup": False,
        "ops": 100,
        "wall_ns": 1_000_000,
        "cpu_user_ns": 400_000,
        "cpu_sys_ns": 600_000,
        "vcsw": 1,
        "ivcsw": 0,
        "steal_ticks": 0,
        "events": 100,
        "waits": 50,
        "batches": [0, 50],
        "load_cpu_ns": 300_000,
        "pace": None,
        **changes,
    }


def _analysed(mode: str, pace: dict[str, Any] | None = None, **changes: Any) -> CellRows:
    """A cell with two equal sides; the second one kept to its plan as `pace` says."""
    sides = tuple(Side(Variant("epoll", name), 1, name) for name in ("lt", "et"))
    cell = Cell("tcp_rr", {"mode": mode}, "headline", True, False, QUICK, sides)
    data = CellData(cell, unit="request")
    data.operations = {side.label: 100 for side in sides}
    data.case_keys = {side.label: f"tcp_rr/{side.label}" for side in sides}
    good = None if pace is None else {"achieved": 1.0, "in_time": 1.0, "kept": True}
    for pair in range(PAIRS):
        for side, kept in zip(sides, (good, pace)):
            data.slices.append(_slice(side.label, "time", pair, **changes))
            data.slices.append(_slice(side.label, "latency", pair, pace=kept))
            histogram = Histogram()
            histogram.record(50_000, 4_000)
            data.histograms[(side.label, pair, "latency")] = histogram
            data.slice_histograms[(side.label, pair, 0)] = [histogram]
    return analyse(data, PLACE, 1)


def _rows(found: CellRows, metric: str) -> dict[str, dict[str, Any]]:
    return {row["side"]: row for row in found.rows if row["metric"] == metric}


def _check(row: dict[str, Any], name: str) -> dict[str, Any]:
    return next(one for one in row["checks"] if one["name"] == name)


def test_an_open_loop_that_kept_pace_has_comparable_latencies_and_no_throughput() -> None:
    found = _analysed("open", {"achieved": 0.999, "in_time": 0.995, "kept": True})
    row = _rows(found, "p50_ns")["epoll+et"]
    assert _check(row, "kept pace")["state"] == "passed"
    assert row["ratio_to_epoll"] is not None
    assert not _rows(found, "wall_ns_per_event") and not _rows(found, "requests_per_s")


def test_a_missed_plan_is_said_and_takes_the_latency_ratios_away() -> None:
    for pace in (
        {"achieved": 0.97, "in_time": 0.995, "kept": False},
        {"achieved": 1.0, "in_time": 0.6, "kept": False},
    ):
        found = _analysed("open", pace)
        rows = _rows(found, "p50_ns")
        check = _check(rows["epoll+et"], "kept pace")
        assert check["state"] == "failed" and check["text"].startswith("saturated: ")
        assert all(row["ratio_to_best_epoll"] is None for row in rows.values())
        assert _rows(found, "cpu_ns_per_event")["epoll+et"]["value"] == 10_000


def test_a_closed_loop_shows_throughput_and_how_busy_its_client_was() -> None:
    found = _analysed("closed")
    assert _rows(found, "requests_per_s")["epoll+lt"]["value"] == 100_000
    assert _rows(found, "client_cpu_ns_per_event")["epoll+lt"]["value"] == 3_000
    row = _rows(found, "cpu_ns_per_event")["epoll+lt"]
    assert _check(row, "client headroom")["state"] == "passed"


def test_a_client_without_headroom_is_named() -> None:
    found = _analysed("closed", load_cpu_ns=900_000)
    check = _check(_rows(found, "cpu_ns_per_event")["epoll+lt"], "client headroom")
    assert check["state"] == "warned" and "busy 90 %" in check["text"]
