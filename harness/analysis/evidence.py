# SPDX-License-Identifier: MIT
"""From slice records to evidence: pair ratios and self-checks of a base and a change.

Pure functions over the fields of slice records, as the controller collects them and results.jsonl
stores them. Nothing is deleted in silence: what is left out is counted in a check.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from harness.controller.equalwork import unequal_work
from harness.stats import checks
from harness.stats.compare import BANDS
from harness.stats.pairs import block_log_ratios
from harness.stats.verdict import Check, Evidence

Slice = Mapping[str, Any]
#: side -> pair -> block -> values.
Blocks = dict[str, dict[int, dict[int, list[float]]]]

#: Share of dropped pairs, or of blocks without a cost, above which a row is void.
LOST_LIMIT = 0.20
#: A slice shorter than this many steps of the clock says nothing.
CLOCK_STEPS = 10_000
#: Share of the planned rate, and of sends in time, below which an open loop counts as saturated.
PACE_LIMIT = 0.99
#: The check that more pairs can still pass.
STATIONARITY = "stationarity"
_DISTURBED_LIMIT = 0.10
_TICK_NS = 1e9 / os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Sides:
    """Labels of what is compared; `control` is a second entry of the base."""

    base: str
    change: str
    control: str | None = None

    @property
    def all(self) -> tuple[str, ...]:
        """Every label."""
        return (self.base, self.change, *([self.control] if self.control else []))


@dataclass(frozen=True)
class Rule:
    """How one metric is read and what change of it matters."""

    metric: str
    phase: str
    read: Callable[[Slice], float | None]
    band_percent: float
    #: The quantile, for a metric that is one.
    quantile: float | None = None


def _cpu(one: Slice) -> float | None:
    if one.get("cpu_user_ns") is None or one.get("cpu_sys_ns") is None:
        return None
    return float(one["cpu_user_ns"] + one["cpu_sys_ns"]) / float(one["ops"])


def _wall(one: Slice) -> float | None:
    return float(one["wall_ns"]) / float(one["ops"])


def _stored(name: str) -> Callable[[Slice], float | None]:
    return lambda one: None if one.get(name) is None else float(one[name])


def rules(bands: Mapping[str, float] | None = None) -> tuple[Rule, ...]:
    """The rules of the time stages; `bands` replaces single bands, in percent."""
    limits = {**BANDS, **(bands or {})}
    return (
        Rule("cpu_ns_per_event", "time", _cpu, limits["cpu_ns_per_event"]),
        Rule("wall_ns_per_event", "time", _wall, limits["wall_ns_per_event"]),
        Rule("p50_ns", "latency", _stored("p50_ns"), limits["p50_ns"], 0.5),
        Rule("p99_ns", "latency", _stored("p99_ns"), limits["p99_ns"], 0.99),
    )


def examine(
    case: str,
    slices: Sequence[Slice],
    sides: Sides,
    rule: Rule,
    clock_ns: float = 1.0,
) -> Evidence:
    """Evidence of one metric of one case; `clock_ns` is the resolution of the clock."""
    mine = [one for one in slices if one["phase"] == rule.phase and one["side"] in sides.all]
    measured = [one for one in mine if not one["warmup"]]
    empty = Evidence(case, rule.metric, rule.band_percent, ())
    if not measured:
        return _with(empty, blank="not measured")
    found = [_equal_work(mine), _timer(measured, clock_ns)]
    drifting = _drifting(measured, sides)
    found.append(_stationarity(drifting, {one["pair"] for one in measured}))
    found.append(_disturbance(measured))
    pace = _pace(measured)
    if pace is not None:
        found.append(pace)
    values = _values(measured, rule, drifting)
    ratios, blocks, lost = _ratios(values, sides.base, sides.change)
    found.append(_costs(blocks, lost))
    found.append(_independence(ratios))
    control = None
    if sides.control is not None:
        control = tuple(map(_median, _ratios(values, sides.base, sides.control)[0]))
    return Evidence(
        case,
        rule.metric,
        rule.band_percent,
        tuple(map(_median, ratios)),
        control,
        _typical(values, sides.base),
        _typical(values, sides.change),
        blocks,
        len({pair for pair, _ in drifting}),
        tuple(found),
        _thin_tail(measured, sides, rule),
    )


def _with(evidence: Evidence, blank: str) -> Evidence:
    return Evidence(evidence.case, evidence.metric, evidence.band_percent, (), blank=blank)


def _median(values: Sequence[float]) -> float:
    return float(np.median(values))


def _typical(values: Blocks, side: str) -> float | None:
    """Median over pairs of the medians of slices, in the metric's unit."""
    pairs = [
        _median([value for block in blocks.values() for value in block])
        for blocks in values.get(side, {}).values()
        if blocks
    ]
    return _median(pairs) if pairs else None


