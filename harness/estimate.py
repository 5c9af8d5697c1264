# SPDX-License-Identifier: MIT
"""How long a plan takes, for --dry-run and the progress line.

A model, not a promise: constants are round figures of small machines, and a cell whose sides differ
widely has shorter slices on the faster ones than assumed here.
"""

from __future__ import annotations

from harness.plan import EXTERNAL, OPEN_LATENCY_SLICES, WEB_2006, Cell, Plan, cpus

START_S = 0.012
"""Starting, opening and ending one worker with few descriptors."""
PER_DESCRIPTOR_S = 6e-6
"""Opening and closing one descriptor with its watch."""
CALLGRIND_S = 2.5
"""One instruction count."""
LOAD_POINT_S = 0.35
"""One load point of httperf in the quick profile, server start included."""
CLOSED_LOOP_S = 1.3
"""One load point of wrk in the quick profile."""
HEADROOM_POINTS = 8
"""Load points in search of the client's ceiling."""
WEB_POINT_S = 1.0
"""One load point of our own generator in the quick profile, server start included."""
REPORT_S = 15.0


def cell_seconds(cell: Cell) -> float:
    """Seconds for all sides of one cell."""
    plan = cell.protocol
    sides = len(cell.sides)
    if cell.workload == EXTERNAL:
        points = plan.pairs * sides + HEADROOM_POINTS
        return points * LOAD_POINT_S + sides * CLOSED_LOOP_S
    if cell.workload == WEB_2006:
        return (plan.pairs + 1) * sides * WEB_POINT_S
    start = START_S + PER_DESCRIPTOR_S * int(cell.params.get("registered", "1"))
    slice_s = plan.target_ns / 1e9
    seconds = plan.pairs * sides * (start + slice_s * (plan.warmup_slices + 2 * plan.blocks))
    if cell.latency:
        slices = 1 + 2 * plan.latency_blocks
        length = slice_s * (OPEN_LATENCY_SLICES if cell.open_loop else 1)
        seconds += plan.latency_pairs * sides * (start + length * slices)
    seconds += sides * (start + plan.count_repeats * 0.02)
    if cell.instructions:
        seconds += sides * CALLGRIND_S / min(2, cpus())
    return seconds


def plan_seconds(plan: Plan) -> float:
    """Seconds for the whole run with its report."""
    return sum(cell_seconds(cell) for cell in plan.cells) + REPORT_S


def duration_text(seconds: float) -> str:
    """For people: "45 s", "3 min 20 s", "2 h 5 min"."""
    whole = int(round(seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"
