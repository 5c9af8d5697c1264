# SPDX-License-Identifier: MIT
"""All metric records of one finished cell."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from harness.analysis.rows import Analysed, Check, exact_rows, sampled_rows
from harness.analysis.series import (
    Series,
    from_histograms,
    from_pairs,
    from_slices,
    from_totals,
)
from harness.celldata import CellData, Slice
from harness.stats.checks import disturbed, effective_blocks, lag1, tail_state
from harness.stats.checks import DEPENDENCE_LIMIT
from harness.stats.compare import Comparison
from harness.stats.pairs import block_log_ratios, median

_TICK_NS = 1e9 / os.sysconf("SC_CLK_TCK")
_QUANTILES = (("p50_ns", 0.5, True), ("p99_ns", 0.99, True), ("p999_ns", 0.999, False))
#: Share of dropped pairs above which a side's figures are void.
DROPPED_LIMIT = 0.20
#: Share of the planned rate, and of sends in time, below which an open loop counts as saturated.
PACE_LIMIT = 0.99
#: Share of the time a client may be busy and still have twofold headroom.
CLIENT_LIMIT = 0.5


@dataclass
class CellRows:
    """Records of one cell and the comparisons that verdicts are made of."""

    rows: list[dict[str, Any]] = field(default_factory=list)
    #: (metric, side, reference) -> comparison.
    comparisons: dict[tuple[str, str, str], Comparison] = field(default_factory=dict)
    series: dict[str, Series] = field(default_factory=dict)

    def add(self, metric: str, analysed: Analysed) -> None:
        """Takes over the rows and comparisons of a metric."""
        self.rows += analysed.rows
        for (side, reference), comparison in analysed.comparisons.items():
            self.comparisons[(metric, side, reference)] = comparison


def cpu_per_operation(one: Slice) -> float | None:
    if one["cpu_user_ns"] is None or one["cpu_sys_ns"] is None:
        return None
    return float(one["cpu_user_ns"] + one["cpu_sys_ns"]) / float(one["ops"])


def share_of(name: str) -> Any:
    def extract(one: Slice) -> float | None:
        return None if one.get(name) is None else float(one[name]) / float(one["ops"])

    return extract


def number_of(name: str) -> Any:
    def extract(one: Slice) -> float | None:
        return None if one.get(name) is None else float(one[name])

    return extract


def switches(one: Slice) -> float | None:
    if one["vcsw"] is None or one["ivcsw"] is None:
        return None
    return float(one["vcsw"] + one["ivcsw"])


def _spurious(one: Slice) -> float | None:
    """Events that found nothing, of workloads in which threads compete for them."""
    return None if one.get("wakeups") is None else float(one["spurious"])


def _rate(one: Slice) -> float | None:
    return 1e9 * float(one["ops"]) / float(one["wall_ns"]) if one["wall_ns"] else None


def analyse(data: CellData, place: Mapping[str, Any], seed: int) -> CellRows:
    """The records of the cell; none when it is void or nothing was measured."""
    result = CellRows()
    if data.void is not None or not data.operations:
        return result
    checks = _checks(data)
    for series in _time_series(data):
        result.series[series.metric] = series
        result.add(series.metric, sampled_rows(data, place, series, seed, checks))
    add_distribution(data, result, "time")
    _add_latency(data, place, seed, result)
    _add_counts(data, place, result)
    return result


def _time_series(data: CellData) -> list[Series]:
    """Every metric of the untimed pass that has values."""
    series = [
        from_slices(data, "cpu_ns_per_event", cpu_per_operation),
        from_slices(data, "cpu_user_ns_per_event", share_of("cpu_user_ns")),
        from_slices(data, "cpu_sys_ns_per_event", share_of("cpu_sys_ns")),
        from_totals(data, "ctxsw_per_event", switches, number_of("ops")),
        from_totals(data, "events_per_wait", number_of("events"), number_of("waits")),
        from_totals(data, "messages_per_delivery", number_of("messages"), number_of("deliveries")),
        from_totals(data, "wakeups_per_event", number_of("wakeups"), number_of("ops")),
        from_totals(data, "spurious_per_event", _spurious, number_of("ops")),
        from_totals(data, "share_index", number_of("share_top"), number_of("share_bottom")),
        from_pairs(data, "bytes_per_fd", data.kernel_bytes),
    ]
    if any(one.get("load_cpu_ns") is not None for one in data.slices):
        series.append(from_slices(data, "client_cpu_ns_per_event", share_of("load_cpu_ns")))
    if data.cell.open_loop:
        # The plan decides how long a run takes: wall time and throughput say nothing of a side.
        return [one for one in series if one.blocks or one.totals]
    series.append(from_slices(data, "wall_ns_per_event", share_of("wall_ns")))
    if data.unit == "request":
        series.append(from_slices(data, "requests_per_s", _rate))
    if "registered" in data.cell.params:
        watches = float(data.cell.params["registered"])
        per_watch = {
            side: {pair: value / watches for pair, value in pairs.items()}
            for side, pairs in data.setup_ns.items()
        }
        series.append(from_pairs(data, "setup_ns_per_watch", per_watch))
    return [one for one in series if one.blocks or one.totals]


def _checks(data: CellData) -> dict[str, list[Check]]:
    """The self-checks of every side."""
    reference = data.calibration["reference"] if data.calibration else None
    cpu = from_slices(data, "cpu_ns_per_event", cpu_per_operation)
    result: dict[str, list[Check]] = {}
    for side in data.alive():
        label = side.label
        checks = [{"name": "equal work", "state": "passed", "text": "same on all sides"}]
        checks.append(_stationarity(data, label))
        if reference is not None and label != reference:
            checks.append(_independence(cpu, str(reference), label))
        checks.append(_disturbance(data, label))
        checks += [one for one in (_pace(data, label), _client(data, label)) if one is not None]
        result[label] = checks
    return result


def _pace(data: CellData, label: str) -> Check | None:
    """Did the open loop send as planned? None for a closed loop or without latency slices."""
    paces = [
        (one["pace"], one["ops"])
        for one in data.measured("latency", label)
        if one.get("pace") is not None
    ]
    if not paces:
        return None
    operations = sum(ops for _, ops in paces)
    in_time = sum(pace["in_time"] * ops for pace, ops in paces) / operations
    achieved = median([pace["achieved"] for pace, _ in paces])
    kept = in_time >= PACE_LIMIT and achieved >= PACE_LIMIT
    return {
        "name": "kept pace",
        "state": "passed" if kept else "failed",
        "text": (
            f"{'' if kept else 'saturated: '}{100 * achieved:.1f} % of the planned rate sent, "
            f"{100 * in_time:.1f} % of the requests at most 1 ms late"
        ),
        "value": min(in_time, achieved),
    }


def _client(data: CellData, label: str) -> Check | None:
    """Had the client's thread time to spare? None where the load has no thread of its own."""
    shares = [
        one["load_cpu_ns"] / one["wall_ns"]
        for one in data.measured("time", label)
        if one.get("load_cpu_ns") is not None and one["wall_ns"]
    ]
    if not shares or data.cell.open_loop:
        return None
    busy = median(shares)
    return {
        "name": "client headroom",
        "state": "passed" if busy <= CLIENT_LIMIT else "warned",
        "text": f"the client was busy {100 * busy:.0f} % of the time"
        + ("" if busy <= CLIENT_LIMIT else ", so it bounds throughput too: compare CPU time"),
        "value": busy,
    }


