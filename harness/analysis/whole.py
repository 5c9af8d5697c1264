# SPDX-License-Identifier: MIT
"""What only a whole run can say: verdicts with Holm's correction, slopes, the harness floor."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harness.analysis.cell import CellRows
from harness.analysis.rows import empty_row, exact_rows, no_interval, sampled_rows
from harness.analysis.series import Series
from harness.celldata import CellData
from harness.plan import Side
from harness.stats.compare import BANDS, Comparison, compare, judge, judge_aa, percent
from harness.stats.signflip import holm
from harness.stats.slope import pair_slopes
from results.identity import derived_seed
from results.keys import case_key
from results.metrics import METRICS

_FEWEST_SIZES = 3


@dataclass
class Measured:
    """One finished cell with its records."""

    data: CellData
    rows: CellRows


def _verdict(
    cell: Measured,
    place: Mapping[str, Any],
    side: str,
    reference: str,
    metric: str,
    comparison: Comparison,
    state: str,
    reason: str | None,
) -> dict[str, Any]:
    limits = {
        str(round(100 * level)): comparison.percent_interval(level) for level in (0.90, 0.95, 0.99)
    }
    blocks = cell.rows.series[metric].block_count(side) if metric in cell.rows.series else 0
    return {
        **place,
        "case_key": cell.data.case_keys[side],
        "side": side,
        "reference": reference,
        "metric": metric,
        "estimate_percent": percent(comparison.estimate),
        "intervals": {name: None if item is None else list(item) for name, item in limits.items()},
        "p": comparison.p,
        "holm_p": None,
        "pairs": len(comparison.pairs),
        "blocks": blocks,
        "band_percent": BANDS[metric],
        "resolution_percent": comparison.resolution_percent,
        "resampled_percent": comparison.resampled_percent(),
        "state": state,
        "checks": _failed_checks(cell, side),
        "confirmed_by": None,
        "reason": reason,
    }


def _failed_checks(cell: Measured, side: str) -> list[dict[str, Any]]:
    for row in cell.rows.rows:
        if row["side"] == side and row["metric"] == "cpu_ns_per_event":
            return [check for check in row["checks"] if check["state"] != "passed"]
    return []


def verdicts(cells: Sequence[Measured], place: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Every variant against epoll in its trigger mode, corrected over the whole run.

    A side with a failed self-check is invalid, whatever its figures say.
    """
    found = []
    for cell in cells:
        for (metric, side, reference), comparison in cell.rows.comparisons.items():
            if metric not in BANDS or cell.data.cell.purpose != "headline":
                continue
            state, reason = judge(comparison, BANDS[metric]), None
            failed = [one for one in _failed_checks(cell, side) if one["state"] == "failed"]
            if failed:
                state, reason = "invalid", str(failed[0]["text"])
            elif state == "inconclusive" and comparison.resolution_percent is None:
                reason = f"only {len(comparison.pairs)} pairs"
            found.append(_verdict(cell, place, side, reference, metric, comparison, state, reason))
    return _corrected(found)


