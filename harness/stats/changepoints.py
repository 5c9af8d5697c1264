# SPDX-License-Identifier: MIT
"""Where a series changed: E-divisive (Matteson and James 2014), then a second look at each point.

The energy statistic of a split says how much further apart values of the two sides are than values
of the same side; it asks nothing of their distribution. The best split of any stretch is taken as
long as a permutation test of that stretch says that chance rarely gives one as good; each half is
then searched in turn. Since one odd value can win such a test, every point found is looked at again
by what the series itself states: intervals of the values around it, and a least size.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from harness.stats.pairs import median

#: Values a stretch has at least: one spike, or two, are not a change.
SEGMENT = 3
#: Values on either side from which a point counts as confirmed; until then it is young.
ENOUGH = 10
PERMUTATIONS = 999
#: Lenient, since a step that a later one undoes is hard to see at first; the second look is strict.
SIGNIFICANT = 0.05
_SEED = 20_060_411


@dataclass(frozen=True)
class Reading:
    """One value of a series with its interval; a count is its own."""

    value: float
    lo: float | None = None
    hi: float | None = None


@dataclass(frozen=True)
class Change:
    """From the reading at `index` on, the series is another. `percent` is of the median before.

    `confirmed` is False while either side has too few readings to be sure.
    """

    index: int
    before: float
    after: float
    percent: float
    p: float
    confirmed: bool


def _distances(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    found: npt.NDArray[np.float64] = np.abs(values[:, None] - values[None, :])
    return found


def _statistics(distances: npt.NDArray[np.float64], segment: int) -> npt.NDArray[np.float64]:
    """The scaled energy statistic of each split that leaves `segment` values on either side."""
    count = distances.shape[0]
    total = np.zeros((count + 1, count + 1))
    total[1:, 1:] = distances.cumsum(axis=0).cumsum(axis=1)
    splits = np.arange(segment, count - segment + 1)
    left = total[splits, splits]
    across = total[splits, count] - left
    right = total[count, count] - left - 2 * across
    n, m = splits.astype(np.float64), count - splits.astype(np.float64)
    within = left / (n * np.maximum(n - 1, 1)) + right / (m * np.maximum(m - 1, 1))
    energy: npt.NDArray[np.float64] = n * m / (n + m) * (2 * across / (n * m) - within)
    return energy


def best_split(values: Sequence[float], segment: int = SEGMENT) -> tuple[int, float]:
    """Index at which the second part begins, and the statistic; (0, 0.0) where none is possible."""
    if len(values) < 2 * segment:
        return 0, 0.0
    found = _statistics(_distances(np.asarray(values, dtype=np.float64)), segment)
    index = int(np.argmax(found))
    return index + segment, float(found[index])


def permutation_p(values: Sequence[float], observed: float, seed: int, segment: int) -> float:
    """Share of random orders of the values, this one among them, that split as well."""
    distances = _distances(np.asarray(values, dtype=np.float64))
    generator = np.random.default_rng(seed)
    limit = observed * (1 - 1e-12)
    hits = 0
    for drawn in range(1, PERMUTATIONS + 1):
        order = generator.permutation(len(values))
        hits += bool(np.max(_statistics(distances[np.ix_(order, order)], segment)) >= limit)
        # No result of the rest could bring it below the level any more.
        if hits + 1 > SIGNIFICANT * (PERMUTATIONS + 1):
            return max((hits + 1) / (drawn + 1), 2 * SIGNIFICANT)
    return (hits + 1) / (PERMUTATIONS + 1)


def divide(
    values: Sequence[float], seed: int = _SEED, segment: int = SEGMENT
) -> list[tuple[int, float]]:
    """(index, p) of every split found, by index. The same values give the same answer."""
    found: list[tuple[int, float]] = []
    stretches = [(0, len(values))]
    while stretches:
        start, end = stretches.pop()
        part = values[start:end]
        index, statistic = best_split(part, segment)
        if not index or statistic <= 0:
            continue
        p = permutation_p(part, statistic, seed, segment)
        if p <= SIGNIFICANT:
            found.append((start + index, p))
            stretches += [(start, start + index), (start + index, end)]
    return sorted(found)


def _typical(side: Sequence[Reading]) -> tuple[float, float]:
    """Medians of the lower and upper limits; a reading without an interval is its own."""
    return (
        median([one.value if one.lo is None else one.lo for one in side]),
        median([one.value if one.hi is None else one.hi for one in side]),
    )


def _apart(before: Sequence[Reading], after: Sequence[Reading]) -> bool:
    """Whether the typical intervals of two stretches exclude each other."""
    first, second = _typical(before), _typical(after)
    return first[1] < second[0] or second[1] < first[0]


def changes(readings: Sequence[Reading], band_percent: float, seed: int = _SEED) -> list[Change]:
    """The changes of a series that stand up to a second look.

    A point is kept when the stretches on its sides differ by more than `band_percent` of the median
    before and their typical intervals exclude each other. A point that falls joins its stretches,
    and the others are looked at anew.
    """
    points = divide([one.value for one in readings], seed)
    while True:
        edges = [0, *(index for index, _ in points), len(readings)]
        found = []
        for number, (index, p) in enumerate(points):
            before = readings[edges[number] : index]
            after = readings[index : edges[number + 2]]
            first, second = (median([one.value for one in side]) for side in (before, after))
            percent = 100.0 * (second - first) / abs(first) if first else float("inf")
            if abs(percent) <= band_percent or not _apart(before, after):
                break
            sure = min(len(before), len(after)) >= ENOUGH
            found.append(Change(index, first, second, percent, p, sure))
        else:
            return found
        del points[number]
