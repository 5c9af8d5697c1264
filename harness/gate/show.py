# SPDX-License-Identifier: MIT
"""How the gate reads: one line a stage, one a row, words and not colours."""

from __future__ import annotations

from collections.abc import Sequence

from harness.gate.rows import Row, Stage, worst
from harness.stats.verdict import EQUIVALENT, IMPROVED, INCONCLUSIVE, INVALID, REGRESSED
from harness.textfigure import figure
from results.metrics import METRICS

_SIGNS = {REGRESSED: "!!", INVALID: "??", INCONCLUSIVE: " ?", IMPROVED: "++", EQUIVALENT: "ok"}


def row_lines(row: Row) -> list[str]:
    """One line with the figures, and indented ones with what else there is to say."""
    metric = METRICS.get(row.metric)
    parts = [f"  {_SIGNS.get(row.state, '--')} {row.case} {row.metric}: {row.state}"]
    if row.base is not None and row.change is not None:
        unit = f" {metric.unit}" if metric else ""
        parts.append(f"{figure(row.base)} -> {figure(row.change)}{unit}")
    if row.percent is not None:
        parts.append(f"({row.percent:+.2f} %, band {row.band})")
    if row.interval is not None:
        parts.append(f"99 % interval {row.interval[0]:+.2f} to {row.interval[1]:+.2f} %")
    if row.resolution_percent is not None:
        parts.append(f"could have seen {row.resolution_percent:.1f} %")
    lines = [" ".join(parts)]
    for text in (row.reason, row.excuse and f"let pass, {row.excuse}"):
        if text and text not in lines[0]:
            lines.append(f"       {text}")
    if row.state == REGRESSED and row.confirmed_by not in (None, "exact"):
        lines.append(f"       confirmed by {row.confirmed_by}")
    lines += [f"       {line}" for line in row.details]
    lines += [
        f"       {check['name']}: {check['text']}"
        for check in row.checks
        if check["state"] == "warned"
    ]
    return lines


def stage_lines(stage: Stage) -> list[str]:
    """The stage with its verdict, then its rows."""
    note = f" ({stage.note})" if stage.note else ""
    lines = [f"stage {stage.number} {stage.name}: {stage.state}{note}, {stage.seconds:.0f} s"]
    for row in stage.rows:
        lines += row_lines(row)
    return lines


def last_line(stages: Sequence[Stage]) -> str:
    """The verdict of the whole."""
    state = worst(stage.state for stage in stages)
    rows = [row for stage in stages for row in stage.rows if row.counted == state]
    of = (
        f": {rows[0].case} {rows[0].metric}" if rows and state not in (EQUIVALENT, IMPROVED) else ""
    )
    more = f" and {len(rows) - 1} more" if of and len(rows) > 1 else ""
    return f"gate: {state}{of}{more}"
