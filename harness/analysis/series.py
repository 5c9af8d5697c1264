# SPDX-License-Identifier: MIT
"""From slices to values by side, pair and block."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from harness.celldata import CellData
from harness.stats.pairs import pair_log_ratio, pair_value
from results.metrics import cost

Extract = Callable[[dict[str, Any]], "float | None"]


@dataclass
class Series:
    """The values of one metric in one cell.

    `blocks` holds side -> pair -> block -> values and gives block ratios; metrics that exist only
    per process leave it empty and fill `totals` (side -> pair -> value) instead.
    """

    metric: str
    blocks: dict[str, dict[int, dict[int, list[float]]]] = field(default_factory=dict)
    totals: dict[str, dict[int, float]] = field(default_factory=dict)

    def pair_values(self, side: str) -> dict[int, float]:
        """One value a pair: the process's total where there is one, else the median of slices."""
        if side in self.totals:
            return dict(self.totals[side])
        found = {
            pair: pair_value(blocks) for pair, blocks in sorted(self.blocks.get(side, {}).items())
        }
        return {pair: value for pair, value in found.items() if value is not None}

    def log_ratios(self, reference: str, side: str) -> dict[int, float]:
        """Log cost ratio of side over reference for each pair that both have."""
        if self.blocks.get(side) and self.blocks.get(reference):
            return self._block_ratios(reference, side)
        mine, theirs = self.pair_values(side), self.pair_values(reference)
        ratios = {}
        for pair in sorted(set(mine) & set(theirs)):
            if mine[pair] > 0 and theirs[pair] > 0:
                ratios[pair] = math.log(cost(self.metric, mine[pair])) - math.log(
                    cost(self.metric, theirs[pair])
                )
        return ratios

    def _block_ratios(self, reference: str, side: str) -> dict[int, float]:
        ratios = {}
        for pair in sorted(set(self.blocks[side]) & set(self.blocks[reference])):
            found = pair_log_ratio(
                self._costs(self.blocks[reference][pair]), self._costs(self.blocks[side][pair])
            )
            if found is not None:
                ratios[pair] = found
        return ratios

    def _costs(self, blocks: dict[int, list[float]]) -> dict[int, list[float]]:
        return {
            block: [cost(self.metric, value) for value in values if value > 0]
            for block, values in blocks.items()
        }

    def block_count(self, side: str) -> int:
        """Blocks that entered."""
        return sum(len(blocks) for blocks in self.blocks.get(side, {}).values())


def from_slices(data: CellData, metric: str, extract: Extract, phase: str = "time") -> Series:
    """A value per slice."""
    series = Series(metric)
    for side in data.alive():
        pairs: dict[int, dict[int, list[float]]] = {}
        for one in data.measured(phase, side.label):
            value = extract(one)
            if value is not None:
                pairs.setdefault(one["pair"], {}).setdefault(one["block"], []).append(value)
        if pairs:
            series.blocks[side.label] = pairs
    return series


def from_totals(
    data: CellData, metric: str, above: Extract, below: Extract, phase: str = "time"
) -> Series:
    """A ratio of sums per process: for counts too small or too uneven to divide slice by slice."""
    series = Series(metric)
    for side in data.alive():
        sums: dict[int, list[float]] = {}
        for one in data.measured(phase, side.label):
            top, bottom = above(one), below(one)
            if top is not None and bottom is not None:
                pair = sums.setdefault(one["pair"], [0.0, 0.0])
                pair[0] += top
                pair[1] += bottom
        found = {pair: top / bottom for pair, (top, bottom) in sums.items() if bottom > 0}
        if found:
            series.totals[side.label] = found
    return series


def from_pairs(
    data: CellData, metric: str, values: dict[str, dict[int, float]], phase: str = "time"
) -> Series:
    """Values that each process gave once, drifting processes left out."""
    series = Series(metric)
    for side in data.alive():
        found = {
            pair: value
            for pair, value in values.get(side.label, {}).items()
            if (phase, pair, side.label) not in data.drifted
        }
        if found:
            series.totals[side.label] = found
    return series


def from_histograms(data: CellData, metric: str, q: float, by_slice: bool) -> Series:
    """Quantiles: of each process's whole histogram, and of each slice for the block ratios."""
    series = Series(metric)
    for (side, pair, kind), histogram in sorted(data.histograms.items()):
        value = histogram.quantile(q)
        if kind == "latency" and value is not None and side not in data.lost:
            series.totals.setdefault(side, {})[pair] = float(value)
    if not by_slice:
        return series
    for (side, pair, block), histograms in sorted(data.slice_histograms.items()):
        values = [float(found) for one in histograms if (found := one.quantile(q))]
        if side not in data.lost and values:
            series.blocks.setdefault(side, {}).setdefault(pair, {})[block] = values
    return series
