# SPDX-License-Identifier: MIT
"""The rates of an open loop as shares of what the reference reaches in a closed one.

A share such as "70%" stands in a plan until the run knows the machine. All mechanisms then get the
same absolute rate, so that a slower one is seen to saturate instead of being given less to do.
"""

from __future__ import annotations

import math
import random
import statistics
from collections.abc import Sequence
from dataclasses import replace

from harness.controller.calibrate import granule_of
from harness.controller.cellrun import Setting
from harness.plan import Cell, is_share
from harness.worker import Worker, padded_environment
from results.identity import derived_seed
from results.keys import params_text

#: Seconds and slices of the trial in a closed loop; the median slice counts.
_TRIAL_S, _TRIALS = 0.05, 5


def rounded(rate: float) -> int:
    """Two significant digits, at least 1: a rate people can read and type again."""
    if rate < 1:
        return 1
    step = int(10 ** max(0, math.floor(math.log10(rate)) - 1))
    return round(rate / step) * step


def in_order(cells: Sequence[Cell], seed: int) -> list[Cell]:
    """The cells of each ladder in an order drawn from the seed, the others where they were."""
    places: dict[str, list[int]] = {}
    for index, cell in enumerate(cells):
        if is_share(cell.params.get("rate", "")):
            places.setdefault(_rest(cell), []).append(index)
    ordered = list(cells)
    for name, own in sorted(places.items()):
        drawn = list(own)
        random.Random(derived_seed(seed, "ladder", name)).shuffle(drawn)
        for index, source in zip(own, drawn):
            ordered[index] = cells[source]
    return ordered


def _rest(cell: Cell) -> str:
    rest = {name: value for name, value in cell.params.items() if name != "rate"}
    return f"{cell.workload} {params_text(rest)}"


class Ladder:
    """Turns shares into rates; each closed loop is tried once. Not thread-safe."""

    def __init__(self, setting: Setting) -> None:
        self._setting = setting
        self._found: dict[str, float] = {}

    def settled(self, cell: Cell) -> Cell:
        """The cell with its rate in requests a second. Raises WorkerDied and WorkerRefused."""
        share = cell.params.get("rate", "")
        if not is_share(share):
            return cell
        name = _rest(cell)
        if name not in self._found:
            self._found[name] = self._closed_maximum(cell)
        rate = rounded(self._found[name] * float(share[:-1]) / 100.0)
        return replace(cell, params={**cell.params, "rate": str(rate)})

    def _closed_maximum(self, cell: Cell) -> float:
        """Requests a second of epoll level-triggered, else of the first side."""
        sides = [side for side in cell.sides if side.variant.name == "epoll+lt"]
        variant = (sides or list(cell.sides))[0].variant
        environment = padded_environment(
            random.Random(derived_seed(self._setting.seed, _rest(cell)))
        )
        params = {**cell.params, "mode": "closed", "rate": "0"}
        with Worker(self._setting.program, environment, self._setting.plugins) as worker:
            worker.open(cell.workload, variant, params)
            rates: list[float] = []
            operations = granule = granule_of(params)
            while len(rates) < _TRIALS:
                self._setting.interrupt.check()
                answer = worker.ask(do="slice", operations=operations, timed=False)
                seconds = max(1, int(answer["wall_ns"])) / 1e9
                if seconds < _TRIAL_S / 2 and operations < 1 << 24:
                    growth = min(32.0, 1 + 1.2 * _TRIAL_S / seconds)
                    operations = -(-int(operations * growth) // granule) * granule
                    continue
                rates.append(operations / seconds)
            worker.hang_up()
        return statistics.median(rates)