def _stationarity(data: CellData, label: str) -> Check:
    reasons = [text for (_, _, name), text in data.drifted.items() if name == label]
    pairs = {one["pair"] for one in data.slices if one["phase"] == "time"}
    share = len(reasons) / len(pairs) if pairs else 0.0
    if share > DROPPED_LIMIT:
        state = "failed"
    else:
        state = "warned" if reasons else "passed"
    text = f"{len(reasons)} of {len(pairs)} pairs dropped"
    return {
        "name": "stationarity",
        "state": state,
        "text": f"{text}: {reasons[0]}" if reasons else text,
        "value": share,
    }


def _independence(cpu: Series, reference: str, label: str) -> Check:
    theirs, mine = cpu.blocks.get(reference, {}), cpu.blocks.get(label, {})
    ratios = [
        block_log_ratios(theirs[pair], mine[pair]) for pair in sorted(set(theirs) & set(mine))
    ]
    correlation = lag1(ratios)
    blocks = sum(map(len, ratios))
    return {
        "name": "independence",
        "state": "passed" if correlation < DEPENDENCE_LIMIT else "warned",
        "text": (
            f"lag-1 autocorrelation {correlation:+.2f}: {blocks} blocks are worth "
            f"{effective_blocks(blocks, correlation):.0f}"
        ),
        "value": correlation,
    }


