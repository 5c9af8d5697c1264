# SPDX-License-Identifier: MIT
"""Figure 8: cost of an event against registered and against active descriptors."""

from dataclasses import replace

from plots import captions, cells, slopes, text
from plots.figure import Figure, Section, Table, missing
from plots.model import Cell, Place, Row, Run
from plots.reasons import why_missing
from plots.sweep import Sweep, rows_of, section

TITLE = "Cost of an event against registered descriptors"


def _registered(cell: Cell) -> float | None:
    return cell.number("registered")


def _active(cell: Cell) -> float | None:
    return cell.number("active")


#: metric, its axis label, its tick format: the first that a place has is drawn
_TIME = (
    ("cpu_ns_per_event", "CPU time per event", text.time_tick),
    ("wall_ns_per_event", "wall time per event", text.time_tick),
    ("instr_per_event", "instructions per event", text.count_tick),
)


def _sweeps(run: Run, place: Place) -> list[Sweep]:
    order = (_TIME[2], *_TIME[:2]) if place.emulated else _TIME
    result: list[Sweep] = []
    for workload, parameter, x, label in (
        ("idle_scan", "registered", _registered, "registered descriptors, one active"),
        ("active_ratio", "active", _active, "active descriptors"),
    ):
        for metric, words, ticks in order:
            sweep = Sweep(workload, workload, metric, x, label, words, (parameter,), ticks)
            if rows_of(run, sweep, place):
                result.append(sweep)
                break
    return result


def build(run: Run) -> Figure:
    """The figure that tells O(n) from O(1) mechanisms."""
    drawn: list[Row] = []
    sections: list[Section] = []
    tables: list[Table] = []
    for place in run.places:
        part, rows = section(run, place, _sweeps(run, place), f"f8-{len(sections)}")
        if not rows:
            continue
        found = slopes.rows(run, place)
        if found:
            part = replace(part, notes=(*part.notes, slopes.sentence(found)))
            tables.append(slopes.table(place.label, found))
        sections.append(part)
        tables.append(cells.rows_table(place.label, rows))
        drawn += rows
    if not drawn:
        return missing(8, "idle-cost", TITLE, why_missing(run, "cpu_ns_per_event", ("idle_scan",)))
    caption = (
        "Lower is better. One descriptor is ready at a time, all others are idle. A flat line means "
        "that idle descriptors are free; a line that rises one decade a decade means that every wait "
        "looks at all of them. A line that ends early met the mechanism's descriptor limit. Where "
        "active_ratio ran, its panels keep the number registered and raise the number active. "
        f"{captions.LINES} Bands are intervals. {captions.intervals(drawn)}"
    )
    return Figure(8, "idle-cost", TITLE, caption, tuple(sections), tuple(tables))
