# SPDX-License-Identifier: MIT
"""Stages 4 to 6: CPU time, wall time and latency of base and change, interleaved.

Every block runs the base, the base again and the change, once in random order and once in the
reverse of it. The base against itself is the control of the very same minutes.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from harness.analysis.evidence import STATIONARITY, Sides, examine, rules
from harness.celldata import CellData
from harness.controller.cellrun import Build, CellRun, Setting
from harness.controller.interrupt import Interrupt
from harness.controller.recorder import Recorder
from harness.estimate import cell_seconds
from harness.gate.cells import BASE, CHANGE, EXTRA_PAIRS
from harness.plan import Cell
from harness.stats.verdict import INCONCLUSIVE, LOOK_ERRORS, Evidence, Verdict, judge
from results.identity import derived_seed

STAGES = {
    "cpu_ns_per_event": 4,
    "wall_ns_per_event": 5,
    "p50_ns": 6,
    "p99_ns": 6,
}


@dataclass
class Timer:
    """Measures gated cells. Not thread-safe.

    `deadline` is a moment of the monotonic clock after which no round is extended; what could not
    be settled by then stays inconclusive and says so.
    """

    recorder: Recorder
    interrupt: Interrupt
    seed: int
    tell: Callable[[str], None]
    bands: Mapping[str, float] = field(default_factory=dict)
    deadline: float = float("inf")
    clock_ns: float = 1.0
    #: Set when a round would have been extended but for the deadline.
    out_of_time: bool = False
    data: dict[str, CellData] = field(default_factory=dict)

    def round(
        self, named: Mapping[str, Cell], builds: Mapping[str, Build], label: str, looks: int = 3
    ) -> list[Verdict]:
        """One round over the cells: pairs, verdicts, and further pairs where they are needed.

        `label` enters the seed, so that a confirmation draws its orders anew.
        """
        runs = {name: self._start(cell, builds, label) for name, cell in named.items()}
        for name, run in runs.items():
            self.tell(f"times: {name}")
            run.run()
            self.data[name] = run.data
        verdicts: list[Verdict] = []
        for look in range(min(looks, len(LOOK_ERRORS))):
            verdicts = judge(self._evidence(runs), look, derived_seed(self.seed, label, look))
            again = [name for name in runs if self._wants_more(name, verdicts)]
            if not again or look + 1 >= min(looks, len(LOOK_ERRORS)):
                break
            if not self._time_for([named[name] for name in again]):
                self.out_of_time = True
                break
            for name in again:
                self.tell(f"times: {name}, {EXTRA_PAIRS} more pairs")
                runs[name].extend(EXTRA_PAIRS)
        return verdicts

    def _start(self, cell: Cell, builds: Mapping[str, Build], label: str) -> CellRun:
        setting = Setting(
            builds[BASE].programs[0],
            (),
            derived_seed(self.seed, label),
            self.recorder,
            self.interrupt,
            lambda text, seconds: None,
            builds,
        )
        return CellRun(cell, setting)

    def _evidence(self, runs: Mapping[str, CellRun]) -> list[Evidence]:
        return [
            one
            for name, run in runs.items()
            for one in evidence(name, run, self.bands, self.clock_ns)
        ]

    @staticmethod
    def _wants_more(name: str, verdicts: Sequence[Verdict]) -> bool:
        """More pairs can settle a row that was compared, or of which too many pairs drifted."""
        return any(
            (one.state == INCONCLUSIVE and one.comparison is not None)
            or {each["name"] for each in one.evidence.checks if each["state"] == "failed"}
            == {STATIONARITY}
            for one in verdicts
            if one.evidence.case == name
        )

    def _time_for(self, cells: Sequence[Cell]) -> bool:
        return time.monotonic() + sum(map(cell_seconds, cells)) < self.deadline


def evidence(
    name: str, run: CellRun, bands: Mapping[str, float], clock_ns: float
) -> list[Evidence]:
    """What the slices of one cell say, by metric. A lost side makes every row say why."""
    data, cell = run.data, run.cell
    labels = {(side.build, side.entry): side.label for side in cell.sides}
    sides = Sides(
        labels[(BASE, 1)],
        labels.get((CHANGE, 1), labels.get((BASE, 2), "")),
        labels.get((BASE, 2)) if (CHANGE, 1) in labels else None,
    )
    found = []
    for rule in rules(bands):
        if rule.phase == "latency" and not cell.latency:
            continue
        if data.lost:
            side, reason = next(iter(data.lost.items()))
            check = {"name": "alive", "state": "failed", "text": f"{side}: {reason}", "value": None}
            found.append(Evidence(name, rule.metric, rule.band_percent, (), checks=(check,)))
        else:
            found.append(examine(name, data.slices, sides, rule, clock_ns))
    return found


def builds_of(base: Sequence[Path], change: Sequence[Path]) -> dict[str, Build]:
    """The programs of both sides, in link orders that belong together."""
    return {BASE: Build(tuple(base)), CHANGE: Build(tuple(change))}
