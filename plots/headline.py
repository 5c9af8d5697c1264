# SPDX-License-Identifier: MIT
"""Which metrics speak for a place, and in which order cells are shown.

On a real machine CPU time is the steadiest clock and comes first, then wall time. In an emulated
guest only counts compare mechanisms.
"""

from collections.abc import Iterable, Sequence

from plots import cells
from plots.model import Cell, Place, Row, Run

_CLOCK = ("cpu_ns_per_event", "wall_ns_per_event")
_COUNT = ("instr_per_event", "instr_per_request", "dispatch_instr_per_event")

#: Of a place in one figure, and rows of all its cells; nobody looks through more, and all are in the
#: tables.
MOST_CELLS, LEAST_CELLS, MOST_BARS = 24, 8, 400

_WORKLOADS = ("idle_scan", "active_ratio", "source_pingpong", "tcp_rr", "http_one_byte")


def cell_rank(cell: Cell) -> tuple[object, ...]:
    """Sort key: the quick profile's workloads first, then the others by name."""
    place = _WORKLOADS.index(cell.workload) if cell.workload in _WORKLOADS else len(_WORKLOADS)
    return (place, cells.sort_key(cell))


def cell_order(found: Iterable[Cell]) -> list[Cell]:
    """Unique cells in reading order."""
    return sorted(set(found), key=cell_rank)


def drawn(run: Run, place: Place, found: Iterable[Cell], least: int = LEAST_CELLS) -> list[Cell]:
    """The cells that get a panel: the headline ones, or all where none of `found` is one.

    Cells of a sweep are points of the lines in figures 2 and 8; a panel for each would repeat them.
    Of many cells spread() chooses, at least `least`.
    """
    every = cell_order(found)
    if run.confined:
        return every
    wanted = {row.cell for row in run.rows if row.place == place and row.headline}
    return spread(run, [cell for cell in every if cell in wanted] or every, least=least)


def spread(
    run: Run, order: Sequence[Cell], most: int = MOST_CELLS, least: int = LEAST_CELLS
) -> list[Cell]:
    """At most `most` of `order`, in its order: the first of every workload, then the second.

    Fewer where each would have a row for many variants, but not fewer than `least`; all in a report
    that is confined to some workloads.
    """
    if run.confined:
        return list(order)
    variants = len({row.side for row in run.rows})
    most = min(most, max(least, MOST_BARS // max(variants, 1)))
    turns: dict[str, int] = {}
    ranked = []
    for index, cell in enumerate(order):
        turns[cell.workload] = turns.get(cell.workload, 0) + 1
        ranked.append((turns[cell.workload], index))
    return [order[index] for index in sorted(index for _, index in sorted(ranked)[:most])]


def note(found: Iterable[Cell], shown: Iterable[Cell]) -> tuple[str, ...]:
    """Says how many cells have no panel."""
    more = len(set(found) - set(shown))
    if not more:
        return ()
    plural = "cell has no panel" if more == 1 else "cells have no panel"
    return (f"{more} further {plural}: see the table, or draw one workload (report --workload).",)


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
    here: dict[Cell, dict[str, list[Row]]] = {}
    for row in run.rows:
        if row.place == place:
            here.setdefault(row.cell, {}).setdefault(row.metric, []).append(row)
    for cell in cell_order(here):
        for metric in order:
            found = here[cell].get(metric, [])
            if any(row.ratio is not None for row in found):
                result += found
                break
    return result
