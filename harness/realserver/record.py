# SPDX-License-Identifier: MIT
"""Records of one cell: the server's instructions a request, replies, errors, and their ratio."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from typing import Any

from harness.analysis.cell import CellRows
from harness.analysis.rows import empty_row, exact_rows, no_interval
from harness.analysis.whole import Measured
from harness.celldata import CellData, Count
from harness.controller.recorder import Recorder
from harness.plan import Cell, Side
from harness.realserver.observed import Batch, Served
from harness.realserver.plan import requests_of
from results.keys import case_key

_BASIS = "emulated, counted by the guest's own clock; the server's processes alone"
_REPORTED = "this figure is reported, not compared"
_EMULATED = "not judged: emulated"
_NO_USER = (
    "not counted apart: the emulated processor has no counters, and under callgrind the server "
    "would meet its events at other times"
)


def record_cell(
    cell: Cell,
    seen: Mapping[str, Sequence[Served]],
    lost: Mapping[str, tuple[str, str]],
    recorder: Recorder,
) -> Measured:
    """Writes what the boots of each side gave. `lost`: side -> kind of skip and reason."""
    data = CellData(cell, unit="request")
    requests = requests_of(cell.params)
    for side in cell.sides:
        label, variant = side.label, side.variant
        if label in lost:
            kind, reason = lost[label]
            data.lost[label] = reason
            recorder.skip(cell.workload, cell.params, variant, kind, reason, "load")
            continue
        data.operations[label] = requests
        data.case_keys[label] = case_key(
            cell.workload, variant.mechanism, variant.variant, cell.params
        )
        recorder.case(data, side, None)
        repeats = [float(batch.instructions) for batch in _batches(seen[label])]
        count = Count("icount", "instructions", requests, repeats)
        data.counts[label] = [count]
        recorder.count(data, label, count)
    rows = CellRows(_rows(data, seen, recorder.place, requests))
    for row in rows.rows:
        recorder.writer.append("metric", row)
    return Measured(data, rows)


def _batches(boots: Sequence[Served]) -> list[Batch]:
    return [batch for served in boots for batch in served.counted]


def _rows(
    data: CellData,
    seen: Mapping[str, Sequence[Served]],
    place: Mapping[str, Any],
    requests: int,
) -> list[dict[str, Any]]:
    counted = {}
    by_boot: dict[str, list[float]] = {}
    for side in data.alive():
        boots = seen[side.label]
        costs = [batch.instructions / requests for batch in _batches(boots)]
        by_boot[side.label] = [
            statistics.median(batch.instructions / requests for batch in served.counted)
            for served in boots
        ]
        counted[side.label] = (statistics.median(costs), len(costs), _basis(costs, len(boots)))
    rows = exact_rows(data, place, "instr_per_request", counted)
    for row in rows:
        mine, theirs = by_boot[row["side"]], by_boot.get(row["reference"] or "", [])
        row["pair_values"] = mine
        row["pair_ratios"] = [one / other for one, other in zip(mine, theirs)]
        row["checks"] = [_check(_batches(seen[row["side"]]), data.cell)]
    for side in data.alive():
        batches = _batches(seen[side.label])
        # httperf tells milliseconds, and a batch may take ten: only the sum is precise.
        speed = _total(batches, "replies") / _total(batches, "duration_s")
        rows += [
            _reported(data, place, side, "requests_per_s", speed, _EMULATED),
            _reported(data, place, side, "replies", _total(batches, "replies")),
            _reported(data, place, side, "errors", _total(batches, "error_total")),
            empty_row(data, place, side, "user_instr_per_request", _NO_USER),
        ]
    return rows


def _basis(costs: Sequence[float], boots: int) -> str:
    low, middle, high = statistics.quantiles(costs, n=4)
    return (
        f"{_BASIS}; {len(costs)} batches of {boots} boots, half of them within "
        f"{100 * (high - low) / middle:.1f} %"
    )


def _total(batches: Sequence[Batch], name: str) -> float:
    return float(sum(getattr(batch.report, name) or 0 for batch in batches))


def _check(batches: Sequence[Batch], cell: Cell) -> dict[str, str]:
    """What was found equal; what was not has lost its side before."""
    replies, errors = _total(batches, "replies"), _total(batches, "error_total")
    return {
        "name": "equal work",
        "state": "passed",
        "text": f"{replies:.0f} replies, {errors:.0f} errors, every body of {cell.params['body']} "
        "bytes, the page itself compared before and after the load",
    }


def _reported(
    data: CellData,
    place: Mapping[str, Any],
    side: Side,
    metric: str,
    value: float,
    why: str = _REPORTED,
) -> dict[str, Any]:
    row = empty_row(data, place, side, metric)
    row.update(value=value, reason=None, interval=no_interval(why), ratio_interval=no_interval(why))
    return row
