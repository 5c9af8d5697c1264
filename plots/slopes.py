# SPDX-License-Identifier: MIT
"""What one more registered descriptor adds to the cost of an event: the stored slopes of figure 8."""

from collections.abc import Sequence

from plots import cells, grouping, text
from plots.figure import Table
from plots.model import Place, Row, Run

METRIC = "cpu_ns_per_registered"
_MOST = 8


def rows(run: Run, place: Place) -> list[Row]:
    """The stored slopes of a place; none where times are an emulator's."""
    if place.emulated:
        return []
    return [row for row in run.rows if row.place == place and row.metric == METRIC and row.measured]


def sentence(found: Sequence[Row]) -> str:
    """One line of slopes with their intervals, dearest last; empty where there are none."""
    own: dict[str, Row] = {}
    for row in found:
        own.setdefault(row.side.label, row)
    chosen = {side.label for side in grouping.overview(row.side for row in found).sides}
    shown = [row for label, row in own.items() if len(own) <= _MOST or label in chosen]
    if not shown:
        return ""
    parts = [
        f"{row.side.label} {text.number(row.value, 3)} ns"
        + ("" if row.lo is None else f" ({text.between(row.lo, row.hi, 3)})")
        for row in shown
    ]
    more = ", others in the table" if len(shown) < len(own) else ""
    return (
        "Slope, what each further registered descriptor adds to the CPU time of an event: "
        f"{text.listing(parts)}{more}."
    )


def table(heading: str, found: Sequence[Row]) -> Table:
    """Every slope with its interval."""
    return cells.rows_table(f"{heading}: added by each further registered descriptor", found)
