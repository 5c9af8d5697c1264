# SPDX-License-Identifier: MIT
"""What the load generators reach alone.

A figure about a server means something only as long as the client could have offered more. The
null server has no event mechanism and tries every socket in turn, so the rate it is loaded with is
the nearest to the client's own ceiling that can be had on a machine. It is a lower bound: the null
server, too, costs CPU, and it spins, so it needs a processor of its own.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from harness.load.point import LoadPoint, Status

HEADROOM = 2.0
"""How far above the fastest server the client's ceiling must lie."""


@dataclasses.dataclass(frozen=True, slots=True)
class Ceiling:
    """The highest load that was kept up, and all that was tried."""

    replies_per_s: float
    points: tuple[LoadPoint, ...]

    def has_headroom(self, server_replies_per_s: float) -> bool:
        """True if a server this fast was not limited by the client."""
        return self.replies_per_s >= HEADROOM * server_replies_per_s


def search_ceiling(
    offer: Callable[[float], LoadPoint], start: float, steps: int = 12, closeness: float = 0.1
) -> Ceiling:
    """Doubles the rate until a point is not valid, then halves the gap.

    `offer(rate)` measures one point. At most `steps` points are measured; the search ends early
    when the gap is below `closeness` of the rate. The ceiling is 0 when not even `start` was valid.
    """
    points: list[LoadPoint] = []
    good, bad, reached = 0.0, 0.0, 0.0
    rate = start
    while len(points) < steps and not (bad and bad - good <= closeness * bad):
        point = offer(rate)
        points.append(point)
        if point.status is Status.VALID:
            good = rate
            reached = max(reached, point.replies_per_s or 0.0)
        else:
            bad = rate
            if good == 0.0:
                break
        rate = (good + bad) / 2 if bad else 2 * good
    return Ceiling(reached, tuple(points))
