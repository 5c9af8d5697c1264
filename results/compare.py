# SPDX-License-Identifier: MIT
"""Compares two stored runs. Exact counts are judged; times are shown without a verdict.

Two runs made one after the other differ by slow drift of the machine far more than by the code, and
repetition does not help, so a verdict on time needs both sides interleaved in one run.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from results.keys import params_text, variant_name
from results.metrics import METRICS
from results.reader import Record, ResultFile

#: Counts that are the same in every run of the same code: growth in percent and absolute from which
#: one counts as regressed. Both must be reached.
EXACT: dict[str, tuple[float, float]] = {
    "syscalls_per_event": (0.0, 0.0),
    "user_instr_per_event": (1.0, 5.0),
    "instr_per_event": (1.0, 5.0),
    "dispatch_instr_per_event": (1.0, 5.0),
    "instr_per_request": (1.0, 5.0),
    "bytes_per_fd": (1.0, 4.0),
}
#: Percent that counts of threads or processes taking turns may grow: who runs when shifts a little
#: from run to run, and with it how many events a wait finds.
_TAKING_TURNS = {
    "source_pingpong": 3.0,
    "tcp_rr": 5.0,
    "wake_latency": 5.0,
    "http_one_byte": 5.0,
    "kevent_2006": 5.0,
    "real_server": 5.0,
}
_ROUNDING = 1e-9


@dataclass(frozen=True)
class Difference:
    """One figure in both runs. `state` is regressed, improved, same, or "" for a time."""

    case: str
    metric: str
    unit: str
    first: float
    second: float
    state: str

    @property
    def percent(self) -> float | None:
        """Change of the figure in percent of the first; None when that is 0."""
        return 100.0 * (self.second / self.first - 1.0) if self.first else None

    def fields(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "case": self.case,
            "metric": self.metric,
            "unit": self.unit,
            "a": self.first,
            "b": self.second,
            "percent": self.percent,
            "state": self.state or "not judged",
        }


@dataclass(frozen=True)
class Comparison:
    """All figures that both runs have, and what only one has."""

    judged: list[Difference]
    shown: list[Difference]
    only_first: list[str]
    only_second: list[str]

    @property
    def regressed(self) -> list[Difference]:
        """Counts that grew beyond what is allowed."""
        return [item for item in self.judged if item.state == "regressed"]


def is_judged(metric: str, workload: str) -> bool:
    """Whether a count is steady enough for a verdict. The difference of two large counts of threads
    that take turns is not."""
    return metric in EXACT and not (
        metric == "dispatch_instr_per_event" and workload in _TAKING_TURNS
    )


def state_of(
    metric: str, first: float, second: float, workload: str = "", slack_percent: float = 0.0
) -> str:
    """The verdict on an exact count: it regresses only where it reaches both its limits.

    `slack_percent` is how much two counts of the same code may differ; the limit is lower by it, so
    that what reaches the limit is seen whichever way the two counts came out.
    """
    percent, absolute = EXACT[metric]
    if metric in ("instr_per_event", "instr_per_request"):
        percent = max(percent, _TAKING_TURNS.get(workload, 0.0))
    percent = max(0.0, percent - slack_percent)
    grown = second - first
    if abs(grown) <= _ROUNDING * max(abs(first), abs(second)):
        return "same"
    if abs(grown) >= absolute and abs(grown) >= abs(first) * percent / 100.0 * (1 - _ROUNDING):
        return "regressed" if grown > 0 else "improved"
    return "same"


def _figures(result: ResultFile) -> dict[tuple[str, str], Record]:
    found = {}
    for record in result.of("metric", detail=False):
        if record["value"] is None or "#" in record["side"]:
            continue
        # Fingerprints are of the host: two guests may differ in their kernels and nothing else.
        where = f"guest {record['kernel']}" if record["where"] == "guest" else record["where"]
        place = f"{where} {record['workload']} {params_text(record['params'])}"
        name = variant_name(record["mechanism"], record["variant"])
        found[(f"{place} {name}", record["metric"])] = record
    return found


def compare(first: ResultFile, second: ResultFile) -> Comparison:
    """Pairs the figures of two runs by case and metric."""
    ours, theirs = _figures(first), _figures(second)
    judged: list[Difference] = []
    shown: list[Difference] = []
    for key in ours:
        if key not in theirs:
            continue
        metric, exact = key[1], ours[key]["interval"]["kind"] == "exact"
        one, other = float(ours[key]["value"]), float(theirs[key]["value"])
        workload = str(ours[key]["workload"])
        judged_here = exact and is_judged(metric, workload)
        state = state_of(metric, one, other, workload) if judged_here else ""
        item = Difference(key[0], metric, METRICS[metric].unit, one, other, state)
        (judged if state else shown).append(item)
    return Comparison(
        judged,
        shown,
        sorted({case for case, _ in set(ours) - set(theirs)} - {case for case, _ in theirs}),
        sorted({case for case, _ in set(theirs) - set(ours)} - {case for case, _ in ours}),
    )
