# SPDX-License-Identifier: MIT
"""How much is measured: pairs, blocks, slice lengths. The report states what is set here."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from harness.stats.bootstrap import RESAMPLES


@dataclass(frozen=True)
class Protocol:
    """The repetition plan of one cell.

    A block runs every side once in random order and once in the reverse of it. Sides run the number
    of operations a slice that takes `target_ns` on the reference; one that would need more than
    `limit_ns` for it runs as many as fit.
    """

    pairs: int
    blocks: int
    warmup_slices: int = 2
    target_ns: int = 12_000_000
    limit_ns: int = 24_000_000
    #: Drifting pairs are replaced, at most this many in a cell.
    spare_pairs: int = 2
    latency_pairs: int = 8
    latency_blocks: int = 1
    count_repeats: int = 2
    level: float = 0.95

    def fields(self) -> dict[str, Any]:
        """For the run record."""
        return {**asdict(self), "resamples": RESAMPLES}


#: Latency: enough operations for p99 where one takes some 35 us.
QUICK = Protocol(pairs=8, blocks=4, latency_blocks=2)
#: A cell that only supports a curve: intervals as everywhere, fewer blocks.
QUICK_SCALING = Protocol(pairs=8, blocks=1, warmup_slices=1, spare_pairs=0)
FULL = Protocol(pairs=10, blocks=12, latency_pairs=10, latency_blocks=10)
FULL_SCALING = Protocol(pairs=10, blocks=4, latency_pairs=10, latency_blocks=2)
#: Identical code against itself: the length from which the resolution of a machine was learned.
CONTROL = FULL
