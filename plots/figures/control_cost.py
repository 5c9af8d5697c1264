# SPDX-License-Identifier: MIT
"""Figure 12: cost of adding, modifying and removing a watch."""

from plots import captions, cells, text
from plots.figure import Figure, Section, Table, missing
from plots.model import Cell, Place, Row, Run
from plots.reasons import why_missing
from plots.sweep import Sweep, rows_of, section

TITLE = "Cost of a control operation"


def _registered(cell: Cell) -> float | None:
    return cell.number("registered")


def _sweep(run: Run, place: Place) -> list[Sweep]:
    kinds = [
        ("cpu_ns_per_event", "CPU time per operation", text.time_tick),
        ("wall_ns_per_event", "wall time per operation", text.time_tick),
    ]
    exact = ("instr_per_event", "instructions per operation", text.count_tick)
    for metric, words, ticks in [exact, *kinds] if place.emulated else [*kinds, exact]:
        sweep = Sweep(
            "ctl",
            "ctl_churn",
            metric,
            _registered,
            "registered descriptors",
            words,
            ("registered",),
            ticks,
        )
        if rows_of(run, sweep, place):
            return [sweep]
    return []


def build(run: Run) -> Figure:
    """One set of panels for each kind of operation."""
    drawn: list[Row] = []
    sections: list[Section] = []
    tables: list[Table] = []
    for place in run.places:
        part, rows = section(run, place, _sweep(run, place), f"f12-{len(sections)}")
        if not rows:
            continue
        sections.append(part)
        tables.append(cells.rows_table(place.label, rows))
        drawn += rows
    if not drawn:
        return missing(12, "control-cost", TITLE, why_missing(run, "control cost", ("ctl_churn",)))
    caption = (
        "Lower is better. Time to add, modify or remove one watch while others are registered; panel "
        "titles name the operation where the run tells them apart. A rising line means that the "
        f"mechanism rebuilds something. {captions.LINES} {captions.intervals(drawn)}"
    )
    return Figure(12, "control-cost", TITLE, caption, tuple(sections), tuple(tables))
