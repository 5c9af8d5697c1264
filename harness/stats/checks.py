# SPDX-License-Identifier: MIT
"""Is the experiment sound? Tests of a process's series and of a pair's blocks."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

#: Spearman's rank correlation of cost against time from which a process counts as drifting.
DRIFT_LIMIT = 0.9
#: Factor between the medians of the halves from which a process counts as drifting.
HALVES_LIMIT = 3.0
#: With fewer slices a rank correlation of 0.9 is too likely by chance.
FEWEST_SLICES = 6
#: Lag-1 autocorrelation of block ratios from which the blocks count as dependent.
DEPENDENCE_LIMIT = 0.5
#: Steal above this share of a slice, or this multiple of the median of involuntary switches.
STEAL_LIMIT = 0.10
SWITCHES_LIMIT = 5.0
#: A quantile is reported with this many values beyond it, and marked sparse from the lower number.
TAIL_ENOUGH, TAIL_SPARSE = 100, 10


def _ranks(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Ranks with ties sharing the mean of their places."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    mean_rank: npt.NDArray[np.float64] = last - (counts - 1) / 2.0
    return mean_rank[inverse]


def spearman(first: Sequence[float], second: Sequence[float]) -> float:
    """Spearman's rank correlation; 0 when either series is constant or has fewer than 2 values."""
    a = np.asarray(first, dtype=np.float64)
    b = np.asarray(second, dtype=np.float64)
    if a.size < 2 or a.size != b.size:
        return 0.0
    a, b = _ranks(a), _ranks(b)
    a, b = a - a.mean(), b - b.mean()
    norm = float(np.sqrt(np.sum(a * a) * np.sum(b * b)))
    return float(np.sum(a * b)) / norm if norm else 0.0


def drift(costs: Sequence[float]) -> str | None:
    """Why the series of one process, in time order, is not stationary; None when it is."""
    if len(costs) < FEWEST_SLICES:
        return None
    correlation = spearman(range(len(costs)), costs)
    if abs(correlation) >= DRIFT_LIMIT:
        return f"cost follows time (rank correlation {correlation:+.2f})"
    half = len(costs) // 2
    early, late = float(np.median(costs[:half])), float(np.median(costs[-half:]))
    if min(early, late) > 0 and max(early, late) / min(early, late) > HALVES_LIMIT:
        return f"cost jumped by {max(early, late) / min(early, late):.1f} between the halves"
    return None


def lag1(series: Sequence[Sequence[float]]) -> float:
    """Lag-1 autocorrelation pooled over pairs, each about its own mean; 0 without two blocks."""
    product = square = 0.0
    for one in series:
        values = np.asarray(one, dtype=np.float64)
        if values.size >= 2:
            values = values - values.mean()
            product += float(np.sum(values[1:] * values[:-1]))
            square += float(np.sum(values * values))
    return product / square if square else 0.0


def effective_blocks(blocks: int, autocorrelation: float) -> float:
    """How many independent blocks the dependent ones are worth."""
    bounded = max(-0.99, min(0.99, autocorrelation))
    return blocks * (1.0 - bounded) / (1.0 + bounded)


def disturbed(
    wall_ns: Sequence[float], steal_ns: Sequence[float], switches: Sequence[float]
) -> list[bool]:
    """Which slices the machine disturbed: steal, or involuntary switches out of line."""
    typical = max(1.0, float(np.median(switches))) if len(switches) else 1.0
    return [
        (wall > 0 and steal > STEAL_LIMIT * wall) or count > SWITCHES_LIMIT * typical
        for wall, steal, count in zip(wall_ns, steal_ns, switches)
    ]


def tail_state(count: int, q: float) -> str:
    """ "enough", "sparse" or "blank" for quantile q of `count` values."""
    beyond = count * (1.0 - q)
    if beyond >= TAIL_ENOUGH * (1 - 1e-9):
        return "enough"
    return "sparse" if beyond >= TAIL_SPARSE * (1 - 1e-9) else "blank"
