# SPDX-License-Identifier: MIT
"""Exact sign-flip test and Holm's correction."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

#: The sums of either half of 36 values fill 2 MiB; finding the exact share takes about 0.1 s.
EXACT_LIMIT = 36
_SAMPLES = 200_000


def sign_flip_p(values: Sequence[float], seed: int = 0) -> float:
    """Two-sided p of "the values scatter symmetrically about 0", statistic: the absolute sum.

    Exact up to 36 values: the share of all 2^n sign patterns whose sum is at least as far from 0.
    Beyond, a seeded sample of patterns with the observed one included. 1.0 for no values.
    """
    data = np.asarray(values, dtype=np.float64)
    count = data.size
    if not count:
        return 1.0
    observed = abs(float(data.sum()))
    # Sums in another order differ in the last bits; a tie must count as "at least as far".
    limit = observed - 1e-12 * float(np.abs(data).sum())
    if limit <= 0:
        return 1.0
    if count > EXACT_LIMIT:
        generator = np.random.default_rng(seed)
        hits = 0
        for _ in range(0, _SAMPLES, 10_000):
            signs = generator.integers(0, 2, size=(10_000, count)) * 2 - 1
            hits += int(np.count_nonzero(np.abs(signs @ data) >= limit))
        return (hits + 1) / (_SAMPLES + 1)
    # Every pattern is one of the first half joined with one of the second, so the patterns beyond
    # the limit are counted by where each sum of one half falls among the sorted ones of the other.
    first, second = _signed_sums(data[: count // 2]), np.sort(_signed_sums(data[count // 2 :]))
    below = np.searchsorted(second, limit - first, side="left")
    # A pattern and its mirror image lie equally far on either side.
    beyond = 2 * int(np.sum(second.size - below))
    return beyond / float(1 << count)


def _signed_sums(data: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """The sums of all sign patterns of the values."""
    sums = np.zeros(1)
    for value in data:
        sums = np.concatenate((sums - value, sums + value))
    return sums


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's step-down corrected p values, in the order given."""
    order = sorted(range(len(p_values)), key=lambda index: p_values[index])
    corrected = [0.0] * len(p_values)
    highest = 0.0
    for rank, index in enumerate(order):
        highest = max(highest, min(1.0, (len(p_values) - rank) * p_values[index]))
        corrected[index] = highest
    return corrected
