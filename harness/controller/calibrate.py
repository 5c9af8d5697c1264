# SPDX-License-Identifier: MIT
"""How many operations a slice has.

All sides of a cell must do equal work, yet their speeds can differ a hundredfold (poll against epoll
on 10,000 idle descriptors). So every side is timed first, and the count is what takes the target
time on the reference unless the slowest side would then exceed its limit. Slices of the faster sides
are shorter in such a cell, at worst by the ratio of the two speeds; the case record says which bound
decided and what each side took.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from harness.protocol import Protocol

#: A trial slice this long times the operation well enough to choose a count.
ENOUGH_NS = 1_500_000
_GROWTH_LIMIT = 32
_OPERATIONS_LIMIT = 1 << 24


def time_operation(run: Callable[[int], int], granule: int) -> float:
    """Wall ns per operation of one side. `run` performs that many operations and returns its ns.

    Starts with one granule and grows at most 32-fold a step, so that a slow side is never asked for
    much more than the time that is enough.
    """
    operations = granule
    while True:
        wall_ns = max(1, run(operations))
        if wall_ns >= ENOUGH_NS or operations >= _OPERATIONS_LIMIT:
            return wall_ns / operations
        growth = min(_GROWTH_LIMIT, 1 + 1.2 * ENOUGH_NS / wall_ns)
        operations = max(operations + granule, int(operations * growth) // granule * granule)


def granule_of(params: Mapping[str, str]) -> int:
    """Operations of one full round; slices hold whole rounds so that batches are not cut short."""
    return max(1, int(params.get("active", "1")), int(params.get("connections", "1")))


def choose_operations(
    ns_per_operation: Mapping[str, float], reference: str, granule: int, protocol: Protocol
) -> tuple[int, str]:
    """Operations of a slice, and which bound decided: "reference" or "slowest"."""
    by_reference = protocol.target_ns / ns_per_operation[reference]
    by_slowest = protocol.limit_ns / max(ns_per_operation.values())
    bound = "reference" if by_reference <= by_slowest else "slowest"
    rounds = max(1, round(min(by_reference, by_slowest) / granule))
    return int(rounds * granule), bound