def _disturbance(data: CellData, label: str) -> Check:
    slices = list(data.measured("time", label))
    marked = disturbed(
        [float(one["wall_ns"]) for one in slices],
        [float(one["steal_ticks"] or 0) * _TICK_NS for one in slices],
        [float(one["ivcsw"] or 0) for one in slices],
    )
    share = sum(marked) / len(marked) if marked else 0.0
    return {
        "name": "disturbance",
        "state": "passed" if share <= 0.1 else "warned",
        "text": f"{sum(marked)} of {len(marked)} slices disturbed; all kept",
        "value": share,
    }


def add_distribution(data: CellData, result: CellRows, phase: str) -> None:
    """Shares of waits by number of events, on the events_per_wait rows."""
    for row in result.rows:
        if row["metric"] != "events_per_wait":
            continue
        sums: list[int] = []
        for one in data.measured(phase, row["side"]):
            batches = one.get("batches") or []
            sums += [0] * (len(batches) - len(sums))
            for index, number in enumerate(batches):
                sums[index] += number
        while sums and not sums[-1]:
            sums.pop()
        if sums:
            row["distribution"] = [number / sum(sums) for number in sums]


def _add_latency(data: CellData, place: Mapping[str, Any], seed: int, result: CellRows) -> None:
    """Quantiles, each only as far into the tail as the number of values carries."""
    counts: dict[str, int] = {}
    for (side, _, kind), histogram in data.histograms.items():
        if kind == "latency":
            counts[side] = counts.get(side, 0) + histogram.count
    for metric, q, compared in _QUANTILES:
        series = from_histograms(data, metric, q, by_slice=compared)
        paces = {side.label: _pace(data, side.label) for side in data.alive()}
        checks = {label: [one] for label, one in paces.items() if one is not None}
        saturated = any(one["state"] == "failed" for one in paces.values() if one is not None)
        analysed = sampled_rows(
            data, place, series, seed, checks, with_ratio=compared and not saturated
        )
        for row in analysed.rows:
            state = tail_state(counts[row["side"]], q)
            row["sparse"] = state == "sparse"
            if state == "blank":
                row.update(value=None, lo=None, hi=None, ratio_to_epoll=None, ratio_lo=None)
                row.update(ratio_hi=None, ratio_to_best_epoll=None)
                row["reason"] = f"{counts[row['side']]} latencies are too few for this quantile"
        result.add(metric, analysed)


def _add_counts(data: CellData, place: Mapping[str, Any], result: CellRows) -> None:
    """System calls and user instructions."""
    calls: dict[str, tuple[float | None, int, str | None]] = {}
    instructions: dict[str, tuple[float | None, int, str | None]] = {}
    for side, counts in data.counts.items():
        for count in counts:
            if count.tool == "tracepoint" and count.name == "total":
                calls[side] = (count.per_operation, len(count.repeats), count.reason)
            if count.tool == "callgrind":
                instructions[side] = (count.per_operation, len(count.repeats), count.reason)
    result.rows += exact_rows(data, place, "syscalls_per_event", calls)
    result.rows += exact_rows(data, place, "user_instr_per_event", instructions)