def _corrected(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    for record, corrected in zip(found, holm([record["p"] for record in found])):
        record["holm_p"] = corrected
    return found


def control_verdicts(
    cells: Sequence[Measured], place: Mapping[str, Any], seed: int
) -> list[dict[str, Any]]:
    """Every twin against its first entry: the A/A control."""
    found = []
    for cell in cells:
        for side in cell.data.alive():
            first = Side(side.variant).label
            if side.entry == 1 or first in cell.data.lost:
                continue
            for metric in ("cpu_ns_per_event", "wall_ns_per_event"):
                series = cell.rows.series.get(metric)
                if series is None:
                    continue
                ratios = list(series.log_ratios(first, side.label).values())
                key = cell.data.case_keys[side.label]
                comparison = compare(ratios, derived_seed(seed, key, side.label, metric, "aa"))
                if comparison is None:
                    continue
                state, reason = judge_aa(comparison, BANDS[metric])
                found.append(
                    _verdict(cell, place, side.label, first, metric, comparison, state, reason)
                )
    return _corrected(found)


def slopes(cells: Sequence[Measured], place: Mapping[str, Any], seed: int) -> list[dict[str, Any]]:
    """CPU time per event against registered descriptors, where three sizes or more were measured."""
    groups: dict[tuple[str, tuple[tuple[str, str], ...]], list[Measured]] = {}
    for cell in cells:
        params = cell.data.cell.params
        if "registered" in params and "cpu_ns_per_event" in cell.rows.series:
            rest = tuple(sorted((n, v) for n, v in params.items() if n not in ("registered",)))
            groups.setdefault((cell.data.cell.workload, rest), []).append(cell)
    records = []
    for (workload, rest), members in groups.items():
        if len(members) >= _FEWEST_SIZES:
            records += _slope_group(workload, dict(rest), members, place, seed)
    return records


def _slope_group(
    workload: str,
    params: dict[str, str],
    members: Sequence[Measured],
    place: Mapping[str, Any],
    seed: int,
) -> list[dict[str, Any]]:
    largest = max(members, key=lambda one: int(one.data.cell.params["registered"]))
    series = Series("cpu_ns_per_registered")
    used: dict[str, list[int]] = {}
    sides = {side.label: side for one in members for side in one.data.alive()}
    for label in sides:
        costs: dict[float, list[float | None]] = {}
        for one in members:
            found = one.rows.series["cpu_ns_per_event"].pair_values(label)
            if found:
                size = float(one.data.cell.params["registered"])
                costs[size] = [found.get(pair) for pair in range(max(found) + 1)]
        if len(costs) >= _FEWEST_SIZES:
            series.totals[label] = dict(enumerate(pair_slopes(costs)))
            used[label] = sorted(int(size) for size in costs)
    synthetic = CellData(largest.data.cell)
    synthetic.case_keys = {
        label: case_key(workload, side.variant.mechanism, side.variant.variant, params)
        for label, side in sides.items()
    }
    synthetic.cell = type(largest.data.cell)(
        workload,
        params,
        "scaling",
        False,
        False,
        largest.data.cell.protocol,
        tuple(sides[label] for label in series.totals if series.totals[label]),
    )
    records = sampled_rows(synthetic, place, series, seed, {}, with_ratio=False).rows
    label_of = {key: label for label, key in synthetic.case_keys.items()}
    for record in records:
        sizes = used.get(label_of[record["case_key"]], [])
        record["basis"] = f"least squares over {', '.join(map(str, sizes))} registered"
    return records


def _cheapest(
    cells: Sequence[Measured], floor_cell: Measured, metric: str
) -> dict[str, Any] | None:
    """The cheapest event of the cell whose loop the null adapter ran, checks apart."""
    mine = {**floor_cell.data.cell.params, "checks": ""}
    found = [
        row
        for cell in cells
        for row in cell.rows.rows
        if row["metric"] == metric
        and row["value"]
        and row["mechanism"] != "null"
        and row["workload"] == floor_cell.data.cell.workload
        and row["purpose"] == "headline"
        and {**row["params"], "checks": ""} == mine
    ]
    return min(found, key=lambda row: (row["value"], row["case_key"])) if found else None


def floor(cells: Sequence[Measured], place: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What the harness costs by itself, against the cheapest event it measured.

    By instructions where user and kernel instructions are known, else by CPU time of the same run;
    the record's basis says which. The null adapter runs alone there, so the figure is not paired.
    """
    records: list[dict[str, Any]] = []
    best: tuple[float, Measured, dict[str, Any], str] | None = None
    for cell in cells:
        if cell.data.cell.purpose != "floor":
            continue
        for metric in ("instr_per_event", "cpu_ns_per_event"):
            cheapest = _cheapest(cells, cell, metric)
            mine = [row for row in cell.rows.rows if row["metric"] == metric and row["value"]]
            if cheapest is None or not mine:
                continue
            basis = "instructions" if metric == "instr_per_event" else "CPU time in the same run"
            text = f"by {basis}, against {cheapest['case_key']}"
            if best is None or cheapest["value"] < best[0]:
                best = (float(cheapest["value"]), cell, mine[0], text)
            break
    if best is None:
        return records
    cheapest_cost, cell, row, text = best
    side = cell.data.alive()[0]
    share = empty_row(cell.data, place, side, "floor_percent_of_cheapest_event")
    share.update(value=100.0 * row["value"] / cheapest_cost, reason=None, basis=text)
    share["interval"] = no_interval("a ratio of two cells, which are not paired")
    records.append(share)
    for metric in ("instr_per_event", "user_instr_per_event"):
        for one in cell.rows.rows:
            if one["metric"] == metric and one["value"] is not None:
                basis = f"null adapter, {METRICS[metric].title}"
                found = {side.label: (one["value"], int(one["interval"]["n"]), basis)}
                return records + exact_rows(cell.data, place, "floor_instr_per_event", found)
    return records
