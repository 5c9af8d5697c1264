# SPDX-License-Identifier: MIT
"""Rows of the gate as verdict records of results.jsonl."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.celldata import CellData
from harness.gate.cells import BASE, CHANGE
from harness.gate.rows import SKIPPED, Row, Stage
from harness.stats.verdict import INCONCLUSIVE


def _band(row: Row) -> float | None:
    """The percent of a band's text."""
    head = row.band.split(" ")[0]
    try:
        return float(head)
    except ValueError:
        return None


def verdict_fields(
    stage: Stage, row: Row, place: Mapping[str, Any], data: Mapping[str, CellData]
) -> dict[str, Any]:
    """The fields of the record. Counts and skipped rows have neither interval nor pairs."""
    found = data.get(row.case)
    keys = found.case_keys if found is not None else {}
    return {
        **place,
        "case_key": next(iter(keys.values()), row.case),
        "case": row.case,
        "stage": stage.number,
        "side": CHANGE,
        "reference": BASE,
        "metric": row.metric,
        "estimate_percent": row.percent,
        "intervals": {"99": None if row.interval is None else list(row.interval)},
        "p": None,
        "holm_p": row.holm_p,
        "pairs": row.pairs,
        "blocks": 0,
        "band_percent": _band(row),
        "resolution_percent": row.resolution_percent,
        "base_value": row.base,
        "change_value": row.change,
        "state": INCONCLUSIVE if row.state == SKIPPED else row.state,
        "checks": list(row.checks),
        "confirmed_by": row.confirmed_by,
        "excuse": row.excuse,
        "reason": row.reason,
    }
