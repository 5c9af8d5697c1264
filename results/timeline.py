# SPDX-License-Identifier: MIT
"""A history made ready to be drawn and listed: points in order, changes, changed surroundings."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Shown:
    """A run as people know it: its commit, shortened, marked where the tree had changes."""

    label: str
    subject: str
    run_id: str
    started_at: str


@dataclass(frozen=True)
class Point:
    """A figure of the run at `place` in the order of the history."""

    place: int
    value: float
    lo: float | None
    hi: float | None


@dataclass(frozen=True)
class Step:
    """A change that begins with the run at `place`; `worse` is None where neither way is."""

    place: int
    before: float
    after: float
    percent: float
    p: float
    confirmed: bool
    worse: bool | None

    @property
    def size(self) -> float:
        """Percent without its sign; a change from zero comes before all others."""
        return abs(self.percent) if math.isfinite(self.percent) else 1e9


@dataclass(frozen=True)
class Timeline:
    """One metric of one side in one cell at one place."""

    name: str
    metric: str
    unit: str
    points: tuple[Point, ...]
    steps: tuple[Step, ...]

    @property
    def rank(self) -> tuple[object, ...]:
        """Order of series: the largest change for the worse first, then others, then names."""
        worse = max((one.size for one in self.steps if one.worse), default=0.0)
        other = max((one.size for one in self.steps), default=0.0)
        return (-worse, -other, self.name, self.metric)


@dataclass(frozen=True)
class Moved:
    """From the run at `place` on the environment is another; `differences` a line a fact."""

    place: int
    differences: tuple[str, ...]


@dataclass(frozen=True)
class Chronicle:
    """A whole history."""

    store: str
    runs: tuple[Shown, ...]
    timelines: tuple[Timeline, ...]
    moved: tuple[Moved, ...]
    torn: int = 0
