# SPDX-License-Identifier: MIT
"""Google Benchmark's JSON, which its compare.py and other tools read."""

from __future__ import annotations

import json
from typing import Any

from results.errors import ResultsError
from results.reader import Record, ResultFile

_FIELDS = {"wall_ns_per_event": "real_time", "cpu_ns_per_event": "cpu_time"}


def dump(result: ResultFile) -> str:
    """One entry for each pair of processes, so that a U test has its repetitions.

    Where only one of the two times is known it stands for both, as compare.py needs both. Raises
    ResultsError for a run without times.
    """
    found: dict[str, dict[str, Record]] = {}
    for record in result.of("metric"):
        if record["metric"] in _FIELDS and record["value"] is not None:
            name = str(record["case_key"])
            name += "#" + record["side"].rpartition("#")[2] if "#" in record["side"] else ""
            found.setdefault(name, {})[_FIELDS[record["metric"]]] = record
    if not found:
        raise ResultsError(
            f"{result.path} holds no times: Google Benchmark's format has only those"
        )
    entries = [entry for name, times in found.items() for entry in _entries(name, times)]
    document = {
        "context": {
            "date": result.run.get("started_at"),
            "executable": "kevbench",
            "num_cpus": 0,
            "mhz_per_cpu": 0,
            "cpu_scaling_enabled": False,
            "caches": [],
            "library_build_type": "release",
            "kevbench_run_id": result.run_id,
        },
        "benchmarks": entries,
    }
    return json.dumps(document, indent=1, allow_nan=False) + "\n"


def _values(record: Record) -> list[float]:
    kept = [float(value) for value in record["pair_values"] if value is not None]
    return kept or [float(record["value"])]


def _entries(name: str, times: dict[str, Record]) -> list[dict[str, Any]]:
    series = {field: _values(record) for field, record in times.items()}
    # A pair that drifted is missing from one series as from the other; lengths still may differ.
    number = min(len(values) for values in series.values())
    entries = []
    for index in range(number):
        either = next(iter(series.values()))[index]
        entries.append(
            {
                "name": name,
                "run_name": name,
                "run_type": "iteration",
                "repetitions": number,
                "repetition_index": index,
                "threads": 1,
                "iterations": 1,
                "real_time": series.get("real_time", [either] * number)[index],
                "cpu_time": series.get("cpu_time", [either] * number)[index],
                "time_unit": "ns",
            }
        )
    return entries
