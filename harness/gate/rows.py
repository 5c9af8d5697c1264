# SPDX-License-Identifier: MIT
"""What a stage found, row by row, and what follows for the exit status."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from harness.analysis.evidence import STATIONARITY
from harness.errors import INCONCLUSIVE as STATUS_INCONCLUSIVE
from harness.errors import INVALID as STATUS_INVALID
from harness.errors import OK, REGRESSED as STATUS_REGRESSED
from harness.stats.verdict import EQUIVALENT, IMPROVED, INCONCLUSIVE, INVALID, REGRESSED, Verdict
from results.metrics import METRICS

#: Not measured, for a reason that does not lessen the verdict of the rest.
SKIPPED = "skipped"
#: From the worst on; what a stage or the gate is called is the worst of its rows.
ORDER = (REGRESSED, INVALID, INCONCLUSIVE, IMPROVED, EQUIVALENT, SKIPPED)
#: Self-checks that a disturbed machine fails with sound code on both sides.
OF_MACHINE = frozenset({"timer", STATIONARITY, "costs", "kept pace"})
_STATUS = {
    REGRESSED: STATUS_REGRESSED,
    INVALID: STATUS_INVALID,
    INCONCLUSIVE: STATUS_INCONCLUSIVE,
}


@dataclass(frozen=True)
class Row:
    """One figure of base and change. Values are per operation; None where there is no number."""

    case: str
    metric: str
    state: str
    base: float | None = None
    change: float | None = None
    #: Cost ratio less one, in percent; plus is worse.
    percent: float | None = None
    interval: tuple[float, float] | None = None
    band: str = ""
    resolution_percent: float | None = None
    holm_p: float | None = None
    pairs: int = 0
    reason: str | None = None
    #: Why a regression is let pass: a budget or a trailer.
    excuse: str | None = None
    confirmed_by: str | None = None
    #: Further lines for people: where a count grew.
    details: tuple[str, ...] = ()
    checks: tuple[dict[str, Any], ...] = ()

    @property
    def counted(self) -> str:
        """The state as it enters the verdict.

        A row without a number because the machine was disturbed says nothing against the change:
        it leaves the gate inconclusive, while unequal work or a dead worker makes it invalid.
        """
        if self.excuse and self.state == REGRESSED:
            return EQUIVALENT
        failed = {check["name"] for check in self.checks if check["state"] == "failed"}
        return (
            INCONCLUSIVE
            if self.state == INVALID and failed and failed <= OF_MACHINE
            else self.state
        )

    def fields(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "case": self.case,
            "metric": self.metric,
            "unit": METRICS[self.metric].unit if self.metric in METRICS else None,
            "state": self.state,
            "base": self.base,
            "change": self.change,
            "percent": self.percent,
            "interval_99": None if self.interval is None else list(self.interval),
            "band": self.band,
            "resolution_percent": self.resolution_percent,
            "holm_p": self.holm_p,
            "pairs": self.pairs,
            "reason": self.reason,
            "excuse": self.excuse,
            "confirmed_by": self.confirmed_by,
            "details": list(self.details),
            "checks": list(self.checks),
        }


def of_verdict(verdict: Verdict) -> Row:
    """The row of a judged time. An invalid one keeps no number."""
    evidence = verdict.evidence
    shown = verdict.comparison is not None
    return Row(
        evidence.case,
        evidence.metric,
        verdict.state,
        evidence.base if shown else None,
        evidence.change if shown else None,
        verdict.estimate_percent,
        verdict.interval(0.99),
        f"{evidence.band_percent:g} %",
        verdict.resolution_percent,
        verdict.holm_p,
        len(evidence.ratios) if shown else 0,
        verdict.reason,
        confirmed_by=verdict.confirmed_by,
        checks=evidence.checks,
    )


@dataclass
class Stage:
    """One stage: rows, or the reason why there are none."""

    number: int
    name: str
    rows: list[Row] = field(default_factory=list)
    #: Said of the stage as a whole: why it was not run, or why both sides are equal.
    note: str | None = None
    #: The state of a stage without rows.
    bare: str = SKIPPED
    seconds: float = 0.0

    @property
    def state(self) -> str:
        """The worst of the rows."""
        return worst(row.counted for row in self.rows) if self.rows else self.bare

    def fields(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "stage": self.number,
            "name": self.name,
            "state": self.state,
            "note": self.note,
            "seconds": round(self.seconds, 1),
            "rows": [row.fields() for row in self.rows],
        }


def worst(states: Iterable[str]) -> str:
    """The first of ORDER that is among the states; skipped for none."""
    present = set(states)
    return next((state for state in ORDER if state in present), SKIPPED)


def status(stages: Iterable[Stage]) -> int:
    """The exit status of the gate."""
    return _STATUS.get(worst(stage.state for stage in stages), OK)
