# SPDX-License-Identifier: MIT
"""Metric records: value, interval, ratios, and the checks behind them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from harness.analysis.series import Series
from harness.celldata import CellData
from harness.names import reference
from harness.plan import Side
from harness.stats.bootstrap import FEWEST_PAIRS, RESAMPLES, bootstrap_median
from harness.stats.compare import Comparison, compare
from harness.stats.pairs import median
from results.identity import derived_seed
from results.metrics import METRICS, cost

Check = dict[str, Any]


def no_interval(reason: str, n: int = 0) -> dict[str, Any]:
    """The interval field of a value without limits."""
    return {"kind": "none", "level": None, "n": n, "n_unit": "pairs", "reason": reason}


def exact_interval(repeats: int) -> dict[str, Any]:
    """The interval field of a count."""
    return {"kind": "exact", "level": None, "n": repeats, "n_unit": "repeats", "reason": None}


def sampled_interval(level: float, pairs: int) -> dict[str, Any]:
    """The interval field of a bootstrapped median; none with too few pairs."""
    if pairs < FEWEST_PAIRS:
        return no_interval(f"{pairs} usable pairs, an interval needs {FEWEST_PAIRS}", pairs)
    return {
        "kind": "bootstrap-percentile",
        "level": level,
        "n": pairs,
        "n_unit": "pairs",
        "resamples": RESAMPLES,
        "reason": None,
    }


def empty_row(
    data: CellData, place: Mapping[str, Any], side: Side, metric: str, reason: str | None = None
) -> dict[str, Any]:
    """A metric record with nothing but its names."""
    declared = METRICS[metric]
    why = reason or "not measured"
    return {
        **place,
        "case_key": data.case_keys[side.label],
        "side": side.label,
        "workload": data.cell.workload,
        "params": data.cell.params,
        "mechanism": side.variant.mechanism,
        "variant": side.variant.variant,
        "metric": metric,
        "unit": declared.unit,
        "better": declared.better,
        "value": None,
        "lo": None,
        "hi": None,
        "interval": no_interval(why),
        "ratio_to_epoll": None,
        "ratio_lo": None,
        "ratio_hi": None,
        "ratio_interval": no_interval(why),
        "reference": None,
        "ratio_to_best_epoll": None,
        "best_epoll": None,
        "resolution_percent": None,
        "pair_values": [],
        "pair_ratios": [],
        "pairs": 0,
        "dropped_pairs": 0,
        "blocks": 0,
        "checks": [],
        "detail": declared.detail,
        "purpose": data.cell.purpose,
        "sparse": False,
        "distribution": None,
        "basis": None,
        "reason": why,
    }


def reference_of(data: CellData, side: Side) -> str | None:
    """Label of the epoll side this one is divided by, None without epoll in the cell."""
    present = {one.variant for one in data.alive() if one.entry == 1}
    found = reference(side.trigger, present)
    return None if found is None else found.name


def best_epoll(data: CellData, metric: str, values: Mapping[str, float]) -> str | None:
    """Label of epoll's cheapest side for this metric."""
    costs = {
        side.label: cost(metric, values[side.label])
        for side in data.alive()
        if side.variant.mechanism == "epoll"
        and side.entry == 1
        and values.get(side.label, 0.0) > 0.0
    }
    return min(costs, key=lambda label: costs[label]) if costs else None


@dataclass
class Analysed:
    """The rows of one metric in one cell, and the comparisons behind their ratios."""

    rows: list[dict[str, Any]]
    #: (side, reference) -> comparison.
    comparisons: dict[tuple[str, str], Comparison]


