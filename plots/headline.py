# SPDX-License-Identifier: MIT
"""Which metrics speak for a place, and in which order cells are shown.

On a real machine CPU time is the steadiest clock and comes first, then wall time. In an emulated
guest only counts compare mechanisms.
"""

from collections.abc import Iterable

from plots import cells
from plots.model import Cell, Place, Row, Run

_CLOCK = ("cpu_ns_per_event", "wall_ns_per_event")
_COUNT = ("instr_per_event", "instr_per_request", "dispatch_instr_per_event")

_WORKLOADS = ("idle_scan", "active_ratio", "source_pingpong", "tcp_rr", "http_one_byte")


def cell_rank(cell: Cell) -> tuple[object, ...]:
    """Sort key: the quick profile's workloads first, then the others by name."""
    place = _WORKLOADS.index(cell.workload) if cell.workload in _WORKLOADS else len(_WORKLOADS)
    return (place, cells.sort_key(cell))


def cell_order(found: Iterable[Cell]) -> list[Cell]:
    """Unique cells in reading order."""
    return sorted(set(found), key=cell_rank)


def drawn(run: Run, place: Place, found: Iterable[Cell]) -> list[Cell]:
    """The cells that get a panel: the headline ones, or all where none of `found` is one.

    Cells of a sweep are points of the lines in figures 2 and 8; a panel for each would repeat them.
    """
    every = cell_order(found)
    wanted = {row.cell for row in run.rows if row.place == place and row.headline}
    return [cell for cell in every if cell in wanted] or every


def note(found: Iterable[Cell], shown: Iterable[Cell]) -> tuple[str, ...]:
    """Says how many cells have no panel."""
    more = len(set(found) - set(shown))
    plural = "cell belongs" if more == 1 else "cells belong"
    return (f"{more} further {plural} to sweeps: see the table.",) if more else ()


def _has(run: Run, place: Place, metric: str) -> bool:
    return any(
        row.place == place and row.metric == metric and row.ratio is not None for row in run.rows
    )


def metrics(run: Run, place: Place) -> list[str]:
    """Metrics whose ratios are drawn at a place, the headline first."""
    order = (*_COUNT, *_CLOCK) if place.emulated else (*_CLOCK, *_COUNT)
    return [metric for metric in order if _has(run, place, metric)]


def rows(run: Run, place: Place) -> list[Row]:
    """The rows of the front page: in each cell the first headline metric that has a ratio."""
    order = (*_COUNT, *_CLOCK) if place.emulated else (*_CLOCK, "instr_per_event", *_COUNT)
    result: list[Row] = []
    here = [row for row in run.rows if row.place == place]
    for cell in cell_order(row.cell for row in here):
        of_cell = [row for row in here if row.cell == cell]
        for metric in order:
            found = [row for row in of_cell if row.metric == metric]
            if any(row.ratio is not None for row in found):
                result += found
                break
    return result
