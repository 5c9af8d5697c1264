# SPDX-License-Identifier: MIT
"""Percentile bootstrap of a median over pairs, and what a comparison could have seen."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

RESAMPLES = 10_000
#: Below this many pairs the interval covers too rarely and is not printed.
FEWEST_PAIRS = 8
#: Effect over standard error that a two-sided test at 5 % finds 4 times in 5: 1.96 + 0.84.
POWER_80 = 2.80


@dataclass(frozen=True)
class Bootstrap:
    """The medians of all resamples, sorted. Empty when there were too few pairs."""

    medians: npt.NDArray[np.float64]
    pairs: int

    def interval(self, level: float) -> tuple[float, float] | None:
        """Lower and upper percentile limit; None when there were too few pairs."""
        if not self.medians.size:
            return None
        tail = (1.0 - level) / 2.0
        low, high = np.quantile(self.medians, [tail, 1.0 - tail])
        return float(low), float(high)

    def standard_error(self) -> float | None:
        """Standard deviation of the medians; None when there were too few pairs."""
        return float(np.std(self.medians, ddof=1)) if self.medians.size else None


def bootstrap_median(
    values: Sequence[float], seed: int, resamples: int = RESAMPLES, fewest: int = FEWEST_PAIRS
) -> Bootstrap:
    """Resamples the pairs with replacement. The same values and seed give the same result.

    Costs about 10 ms for 10 pairs and 10,000 resamples.
    """
    data = np.asarray(values, dtype=np.float64)
    if data.size < fewest:
        return Bootstrap(np.empty(0), int(data.size))
    generator = np.random.default_rng(seed)
    drawn = generator.integers(0, data.size, size=(resamples, data.size))
    return Bootstrap(np.sort(np.median(data[drawn], axis=1)), int(data.size))


def resolution_percent(log_ratios: Bootstrap) -> float | None:
    """The smallest change that such a comparison finds 4 times in 5, in percent of cost.

    None when there were too few pairs to tell.
    """
    error = log_ratios.standard_error()
    return None if error is None else 100.0 * math.expm1(POWER_80 * error)
