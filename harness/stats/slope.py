# SPDX-License-Identifier: MIT
"""Least-squares slope of a cost against a size."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np


def slope(sizes: Sequence[float], costs: Sequence[float]) -> float:
    """Slope of the straight line through the points. Raises ValueError for fewer than two sizes."""
    x = np.asarray(sizes, dtype=np.float64)
    y = np.asarray(costs, dtype=np.float64)
    spread = float(np.sum((x - x.mean()) ** 2)) if x.size else 0.0
    if x.size != y.size or spread == 0.0:
        raise ValueError("a slope needs the costs of two sizes at least")
    return float(np.sum((x - x.mean()) * (y - y.mean())) / spread)


def pair_slopes(costs: Mapping[float, Sequence[float | None]]) -> list[float]:
    """One slope for each pair number, from the costs by size and pair number.

    Processes of different sizes are independent of one another, so joining them by pair number is
    as good as any pairing; a pair that lacks a size is left out.
    """
    sizes = sorted(costs)
    if len(sizes) < 2:
        return []
    slopes = []
    for pair in range(min(len(costs[size]) for size in sizes)):
        found = [costs[size][pair] for size in sizes]
        known = [value for value in found if value is not None]
        if len(known) == len(sizes):
            slopes.append(slope(sizes, known))
    return slopes