def _drifting(measured: Sequence[Slice], sides: Sides) -> dict[tuple[int, str], str]:
    """(pair, side) whose CPU time is not stationary, with the reason."""
    series: dict[tuple[int, str], list[float]] = {}
    for one in measured:
        cost = _cpu(one)
        if cost is not None:
            series.setdefault((one["pair"], one["side"]), []).append(cost)
    found = {}
    for place, costs in series.items():
        reason = checks.drift(costs)
        if reason is not None:
            found[place] = f"{place[1]} in pair {place[0]}: {reason}"
    return found


def _values(measured: Sequence[Slice], rule: Rule, drifting: Iterable[tuple[int, str]]) -> Blocks:
    """Values by side, pair and block. A pair in which any side drifted is dropped whole."""
    dropped = {pair for pair, _ in drifting}
    values: Blocks = {}
    for one in measured:
        value = rule.read(one)
        if one["pair"] not in dropped and value is not None:
            pairs = values.setdefault(one["side"], {})
            pairs.setdefault(one["pair"], {}).setdefault(one["block"], []).append(value)
    return values


def _ratios(values: Blocks, base: str, other: str) -> tuple[list[list[float]], int, int]:
    """Block ratios of each pair, how many blocks gave one, and how many gave none."""
    theirs, mine = values.get(base, {}), values.get(other, {})
    ratios, used, lost = [], 0, 0
    for pair in sorted(set(theirs) & set(mine)):
        found = block_log_ratios(theirs[pair], mine[pair])
        used += len(found)
        lost += len(set(theirs[pair]) | set(mine[pair])) - len(found)
        if found:
            ratios.append(found)
    return ratios, used, lost


def _check(name: str, failed: bool, text: str, value: float | None, state: str = "failed") -> Check:
    return {"name": name, "state": state if failed else "passed", "text": text, "value": value}


def _equal_work(mine: Sequence[Slice]) -> Check:
    difference = unequal_work(dict(one) for one in mine)
    return _check("equal work", difference is not None, difference or "same on all sides", None)


def _timer(measured: Sequence[Slice], clock_ns: float) -> Check:
    shortest = min(float(one["wall_ns"]) for one in measured)
    steps = shortest / clock_ns if clock_ns > 0 else float("inf")
    text = f"the shortest slice took {shortest / 1e6:.2f} ms, the clock steps {clock_ns:g} ns"
    return _check("timer", steps < CLOCK_STEPS, text, None)


def _stationarity(drifting: Mapping[tuple[int, str], str], pairs: set[int]) -> Check:
    dropped = {pair for pair, _ in drifting}
    share = len(dropped) / len(pairs) if pairs else 0.0
    text = f"{len(dropped)} of {len(pairs)} pairs dropped"
    if drifting:
        text = f"{text}: {next(iter(drifting.values()))}"
    state = "failed" if share > LOST_LIMIT else "warned"
    return _check(STATIONARITY, bool(drifting), text, share, state)


def _disturbance(measured: Sequence[Slice]) -> Check:
    marked = checks.disturbed(
        [float(one["wall_ns"]) for one in measured],
        [float(one.get("steal_ticks") or 0) * _TICK_NS for one in measured],
        [float(one.get("ivcsw") or 0) for one in measured],
    )
    share = sum(marked) / len(marked)
    text = f"{sum(marked)} of {len(marked)} slices disturbed; all kept"
    return _check("disturbance", share > _DISTURBED_LIMIT, text, share, "warned")


def _pace(measured: Sequence[Slice]) -> Check | None:
    """Did an open loop send as planned? None for a closed one."""
    paces = [one["pace"] for one in measured if one.get("pace") is not None]
    if not paces:
        return None
    kept = min(_median([float(one[name]) for one in paces]) for name in ("achieved", "in_time"))
    text = f"{'' if kept >= PACE_LIMIT else 'saturated: '}{100 * kept:.1f} % of the plan kept"
    return _check("kept pace", kept < PACE_LIMIT, text, kept)


def _costs(used: int, lost: int) -> Check:
    share = lost / (used + lost) if used + lost else 1.0
    text = f"{lost} of {used + lost} blocks have no cost to divide by"
    return _check("costs", share > LOST_LIMIT, text, share)


def _independence(ratios: Sequence[Sequence[float]]) -> Check:
    correlation = checks.lag1(ratios)
    blocks = sum(map(len, ratios))
    worth = checks.effective_blocks(blocks, correlation)
    text = f"lag-1 autocorrelation {correlation:+.2f}: {blocks} blocks are worth {worth:.0f}"
    limit = checks.DEPENDENCE_LIMIT
    return _check("independence", correlation >= limit, text, correlation, "warned")


def _thin_tail(measured: Sequence[Slice], sides: Sides, rule: Rule) -> str | None:
    """Why a quantile rests on too few values; None for other metrics and for enough of them."""
    if rule.quantile is None:
        return None
    for side in sides.all:
        count = sum(one["ops"] for one in measured if one["side"] == side)
        if checks.tail_state(count, rule.quantile) != "enough":
            return f"{count} latencies of {side} are too few for this quantile"
    return None
