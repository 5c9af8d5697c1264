# SPDX-License-Identifier: MIT
"""Unmodified web servers on their own epoll and on kevent by preload, a section of figure 20."""

from collections.abc import Sequence
from dataclasses import dataclass

from plots import bars, cells, text
from plots.figure import Panel, Section, Table, table
from plots.model import Cell, Place, Row, Run

WORKLOAD = "real_server"
METRIC = "instr_per_request"
CAPTION = (
    "Real servers: Debian's nginx and lighttpd as they are under httperf, on their own epoll and on "
    "kevent by the preload library; instructions are those of the server's processes alone."
)


@dataclass(frozen=True)
class Part:
    """What a place has to say of them."""

    section: Section
    table: Table
    rows: tuple[Row, ...]


def part(run: Run, place: Place, key: str) -> Part | None:
    """None where no server was measured."""
    here = [
        row
        for row in run.rows
        if row.place == place and row.cell.workload == WORKLOAD and row.measured
    ]
    counted = [row for row in here if row.metric == METRIC]
    if not counted:
        return None
    order = cells.ordered(row.cell for row in counted)
    among = cells.Among(order)
    panels = tuple(
        _panel([row for row in counted if row.cell == cell], f"{key}-{number}", cell, among)
        for number, cell in enumerate(order)
    )
    notes = [_answer(counted), f"By requests per second: {_unjudged(place)}."]
    return Part(
        Section(f"{place.label}: real servers", panels, tuple(notes)),
        _table(here, counted, place),
        tuple(counted),
    )


def _sorted(rows: Sequence[Row]) -> list[Row]:
    return sorted(rows, key=lambda row: (cells.sort_key(row.cell), row.side.sort_key))


def _panel(rows: Sequence[Row], key: str, cell: Cell, among: cells.Among) -> Panel:
    drawn = [
        bars.Bar(
            row.side, (row.value or 0.0,), f"{text.number(row.value)}  {text.ratio(row.ratio)}"
        )
        for row in _sorted(rows)
    ]
    sentence = "; ".join(f"{bar.side.label}: {bar.words}" for bar in drawn)
    return bars.bar_panel(
        key,
        among.title(cell),
        f"Instructions of a request and, after them, their ratio to epoll. {sentence}.",
        (bars.Part("", ""),),
        drawn,
        "instructions per request",
        "of epoll's",
    )


def _answer(counted: Sequence[Row]) -> str:
    ratios = [row.ratio for row in counted if row.side.mechanism == "kevent" and row.ratio]
    if not ratios:
        return "By instructions per request: not judged here, since one of the sides is missing."
    dearer = sum(ratio > 1.0 for ratio in ratios)
    return (
        f"By instructions per request, kevent by preload costs {text.ratio(min(ratios))} to "
        f"{text.ratio(max(ratios))} of the server's own epoll; it is the dearer one in {dearer} of "
        f"{len(ratios)} cells."
    )


def _unjudged(place: Place) -> str:
    return "not judged: emulated" if place.emulated else "reported, not compared"


def _table(here: Sequence[Row], counted: Sequence[Row], place: Place) -> Table:
    known = {(row.cell, row.side, row.metric): row.value for row in here}
    among = cells.Among(row.cell for row in counted)

    def figure(row: Row, metric: str) -> str:
        return text.number(known.get((row.cell, row.side, metric)))

    lines = [
        (
            among.title(row.cell),
            row.side.label,
            text.number(row.value),
            text.ratio(row.ratio),
            figure(row, "requests_per_s"),
            figure(row, "replies"),
            figure(row, "errors"),
        )
        for row in _sorted(counted)
    ]
    columns = (
        *("cell", "mechanism", "instructions per request", "to epoll"),
        *(f"requests/s, {_unjudged(place)}", "replies", "errors"),
    )
    return table(f"Real servers, {place.label}", columns, lines, (2, 3, 4, 5, 6))
