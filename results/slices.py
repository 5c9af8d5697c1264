# SPDX-License-Identifier: MIT
"""What the slices of a run say, by case and side: a summary of a million takes seconds.

Columns come from the C++ reader (_kevbench.read_columns), asked for these fields alone.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from results.errors import ResultsError
from results.reader import locate

if TYPE_CHECKING:
    from _kevbench import Columns

COLUMNS = (
    "case",
    "side",
    "phase",
    "pairs",
    "slices",
    "warmups",
    "operations",
    "wall_ns_per_event",
    "cpu_ns_per_event",
)

_FIELDS = (
    "case_key",
    "side",
    "phase",
    "pair",
    "warmup",
    "ops",
    "wall_ns",
    "cpu_user_ns",
    "cpu_sys_ns",
)


@dataclass(frozen=True)
class SideSummary:
    """The slices of one side in one phase. Times are medians over slices, warm-up left out."""

    case: str
    side: str
    phase: str
    pairs: int
    slices: int
    warmups: int
    operations: int
    wall_ns: float | None
    cpu_ns: float | None


def _texts(columns: Columns, name: str) -> tuple[Any, list[str]]:
    column = columns[name]
    return column.values, list(column.texts)


def summarise(path: Path) -> list[SideSummary]:
    """Every side of every case, in the order of their names.

    Raises ResultsError for a file that cannot be read and without the compiled module.
    """
    try:
        import numpy as np
        from _kevbench import DataError, read_columns
    except ImportError as problem:
        raise ResultsError(f"{problem.name} is not there: build the target _kevbench") from None
    try:
        columns = read_columns(locate(path), "slice", _FIELDS)
    except DataError as problem:
        raise ResultsError(" ".join(str(problem).split())) from None
    if not columns.rows:
        raise ResultsError(f"{path} holds no slices")
    cases, case_names = _texts(columns, "case_key")
    sides, side_names = _texts(columns, "side")
    phases, phase_names = _texts(columns, "phase")
    ops = columns["ops"].values.astype(np.float64)
    wall = columns["wall_ns"].values / ops
    cpu = (columns["cpu_user_ns"].values + columns["cpu_sys_ns"].values) / ops
    warm = columns["warmup"].values.astype(bool)
    pairs = columns["pair"].values
    key = (cases.astype(np.int64) * len(side_names) + sides) * len(phase_names) + phases
    order = np.argsort(key, kind="stable")
    starts = np.flatnonzero(np.diff(key[order], prepend=-1))
    found = []
    for chosen in np.split(order, starts[1:]):
        first, kept = int(chosen[0]), chosen[~warm[chosen]]
        found.append(
            SideSummary(
                case_names[int(cases[first])],
                side_names[int(sides[first])],
                phase_names[int(phases[first])],
                int(np.unique(pairs[kept]).size),
                int(kept.size),
                int(chosen.size - kept.size),
                int(ops[kept].sum()),
                float(np.median(wall[kept])) if kept.size else None,
                float(np.median(cpu[kept])) if kept.size else None,
            )
        )
    return sorted(found, key=lambda one: (one.case, one.side, one.phase))


def _rows(found: list[SideSummary]) -> Iterator[tuple[object, ...]]:
    for one in found:
        times = ("" if value is None else round(value, 3) for value in (one.wall_ns, one.cpu_ns))
        counts = (one.pairs, one.slices, one.warmups, one.operations)
        yield (one.case, one.side, one.phase, *counts, *times)


def dump(path: Path) -> str:
    """The summary as CSV. Raises ResultsError as summarise() does."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(_rows(summarise(path)))
    return out.getvalue()
