# SPDX-License-Identifier: MIT
"""Metric records of a cell that was loaded from outside."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.analysis.cell import CellRows, cpu_per_operation, share_of, switches
from harness.analysis.cell import add_distribution, number_of
from harness.analysis.rows import sampled_rows
from harness.analysis.series import Series, from_pairs, from_slices, from_totals
from harness.celldata import CellData
from harness.plan import WEB_2006

_LOAD_METRICS = (
    "requests_per_s",
    "achieved_rate_percent",
    "errors_per_s",
    "client_headroom",
    "saturation_requests_per_s",
    "h2load_requests_per_s",
    "httperf_requests_per_s",
    "p50_ns",
    "p99_ns",
)
SATURATED = "saturated: "
"""How the remark on a side begins that did not answer what it was offered."""
_PHASE = "load"


def _compared(data: CellData, metric: str) -> bool:
    """In the workload of the 2006 claim throughput and latency are compared, but throughput only
    where a side was saturated: below that all answer what they are offered."""
    if data.cell.workload != WEB_2006:
        return False
    if metric == "requests_per_s":
        return any(text.startswith(SATURATED) for text in data.load_remarks.values())
    return metric in ("p50_ns", "p99_ns")


def analyse_http(data: CellData, place: Mapping[str, Any], seed: int) -> CellRows:
    """CPU per request is compared; a rate that was asked for is reported, not compared."""
    result = CellRows()
    if data.void is not None:
        return result
    checks = {
        side.label: [
            {
                "name": "kept pace",
                "state": "warned" if side.label in data.load_remarks else "passed",
                "text": data.load_remarks.get(side.label, "every request was answered in time"),
            }
        ]
        for side in data.alive()
    }
    compared: list[Series] = [
        from_slices(data, "cpu_ns_per_event", cpu_per_operation, _PHASE),
        from_slices(data, "cpu_user_ns_per_event", share_of("cpu_user_ns"), _PHASE),
        from_slices(data, "cpu_sys_ns_per_event", share_of("cpu_sys_ns"), _PHASE),
        from_totals(data, "ctxsw_per_event", switches, number_of("ops"), _PHASE),
        from_totals(data, "events_per_wait", number_of("events"), number_of("waits"), _PHASE),
    ]
    for series in compared:
        if series.blocks or series.totals:
            result.series[series.metric] = series
            result.add(series.metric, sampled_rows(data, place, series, seed, checks))
    for metric in _LOAD_METRICS:
        values = {
            side: {pair: facts[metric] for pair, facts in pairs.items() if metric in facts}
            for side, pairs in data.load.items()
        }
        series = from_pairs(data, metric, values, _PHASE)
        if series.totals:
            result.series[metric] = series
            rows = sampled_rows(
                data, place, series, seed, checks, with_ratio=_compared(data, metric)
            )
            result.add(metric, rows)
    add_distribution(data, result, _PHASE)
    return result
