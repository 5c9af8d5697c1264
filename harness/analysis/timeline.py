# SPDX-License-Identifier: MIT
"""Change points of a history. Runs of different set-ups are never joined into one stretch."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from harness.environment.collect import differences
from harness.stats.changepoints import Reading, changes
from harness.stats.compare import BANDS
from results import history
from results.history import Entry, History, Series, Value
from results.timeline import Chronicle, Moved, Point, Shown, Step, Timeline

#: Percent of an exact count below which a change does not matter.
COUNT_BAND = 1.0
#: Percent of any other sampled figure.
OTHER_BAND = 10.0


def band(metric: str, exact: bool) -> float:
    """Least change, in percent, that is named."""
    return COUNT_BAND if exact else BANDS.get(metric, OTHER_BAND)


def _shown(run: Entry) -> Shown:
    name = (run.commit.identity or "no commit")[:10] + ("+" if run.commit.dirty else "")
    return Shown(name, run.commit.subject, run.run_id, run.started_at)


def _moved(runs: Sequence[Entry]) -> list[Moved]:
    found = []
    for place in range(1, len(runs)):
        before, after = runs[place - 1], runs[place]
        if before.fingerprint != after.fingerprint:
            lines = differences(before.facts, after.facts)
            found.append(Moved(place, tuple(lines) or ("facts of which the store has no record",)))
    return found


def _stretches(series: Series, runs: Sequence[Entry]) -> list[list[Value]]:
    """Values in a row whose runs have one fingerprint."""
    found: list[list[Value]] = []
    last: str | None = None
    for value in series.values:
        fingerprint = runs[value.run].fingerprint
        if fingerprint != last or not found:
            found.append([])
        found[-1].append(value)
        last = fingerprint
    return found


def _timeline(series: Series, runs: Sequence[Entry]) -> Timeline:
    steps = []
    for stretch in _stretches(series, runs):
        exact = all(value.exact for value in stretch)
        readings = [Reading(value.value, value.lo, value.hi) for value in stretch]
        for one in changes(readings, band(series.metric, exact)):
            grew = one.after > one.before
            worse = None if series.better == "neither" else grew == (series.better == "lower")
            steps.append(
                Step(
                    stretch[one.index].run,
                    one.before,
                    one.after,
                    one.percent,
                    one.p,
                    one.confirmed,
                    worse,
                )
            )
    points = tuple(Point(v.run, v.value, v.lo, v.hi) for v in series.values)
    return Timeline(series.name, series.metric, series.unit, points, tuple(steps))


def chronicle(path: Path) -> Chronicle:
    """The history in a store with its changes. Raises ResultsError.

    Takes about 20 ms a series of 100 runs; series are independent of each other.
    """
    found: History = history.load(path)
    return Chronicle(
        path.name,
        tuple(_shown(run) for run in found.runs),
        tuple(_timeline(series, found.runs) for series in found.series),
        tuple(_moved(found.runs)),
        found.torn,
    )
