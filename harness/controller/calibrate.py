# SPDX-License-Identifier: MIT
"""How many operations a slice has.

The reference (epoll level-triggered, else the first side) is given as many operations as take the
target time, and every other side the same number, so that they can be checked against each other
slice by slice. Speeds can differ a thousandfold, though (poll against epoll on 10,000 idle
descriptors), and one common number would then either run the slow sides for seconds or leave the
fast ones microseconds, in which caches emptied by the other processes are all one sees. A side that
would exceed the limit therefore gets fewer operations, as many as fit the limit; its process first
runs one check slice of the common smallest number, as all do, which must agree to the last byte.
The case record states each side's number.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from harness.protocol import Protocol

#: A trial slice this long times the operation well enough to choose a count.
ENOUGH_NS = 1_500_000
#: Trials that must agree before an operation counts as slow: any one may have been interrupted.
_CONFIRMATIONS = 2
_GROWTH_LIMIT = 32
_OPERATIONS_LIMIT = 1 << 24


def time_operation(run: Callable[[int], int], granule: int) -> float:
    """Wall ns per operation of one side. `run` performs that many operations and returns its ns.

    Starts with one granule and grows at most 32-fold a step, so that a slow side is never asked for
    much more than the time that is enough. Of repeated trials the shortest counts: other processes
    can only add to it.
    """
    operations = granule
    while True:
        wall_ns = max(1, run(operations))
        if wall_ns >= ENOUGH_NS:
            wall_ns = max(1, min(wall_ns, *(run(operations) for _ in range(_CONFIRMATIONS))))
        if wall_ns >= ENOUGH_NS or operations >= _OPERATIONS_LIMIT:
            return wall_ns / operations
        growth = min(_GROWTH_LIMIT, 1 + 1.2 * ENOUGH_NS / wall_ns)
        operations = max(operations + granule, int(operations * growth) // granule * granule)


def granule_of(params: Mapping[str, str]) -> int:
    """Operations of one full round; slices hold whole rounds so that batches are not cut short.

    An open loop has no rounds, and at a low rate a round would take seconds.
    """
    if params.get("mode") == "open":
        return 1
    return max(1, int(params.get("active", "1")), int(params.get("connections", "1")))


def choose_operations(
    ns_per_operation: Mapping[str, float], reference: str, granule: int, protocol: Protocol
) -> dict[str, int]:
    """Operations of a slice of each side."""

    def whole_rounds(operations: float) -> int:
        return max(1, round(operations / granule)) * granule

    common = whole_rounds(protocol.target_ns / ns_per_operation[reference])
    return {
        side: (
            common
            if common * cost <= protocol.limit_ns
            else min(common, whole_rounds(protocol.limit_ns / cost))
        )
        for side, cost in ns_per_operation.items()
    }
