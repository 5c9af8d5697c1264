# SPDX-License-Identifier: MIT
"""The figures of the report, one module each, in the order and with the numbers they are shown."""

from collections.abc import Callable

from plots.figure import Figure
from plots.figures import (
    batch_size,
    claim,
    control_cost,
    cpu_split,
    exceedance,
    flames,
    heatmap,
    history,
    idle_cost,
    instructions,
    memory,
    noise,
    pairs,
    ratio_forest,
    spectrum,
    syscalls,
    throughput,
    under_load,
    unused,
    woken,
)
from plots.model import Run

ALL: tuple[Callable[[Run], Figure], ...] = (
    throughput.build,
    ratio_forest.build,
    under_load.build,
    spectrum.build,
    exceedance.build,
    heatmap.build,
    idle_cost.build,
    cpu_split.build,
    syscalls.build,
    instructions.build,
    control_cost.build,
    batch_size.build,
    memory.build,
    pairs.build,
    noise.build,
    history.build,
    flames.build,
    woken.build,
    claim.build,
    unused.build,
)


def build(run: Run) -> list[Figure]:
    """Every figure of a run; those without data carry the reason instead of panels."""
    return [make(run) for make in ALL]
