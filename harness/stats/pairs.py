# SPDX-License-Identifier: MIT
"""From slices to one number per pair of processes.

A block holds two slices of every side, one in each direction of the block's order, so a drift that is
linear within a block cancels in its log ratio. Blocks of one process share its memory layout and are
not independent; the pair of processes is the unit of analysis, and each pair yields one number.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

#: Values of one side in one pair by block number.
BlockValues = Mapping[int, Sequence[float]]


def block_log_ratios(reference: BlockValues, side: BlockValues) -> list[float]:
    """Per block, in block order: mean log of the side's costs minus mean log of the reference's.

    Blocks that one of the two lacks, or in which a value is not positive, are left out: a logarithm
    of a cost of zero says nothing.
    """
    ratios = []
    for block in sorted(set(reference) & set(side)):
        mine, theirs = side[block], reference[block]
        if mine and theirs and min(mine) > 0 and min(theirs) > 0:
            ratios.append(
                sum(map(math.log, mine)) / len(mine) - sum(map(math.log, theirs)) / len(theirs)
            )
    return ratios


def pair_log_ratio(reference: BlockValues, side: BlockValues) -> float | None:
    """Median of the block log ratios of one pair; None when no block is usable."""
    ratios = block_log_ratios(reference, side)
    return float(np.median(ratios)) if ratios else None


def pair_value(side: BlockValues) -> float | None:
    """Median over all slices of one process; None when there is none."""
    values = [value for block in side.values() for value in block]
    return float(np.median(values)) if values else None


def median(values: Sequence[float]) -> float:
    """Median over pairs. Raises ValueError on an empty sequence."""
    if not len(values):
        raise ValueError("the median of nothing")
    return float(np.median(values))
