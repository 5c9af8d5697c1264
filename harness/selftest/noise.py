# SPDX-License-Identifier: MIT
"""`selftest noise`: the working tree against itself. What could a gate see on this machine?"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from harness.celldata import CellData
from harness.gate.cells import BASE, GateCell
from harness.gate.timing import Timer, builds_of
from harness.names import Variant
from harness.plan import Cell, Side
from harness.stats.bootstrap import POWER_80
from harness.stats.compare import Comparison, compare, percent
from harness.stats.verdict import Evidence, REGRESSED, IMPROVED, judge
from results.identity import derived_seed

#: A band this much wider than the smallest change found 4 times in 5 is crossed by chance so rarely
#: that the gate's other signs need not be the only ones.
_MARGIN = 1.5


@dataclass(frozen=True)
class Noise:
    """One metric of one cell, measured against itself. Percent throughout."""

    case: str
    metric: str
    band: float
    pairs: int
    blocks: int
    estimate: float
    interval: tuple[float, float] | None
    pair_sd: float
    #: Smallest change found 4 times in 5, by number of pairs.
    resolution: dict[int, float]
    proposed: float
    #: What the gate would have said of the identical code.
    state: str
    reason: str | None = None

    @property
    def false_alarm(self) -> bool:
        """Identical code called different."""
        return self.state in (REGRESSED, IMPROVED)

    def fields(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "case": self.case,
            "metric": self.metric,
            "band_percent": self.band,
            "pairs": self.pairs,
            "blocks": self.blocks,
            "estimate_percent": self.estimate,
            "interval_99": None if self.interval is None else list(self.interval),
            "pair_sd_percent": self.pair_sd,
            "resolution_percent": {str(n): value for n, value in self.resolution.items()},
            "proposed_band_percent": self.proposed,
            "state": self.state,
            "reason": self.reason,
        }


def twin_cell(cell: Cell, variant: Variant) -> Cell:
    """The cell with one build entered twice."""
    trigger = cell.sides[0].trigger
    sides = (Side(variant, 1, trigger, BASE), Side(variant, 2, trigger, BASE))
    return replace(cell, sides=sides)


def propose(resolution_percent: float) -> float:
    """A band for a metric that resolves so much, in whole percent, at least 1."""
    return float(max(1, math.ceil(_MARGIN * resolution_percent)))


def of_evidence(evidence: Evidence, seed: int) -> Noise | str:
    """What the evidence of identical sides says, or why it says nothing."""
    if evidence.failure is not None or evidence.blank is not None:
        return str(evidence.failure or evidence.blank)
    comparison = compare(evidence.ratios, seed)
    if comparison is None or comparison.resolution_percent is None:
        return f"only {len(evidence.ratios)} pairs"
    verdict = judge([evidence], 0, seed)[0]
    resolution = {pairs: _resolution(comparison, pairs) for pairs in (5, 10, 20)}
    return Noise(
        evidence.case,
        evidence.metric,
        evidence.band_percent,
        len(evidence.ratios),
        evidence.blocks,
        percent(comparison.estimate),
        comparison.percent_interval(0.99),
        100.0 * float(np.std(evidence.ratios, ddof=1)),
        resolution,
        propose(resolution[10]),
        verdict.state,
        verdict.reason,
    )


def _resolution(comparison: Comparison, pairs: int) -> float:
    """The resolution with another number of pairs: its error falls with the square root."""
    error = comparison.sampled.standard_error() or 0.0
    return percent(POWER_80 * error * math.sqrt(len(comparison.pairs) / pairs))


def measure(
    cells: Sequence[tuple[GateCell, Cell]], timer: Timer, worker: Any
) -> list[Noise | tuple[str, str, str]]:
    """One round of each cell against itself; (case, metric, reason) where nothing came of it."""
    named = {one.name: twin_cell(cell, one.variant) for one, cell in cells}
    builds = builds_of((worker,), (worker,))
    verdicts = timer.round(named, builds, "noise", looks=1)
    found: list[Noise | tuple[str, str, str]] = []
    for verdict in verdicts:
        evidence = verdict.evidence
        noise = of_evidence(evidence, derived_seed(timer.seed, evidence.case, evidence.metric))
        found.append((evidence.case, evidence.metric, noise) if isinstance(noise, str) else noise)
    return found


def bands(found: Sequence[Noise]) -> dict[str, float]:
    """The band of each metric that fits every cell."""
    metrics = {one.metric for one in found}
    return {
        metric: max(one.proposed for one in found if one.metric == metric)
        for metric in sorted(metrics)
    }


def disturbance(data: CellData) -> float:
    """Steal in percent of the wall time of a cell's slices; 0 where the kernel tells none."""
    ticks = sum(float(one.get("steal_ticks") or 0) for one in data.slices)
    wall = sum(float(one["wall_ns"]) for one in data.slices)
    return 100.0 * ticks * 1e7 / wall if wall else 0.0
