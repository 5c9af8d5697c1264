# SPDX-License-Identifier: MIT
"""Figure 14: kernel memory of a watched descriptor."""

from plots import bars, captions, cell_bars, cells, headline, text
from plots.figure import Figure, Section, missing
from plots.model import Cell, Params, Row, Run
from plots.reasons import why_missing

TITLE = "Kernel memory of a watched descriptor"


def _bar(row: Row) -> bars.Bar:
    return bars.Bar(
        row.side, (max(0.0, row.value or 0.0),), text.number(row.value, 3), row.lo, row.hi
    )


def _largest(found: list[Cell]) -> list[Cell]:
    """Of cells that differ only in the number registered, the one with most."""
    best: dict[tuple[str, Params], Cell] = {}
    for cell in found:
        rest = tuple(item for item in cell.params if item[0] not in ("registered", "active"))
        known = best.get((cell.workload, rest))
        if known is None or (cell.number("registered") or 0) > (known.number("registered") or 0):
            best[(cell.workload, rest)] = cell
    wanted = set(best.values())
    return [cell for cell in found if cell in wanted]


def build(run: Run) -> Figure:
    """Plain bars from zero, one panel a cell."""
    sections, tables, drawn = [], [], []
    for index, place in enumerate(run.places):
        here = [
            row
            for row in run.rows
            if row.place == place and row.metric == "bytes_per_fd" and row.measured
        ]
        if not here:
            continue
        every = _largest(headline.cell_order(row.cell for row in here))
        shown = headline.spread(run, every)
        panels = cell_bars.panels(
            f"f14-{index}",
            here,
            _bar,
            "Bytes of kernel memory for each watched descriptor.",
            "bytes per descriptor",
            "bytes",
            right=0.6,
            shown=shown,
        )
        sections.append(Section(place.label, panels, headline.note(every, shown)))
        tables.append(cells.rows_table(place.label, here))
        drawn += here
    if not drawn:
        return missing(14, "memory", TITLE, why_missing(run, "bytes_per_fd", ("footprint",)))
    caption = (
        "Lower is better. Kernel memory that registering a descriptor adds, from slab counters, "
        "without the descriptor's own file and socket. A mechanism that keeps no registration in the "
        "kernel shows 0. Drawn at the largest number registered, where the cost of the queue itself "
        "is spread thinnest; other numbers are in the table. Bars start at zero; the line at a bar's end is the interval. "
        f"{captions.intervals(drawn)}"
    )
    return Figure(14, "memory", TITLE, caption, tuple(sections), tuple(tables))
