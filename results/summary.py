# SPDX-License-Identifier: MIT
"""summary.json: the rows of a run for programs, made of its metric and skip records alone."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from results.reader import Record, ResultFile
from results.version import SUMMARY_SCHEMA, SUMMARY_VERSION

FILE_NAME = "summary.json"

_METRIC_FIELDS = (
    "metric",
    "unit",
    "value",
    "lo",
    "hi",
    "ratio_to_epoll",
    "ratio_lo",
    "ratio_hi",
    "ratio_to_best_epoll",
)


def _params(params: Mapping[str, str]) -> dict[str, str | int]:
    """Parameters as programs want them: whole numbers as numbers."""
    return {
        name: int(value) if value.lstrip("-").isdigit() else value for name, value in params.items()
    }


def _place(record: Record) -> dict[str, Any]:
    return {
        "where": record["where"],
        "kernel": record["kernel"],
        "accel": record["accel"],
        "workload": record["workload"],
        "params": _params(record["params"]),
        "mechanism": record["mechanism"],
        "variant": record["variant"],
    }


def _twin(record: Record) -> str:
    """A variant entered twice is told from its first entry by "#2": names alone would clash."""
    entry = str(record["side"]).rpartition("#")[2] if "#" in str(record["side"]) else ""
    return f"{record['variant']}#{entry}" if entry else str(record["variant"])


def _metric_row(record: Record) -> dict[str, Any]:
    row = {**_place(record), **{name: record[name] for name in _METRIC_FIELDS}}
    row["variant"] = _twin(record)
    known = record["value"] is not None
    row["status"] = "ok" if known else "skipped"
    row["reason"] = None if known else record["reason"]
    return row


def _skip_row(record: Record) -> dict[str, Any]:
    row = {**_place(record), **{name: None for name in _METRIC_FIELDS}}
    row["status"] = "skipped"
    row["reason"] = record["reason"]
    return row


def _floor(records: Iterable[Record]) -> dict[str, Any]:
    """The guest's, which is by instructions of user and kernel, before this machine's."""
    floor: dict[str, Any] = {"instr_per_event": None, "percent_of_cheapest_event": None}
    metrics = [record for record in records if record["record"] == "metric"]
    for record in sorted(metrics, key=lambda one: bool(one["where"] == "guest")):
        if record["metric"] == "floor_instr_per_event":
            floor["instr_per_event"] = record["value"]
        if record["metric"] == "floor_percent_of_cheapest_event":
            floor["percent_of_cheapest_event"] = record["value"]
    return floor


def build(result: ResultFile) -> dict[str, Any]:
    """The summary document of a run, complete or cut short."""
    rows = [
        _metric_row(record) if record["record"] == "metric" else _skip_row(record)
        for record in result.records
        if record["record"] == "skip" or (record["record"] == "metric" and not record["detail"])
    ]
    return {
        "schema": SUMMARY_SCHEMA,
        "schema_version": SUMMARY_VERSION,
        "run_id": result.run_id,
        "rows": rows,
        "floor": _floor(result.records),
    }


def write(document: Mapping[str, Any], directory: Path) -> Path:
    """Writes summary.json whole or not at all; an older one is replaced."""
    path = directory / FILE_NAME
    draft = directory / (FILE_NAME + ".part")
    draft.write_text(json.dumps(document, indent=1, allow_nan=False) + "\n")
    os.replace(draft, path)
    return path
