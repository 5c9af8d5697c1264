# SPDX-License-Identifier: MIT
"""One panel of plain bars a cell: the form of figures that show one metric by mechanism."""

from collections.abc import Callable, Sequence

from plots import bars, cells, headline
from plots.figure import Panel
from plots.model import Cell, Row

_PARTS = (bars.Part("", ""),)


def panels(
    key: str,
    rows: Sequence[Row],
    bar: Callable[[Row], bars.Bar],
    description: str,
    label: str,
    column: str,
    right: float = 0.95,
    chosen: Callable[[list[Cell]], list[Cell]] = list,
) -> tuple[Panel, ...]:
    """Panels for the cells of these rows, which are of one place and metric.

    `description` is followed by what each bar says; `chosen` leaves cells out; `right` is the room
    for numbers in inches.
    """
    every = headline.cell_order(row.cell for row in rows)
    among = cells.Among(every)
    made = []
    for number, cell in enumerate(chosen(every)):
        mine = sorted((row for row in rows if row.cell == cell), key=lambda row: row.side.sort_key)
        shown = [bar(row) for row in mine]
        sentence = "; ".join(f"{one.side.label}: {one.words}" for one in shown)
        title = among.title(cell)
        text = f"{description} {sentence}."
        made.append(
            bars.bar_panel(
                f"{key}-{number}", title, text, _PARTS, shown, label, column, right=right
            )
        )
    return tuple(made)
