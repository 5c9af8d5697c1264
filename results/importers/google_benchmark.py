# SPDX-License-Identifier: MIT
"""Google Benchmark's JSON (--benchmark_format=json), with or without repetitions."""

from __future__ import annotations

import statistics
from typing import Any

from results.errors import ResultsError
from results.importers.imported import Figure, Imported, Options, name_of, number, parse_json

_NS = {"ns": 1.0, "us": 1e3, "ms": 1e6, "s": 1e9}
_FIELDS = (("real_time", "wall_ns_per_event"), ("cpu_time", "cpu_ns_per_event"))


def load(text: str, options: Options) -> Imported:
    """Times of every benchmark; the median over its repetitions where there are several.

    Aggregates are left out where repetitions are there, since they say the same again; a file that
    holds aggregates alone gives its medians, else its means. Complexity fits are no times.
    """
    document = parse_json(text, "a Google Benchmark result")
    if not isinstance(document, dict) or not isinstance(document.get("benchmarks"), list):
        raise ResultsError("this is no Google Benchmark result: it has no list of benchmarks")
    single: dict[tuple[str, str], list[float]] = {}
    aggregated: dict[tuple[str, str], dict[str, float]] = {}
    notes = []
    for entry in document["benchmarks"]:
        if not isinstance(entry, dict):
            raise ResultsError("an entry of benchmarks is no object")
        name = name_of(entry.get("run_name") or entry.get("name"), "a benchmark")
        if entry.get("error_occurred"):
            notes.append(f"{name}: {str(entry.get('error_message'))[:200]}")
            continue
        for metric, value in _times(entry, name):
            if entry.get("run_type") == "aggregate":
                kind = str(entry.get("aggregate_name"))
                aggregated.setdefault((name, metric), {})[kind] = value
            else:
                single.setdefault((name, metric), []).append(value)
    figures = [
        Figure(name, metric, statistics.median(values), tuple(values))
        for (name, metric), values in single.items()
    ]
    for (name, metric), found in aggregated.items():
        best = next((one for one in ("median", "mean") if one in found), None)
        if (name, metric) not in single and best is not None:
            figures.append(Figure(name, metric, found[best]))
    return Imported(tuple(figures), notes=tuple(notes))


def _times(entry: dict[str, Any], name: str) -> list[tuple[str, float]]:
    if entry.get("run_type") == "aggregate" and entry.get("aggregate_unit") == "percentage":
        return []
    unit = entry.get("time_unit", "ns")
    if unit not in _NS:
        # Fits of complexity carry no unit of time.
        return []
    return [
        (metric, number(entry[field], f"{name} {field}") * _NS[unit])
        for field, metric in _FIELDS
        if field in entry
    ]
