# SPDX-License-Identifier: MIT
"""The result of offering one load to a server, whichever tool offered it."""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Mapping, Sequence
from typing import Any


class Loop(enum.Enum):
    """How the generator decides when to send."""

    OPEN = "open"  # by a plan, whatever the server does
    CLOSED = "closed"  # after the previous reply: gives saturation throughput only


class Status(enum.Enum):
    """Whether a point may be compared, worst last."""

    VALID = "valid"
    SATURATED = "saturated"  # the server did not keep up; throughput counts, latency does not
    CLIENT_LIMITED = "client_limited"  # the generator did not keep up; says nothing of the server
    INVALID = "invalid"  # the output contradicts itself, or nothing was measured


_SEVERITY = list(Status)


@dataclasses.dataclass(frozen=True, slots=True)
class Latency:
    """Quantiles in nanoseconds, counted from the intended send time."""

    p50_ns: int
    p99_ns: int
    p999_ns: int | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class RawOutput:
    """What one process printed, kept as it was."""

    argv: tuple[str, ...]
    exit_status: int
    stdout: str
    stderr: str


@dataclasses.dataclass(frozen=True, slots=True)
class LoadPoint:
    """One load point. Rates are requests or replies per second; times are seconds."""

    tool: str
    loop: Loop
    connections: int
    """Connections opened in all (httperf) or held open (wrk)."""
    rate_requested: float | None
    """None for a closed loop, which has no intended rate."""
    rate_achieved: float | None
    """Requests the generator sent a second while it was sending; None if unknown."""
    replies: int
    replies_per_s: float | None
    duration_s: float | None
    errors: Mapping[str, int]
    """By the tool's own names, zero counts included."""
    status: Status
    reason: str
    """Empty when valid, else one line."""
    latency: Latency | None = None
    """Only from generators that count from the intended send time; httperf and wrk do not."""
    latency_note: str = ""
    """Why there is no latency, where that needs saying."""
    raw: tuple[RawOutput, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The point as plain data, without the raw output."""
        return {
            "tool": self.tool,
            "loop": self.loop.value,
            "measures": "saturation throughput" if self.loop is Loop.CLOSED else "rate",
            "connections": self.connections,
            "rate_requested": self.rate_requested,
            "rate_achieved": self.rate_achieved,
            "replies": self.replies,
            "replies_per_s": self.replies_per_s,
            "duration_s": self.duration_s,
            "errors": dict(self.errors),
            "status": self.status.value,
            "reason": self.reason,
            "latency": None if self.latency is None else dataclasses.asdict(self.latency),
            "latency_note": self.latency_note,
        }


def worst(points: Sequence[LoadPoint]) -> LoadPoint:
    """The point whose status forbids most; the first of equals. `points` is not empty."""
    return max(points, key=lambda point: _SEVERITY.index(point.status))


def _sum(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) if len(known) == len(values) else None


def combine(points: Sequence[LoadPoint]) -> LoadPoint:
    """One point from processes that loaded the same server at the same time.

    Counts and rates add up; the duration is the longest; the status is the worst of all. Quantiles
    cannot be added, so there is no latency. Raises ValueError without points.
    """
    if not points:
        raise ValueError("no load points to combine")
    if len(points) == 1:
        return points[0]
    culprit = worst(points)
    names = sorted({name for point in points for name in point.errors})
    durations = [point.duration_s for point in points if point.duration_s is not None]
    return LoadPoint(
        tool=points[0].tool,
        loop=points[0].loop,
        connections=sum(point.connections for point in points),
        rate_requested=_sum([point.rate_requested for point in points]),
        rate_achieved=_sum([point.rate_achieved for point in points]),
        replies=sum(point.replies for point in points),
        replies_per_s=_sum([point.replies_per_s for point in points]),
        duration_s=max(durations, default=None),
        errors={name: sum(point.errors.get(name, 0) for point in points) for name in names},
        status=culprit.status,
        reason=culprit.reason,
        latency_note=f"not mergeable: {points[0].tool} keeps no distribution",
        raw=tuple(output for point in points for output in point.raw),
    )
