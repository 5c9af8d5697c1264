# SPDX-License-Identifier: MIT
"""`perf stat -j`: one JSON object a line, an event each."""

from __future__ import annotations

from typing import Any

from results.errors import ResultsError
from results.importers.imported import (
    Counted,
    Figure,
    Imported,
    Options,
    name_of,
    number,
    parse_json,
)

#: Events that are a metric once divided by the operations; the last column is a factor to its unit.
_METRICS = {
    "instructions:u": ("user_instr_per_event", 1.0),
    "instructions": ("instr_per_event", 1.0),
    "raw_syscalls:sys_enter": ("syscalls_per_event", 1.0),
    "context-switches": ("ctxsw_per_event", 1.0),
    "task-clock": ("cpu_ns_per_event", 1e6),
}


def load(text: str, options: Options) -> Imported:
    """Counts of events. What perf did not support or count is null with perf's own words.

    With the number of operations given, events that this project has a metric for are divided by it.
    """
    counts, figures = [], []
    for line in text.splitlines():
        # perf puts its notices before the objects, and a blank line after them.
        if not line.strip() or line.startswith("#"):
            continue
        entry = parse_json(line, "a line of perf stat -j")
        if not isinstance(entry, dict) or "event" not in entry or "counter-value" not in entry:
            raise ResultsError("a line is no event of perf stat -j")
        event = name_of(entry["event"], "an event")
        counted = _count(entry, event, options)
        counts.append(counted)
        if counted.value is not None and options.operations and event in _METRICS:
            metric, factor = _METRICS[event]
            figures.append(
                Figure(options.case, metric, counted.value * factor / options.operations)
            )
    if not counts:
        raise ResultsError("no line is an event of perf stat -j")
    return Imported(tuple(figures), tuple(counts))


def _count(entry: dict[str, Any], event: str, options: Options) -> Counted:
    said = str(entry["counter-value"])
    if said.startswith("<"):
        return Counted(options.case, "perf", event, None, reason=f"perf: {said.strip('<>')}")
    return Counted(options.case, "perf", event, number(said, event))