def sampled_rows(
    data: CellData,
    place: Mapping[str, Any],
    series: Series,
    seed: int,
    checks: Mapping[str, list[Check]],
    with_ratio: bool = True,
) -> Analysed:
    """One record a side for a metric that is sampled over pairs."""
    level = data.cell.protocol.level
    values = {side.label: series.pair_values(side.label) for side in data.alive()}
    medians = {label: median(list(found.values())) for label, found in values.items() if found}
    best = best_epoll(data, series.metric, medians)
    result = Analysed([], {})
    for side in data.alive():
        label = side.label
        if label not in medians:
            continue
        row = empty_row(data, place, side, series.metric)
        found = list(values[label].values())
        row_seed = derived_seed(seed, data.case_keys[label], label, series.metric)
        limits = bootstrap_median(found, row_seed).interval(level)
        row.update(
            value=medians[label],
            lo=None if limits is None else limits[0],
            hi=None if limits is None else limits[1],
            interval=sampled_interval(level, len(found)),
            pair_values=found,
            pairs=len(found),
            dropped_pairs=sum(1 for _, _, name in data.drifted if name == label),
            blocks=series.block_count(label),
            checks=list(checks.get(label, [])),
            reason=None,
        )
        if with_ratio:
            _add_ratio(data, row, side, series, row_seed, result)
            _add_best(row, label, series, best)
        else:
            row["ratio_interval"] = no_interval("this figure is reported, not compared")
        result.rows.append(row)
    return result


def _add_ratio(
    data: CellData,
    row: dict[str, Any],
    side: Side,
    series: Series,
    seed: int,
    result: Analysed,
) -> None:
    """The cost ratio to epoll in the same trigger mode."""
    divisor = reference_of(data, side)
    row["reference"] = divisor
    if divisor is None:
        row["ratio_interval"] = no_interval("epoll is not part of this run")
        return
    if divisor == side.label:
        row.update(ratio_to_epoll=1.0, ratio_lo=1.0, ratio_hi=1.0)
        row["ratio_interval"] = {**exact_interval(0), "reason": "the reference itself"}
        return
    ratios = list(series.log_ratios(divisor, side.label).values())
    comparison = compare(ratios, seed)
    if comparison is None:
        row["ratio_interval"] = no_interval("a cost of zero has no ratio")
        return
    limits = comparison.ratio_interval(data.cell.protocol.level)
    row.update(
        ratio_to_epoll=math.exp(comparison.estimate),
        ratio_lo=None if limits is None else limits[0],
        ratio_hi=None if limits is None else limits[1],
        ratio_interval=sampled_interval(data.cell.protocol.level, len(ratios)),
        resolution_percent=comparison.resolution_percent,
        pair_ratios=[math.exp(value) for value in ratios],
    )
    result.comparisons[(side.label, divisor)] = comparison


def _add_best(row: dict[str, Any], label: str, series: Series, best: str | None) -> None:
    """The cost ratio to epoll's cheapest variant."""
    row["best_epoll"] = best
    if best == label:
        row["ratio_to_best_epoll"] = 1.0
    elif best is not None:
        ratios = list(series.log_ratios(best, label).values())
        row["ratio_to_best_epoll"] = math.exp(median(ratios)) if ratios else None


def exact_rows(
    data: CellData,
    place: Mapping[str, Any],
    metric: str,
    found: Mapping[str, tuple[float | None, int, str | None]],
) -> list[dict[str, Any]]:
    """One record a side for a count. `found`: label -> (value or None, repeats, reason or basis)."""
    known = {label: value for label, (value, _, _) in found.items() if value is not None}
    best = best_epoll(data, metric, known)
    rows = []
    for side in data.alive():
        if side.label not in found:
            continue
        value, repeats, remark = found[side.label]
        row = empty_row(data, place, side, metric, remark)
        if value is not None:
            row.update(value=value, lo=value, hi=value, interval=exact_interval(repeats))
            row.update(reason=None, basis=remark, reference=reference_of(data, side))
            _exact_ratios(row, metric, known, best, repeats)
        rows.append(row)
    return rows


def _exact_ratios(
    row: dict[str, Any], metric: str, known: Mapping[str, float], best: str | None, repeats: int
) -> None:
    value, divisor = row["value"], row["reference"]
    if divisor is None:
        row["ratio_interval"] = no_interval("epoll is not part of this run")
    elif not value or not known.get(divisor):
        row["ratio_interval"] = no_interval("a cost of zero has no ratio")
    else:
        ratio = cost(metric, value) / cost(metric, known[divisor])
        row.update(ratio_to_epoll=ratio, ratio_lo=ratio, ratio_hi=ratio)
        row["ratio_interval"] = exact_interval(repeats)
    row["best_epoll"] = best
    if best is not None and value:
        row["ratio_to_best_epoll"] = cost(metric, value) / cost(metric, known[best])
