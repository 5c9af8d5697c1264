# SPDX-License-Identifier: MIT
"""One comparison of two interleaved sides: estimate, intervals, p, resolution, state.

Two rules turn a comparison into a word. Between mechanisms (`judge`): a difference is declared when
the 95 % interval excludes it, the sign-flip test agrees, and the estimate exceeds both the band and
what this comparison could have seen; "equivalent" needs the 90 % interval inside the band (two
one-sided tests). Everything else is inconclusive, never "same". Identical code against itself
(`judge_aa`) is the control: the 99 % interval must contain no difference and be narrower than the
band.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from harness.stats.bootstrap import RESAMPLES, Bootstrap, bootstrap_median, resolution_percent
from harness.stats.pairs import median
from harness.stats.signflip import sign_flip_p

#: Percent of cost below which a difference does not matter, by metric.
BANDS: dict[str, float] = {
    "cpu_ns_per_event": 3.0,
    "wall_ns_per_event": 10.0,
    "p50_ns": 5.0,
    "p99_ns": 15.0,
}
SIGNIFICANT = 0.05
#: Stored of each bootstrap: every 2.5 %.
DRAWN_QUANTILES = 41


def percent(log_ratio: float) -> float:
    """A log ratio of costs as percent; plus is dearer."""
    return 100.0 * math.expm1(log_ratio)


@dataclass(frozen=True)
class Comparison:
    """Log cost ratios of the pairs and what follows from them. Limits are log ratios."""

    pairs: tuple[float, ...]
    estimate: float
    sampled: Bootstrap
    p: float
    resolution_percent: float | None

    def ratio_interval(self, level: float = 0.95) -> tuple[float, float] | None:
        """Interval of the cost ratio itself; None with too few pairs."""
        limits = self.sampled.interval(level)
        return None if limits is None else (math.exp(limits[0]), math.exp(limits[1]))

    def percent_interval(self, level: float) -> tuple[float, float] | None:
        """Interval in percent; None with too few pairs."""
        limits = self.sampled.interval(level)
        return None if limits is None else (percent(limits[0]), percent(limits[1]))

    def resampled_percent(self) -> list[float]:
        """The bootstrap's distribution as quantiles in even steps, for drawing; may be empty."""
        medians = self.sampled.medians
        if not medians.size:
            return []
        steps = np.linspace(0.0, 1.0, DRAWN_QUANTILES)
        return [round(percent(float(one)), 4) for one in np.quantile(medians, steps)]


def compare(
    log_ratios: Sequence[float], seed: int, resamples: int = RESAMPLES
) -> Comparison | None:
    """The comparison made of one log ratio a pair; None without any."""
    if not log_ratios:
        return None
    sampled = bootstrap_median(log_ratios, seed, resamples)
    return Comparison(
        tuple(log_ratios),
        median(log_ratios),
        sampled,
        sign_flip_p(log_ratios, seed),
        resolution_percent(sampled),
    )


def judge(comparison: Comparison, band_percent: float) -> str:
    """ "cheaper", "dearer", "equivalent" or "inconclusive"; plus is dearer."""
    limits = comparison.percent_interval(0.95)
    inner = comparison.percent_interval(0.90)
    if limits is None or inner is None or comparison.resolution_percent is None:
        return "inconclusive"
    band = math.log1p(band_percent / 100.0)
    needed = max(band, math.log1p(comparison.resolution_percent / 100.0))
    apart = (limits[0] > 0 or limits[1] < 0) and comparison.p < SIGNIFICANT
    if apart and abs(comparison.estimate) > needed:
        return "dearer" if comparison.estimate > 0 else "cheaper"
    if percent(-band) < inner[0] and inner[1] < band_percent:
        return "equivalent"
    return "inconclusive"


def judge_aa(comparison: Comparison, band_percent: float) -> tuple[str, str]:
    """State and reason of a control: "equivalent" when sound, "invalid" when declared different,
    "inconclusive" when it could not have seen a difference of the band's size.
    """
    limits = comparison.sampled.interval(0.99)
    if limits is None or comparison.resolution_percent is None:
        return "inconclusive", f"only {len(comparison.pairs)} pairs"
    if judge(comparison, band_percent) in ("cheaper", "dearer"):
        return "invalid", f"identical sides differ by {percent(comparison.estimate):+.1f} %"
    seen = f"no difference shown; could have seen {comparison.resolution_percent:.1f} %"
    if (limits[1] - limits[0]) / 2 >= math.log1p(band_percent / 100.0):
        return "inconclusive", f"{seen}, more than the band of {band_percent:g} %"
    return "equivalent", seen
