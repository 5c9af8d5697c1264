# SPDX-License-Identifier: MIT
"""The five verdicts on a change against its base, from log cost ratios alone.

*regressed* needs three agreeing signs: the interval of the present look lies above no difference,
the estimate exceeds the band, and the sign-flip test, corrected over all rows of the job, is below
5 %. *improved* is its mirror image. *equivalent* needs the 90 % interval inside the band (two
one-sided tests). All else is *inconclusive*, which more pairs may settle. *invalid* means that a
self-check failed: such a row carries no number at all.

A job may look three times, each time with more pairs. Looking early is paid for: the one-sided
error of 1 % is split over the looks, so that a later look needs a wider interval to clear.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from harness.stats.bootstrap import RESAMPLES
from harness.stats.compare import SIGNIFICANT, Comparison, compare, percent
from harness.stats.signflip import holm

REGRESSED, IMPROVED, EQUIVALENT = "regressed", "improved", "equivalent"
INCONCLUSIVE, INVALID = "inconclusive", "invalid"

#: One-sided error of each look; their sum is what a job promises.
LOOK_ERRORS = (0.005, 0.003, 0.002)
EQUIVALENCE_LEVEL = 0.90
#: The control is held to the level of the first look.
CONTROL_LEVEL = 0.99

Check = dict[str, Any]


@dataclass(frozen=True)
class Evidence:
    """What one metric of one case has to say, before anything is judged.

    `ratios` holds one log cost ratio a pair, change over base; `control` the same of the base
    against itself from the same blocks, None when the job has no control. `blank` says why there is
    nothing to judge although no check failed.
    """

    case: str
    metric: str
    band_percent: float
    ratios: tuple[float, ...]
    control: tuple[float, ...] | None = None
    base: float | None = None
    change: float | None = None
    blocks: int = 0
    dropped: int = 0
    checks: tuple[Check, ...] = ()
    blank: str | None = None

    @property
    def failure(self) -> str | None:
        """The text of the first failed check."""
        return next((str(one["text"]) for one in self.checks if one["state"] == "failed"), None)


@dataclass(frozen=True)
class Verdict:
    """One judged row. Percentages are of cost: plus is worse."""

    evidence: Evidence
    state: str
    reason: str | None = None
    comparison: Comparison | None = None
    holm_p: float | None = None
    control: Comparison | None = None
    #: What repeated the finding: a second round, or "exact" for counts.
    confirmed_by: str | None = None

    @property
    def estimate_percent(self) -> float | None:
        """None where no number may be given."""
        return None if self.comparison is None else percent(self.comparison.estimate)

    @property
    def resolution_percent(self) -> float | None:
        """The smallest change that would have been found 4 times in 5."""
        return None if self.comparison is None else self.comparison.resolution_percent

    def interval(self, level: float) -> tuple[float, float] | None:
        """In percent."""
        return None if self.comparison is None else self.comparison.percent_interval(level)


def level_of(look: int) -> float:
    """The two-sided level of the interval at a look, counted from 0."""
    return 1.0 - 2.0 * LOOK_ERRORS[look]


def _control_problem(control: Comparison, band_percent: float) -> str | None:
    """Why the control of a row does not carry it; None when it does."""
    limits = control.sampled.interval(CONTROL_LEVEL)
    if limits is None:
        return f"the A/A control has only {len(control.pairs)} pairs"
    if limits[0] > 0 or limits[1] < 0:
        return f"the A/A control differs from itself by {percent(control.estimate):+.1f} %"
    if (limits[1] - limits[0]) / 2 >= math.log1p(band_percent / 100.0):
        half = percent((limits[1] - limits[0]) / 2)
        return f"the A/A control resolves {half:.1f} % at best, the band is {band_percent:g} %"
    return None


def _word(comparison: Comparison, band_percent: float, holm_p: float, look: int) -> str:
    """The state of a row whose checks and control are sound."""
    limits = comparison.sampled.interval(level_of(look))
    inner = comparison.sampled.interval(EQUIVALENCE_LEVEL)
    if limits is None or inner is None:
        return INCONCLUSIVE
    band = math.log1p(band_percent / 100.0)
    if holm_p < SIGNIFICANT and limits[0] > 0 and comparison.estimate > band:
        return REGRESSED
    if holm_p < SIGNIFICANT and limits[1] < 0 and comparison.estimate < -band:
        return IMPROVED
    return EQUIVALENT if -band < inner[0] and inner[1] < band else INCONCLUSIVE


def _wording(comparison: Comparison, state: str) -> str | None:
    """Why a row is inconclusive."""
    if state != INCONCLUSIVE:
        return None
    if comparison.resolution_percent is None:
        return f"only {len(comparison.pairs)} pairs"
    return f"could have seen {comparison.resolution_percent:.1f} %"


def judge(
    evidence: Sequence[Evidence], look: int, seed: int, resamples: int = RESAMPLES
) -> list[Verdict]:
    """The verdicts of a job at a look (0 to 2), in the order given.

    The same evidence, look and seed give the same verdicts. Holm's correction spans all rows that
    can be judged. A control that would itself be called different makes every row inconclusive:
    the machine, not the code, is then what was measured.
    """
    compared = [_compare(one, seed + index, resamples) for index, one in enumerate(evidence)]
    corrected = _holm([found for found, _ in compared])
    controlled = _holm([control for _, control in compared])
    broken = next(
        (
            f"the A/A control of {one.case} {one.metric} is called {word}"
            for one, (_, control), p in zip(evidence, compared, controlled)
            if control is not None
            and (word := _word(control, one.band_percent, p, look)) in (REGRESSED, IMPROVED)
        ),
        None,
    )
    return [
        _settle(one, found, control, p, look, broken)
        for one, (found, control), p in zip(evidence, compared, corrected)
    ]


def _compare(
    one: Evidence, seed: int, resamples: int
) -> tuple[Comparison | None, Comparison | None]:
    if one.failure is not None or one.blank is not None:
        return None, None
    control = None if one.control is None else compare(one.control, seed, resamples)
    return compare(one.ratios, seed, resamples), control


def _holm(found: Sequence[Comparison | None]) -> list[float]:
    """Corrected p of each; 1 where there is none."""
    places = [index for index, one in enumerate(found) if one is not None]
    p_values = holm([one.p for one in found if one is not None])
    corrected = dict(zip(places, p_values))
    return [corrected.get(index, 1.0) for index in range(len(found))]


def _settle(
    one: Evidence,
    found: Comparison | None,
    control: Comparison | None,
    holm_p: float,
    look: int,
    broken: str | None,
) -> Verdict:
    if one.failure is not None:
        return Verdict(one, INVALID, one.failure)
    if one.blank is not None:
        return Verdict(one, INCONCLUSIVE, one.blank)
    if found is None:
        return Verdict(one, INCONCLUSIVE, "no pair gave a ratio")
    problem = broken
    if one.control is not None and problem is None:
        problem = (
            "the A/A control gave no ratio"
            if control is None
            else _control_problem(control, one.band_percent)
        )
    if problem is not None:
        return Verdict(one, INCONCLUSIVE, problem, found, holm_p, control)
    state = _word(found, one.band_percent, holm_p, look)
    return Verdict(one, state, _wording(found, state), found, holm_p, control)


def confirm(first: Sequence[Verdict], second: Sequence[Verdict], how: str) -> list[Verdict]:
    """The verdicts after a confirmation round.

    A regression stays one only where the second round, with new processes and relinked programs,
    calls the same row regressed again; else the row is inconclusive and says so. Rows of `second`
    are matched by case and metric; rows that were not red are returned as they are.
    """
    again = {(one.evidence.case, one.evidence.metric): one for one in second}
    settled = []
    for verdict in first:
        other = again.get((verdict.evidence.case, verdict.evidence.metric))
        if verdict.state != REGRESSED:
            settled.append(verdict)
        elif other is not None and other.state == REGRESSED:
            settled.append(replace(verdict, confirmed_by=how))
        else:
            came = "was not run" if other is None else f"said {other.state}"
            text = f"red once, but the round with {how} {came}"
            settled.append(replace(verdict, state=INCONCLUSIVE, reason=text))
    return settled
