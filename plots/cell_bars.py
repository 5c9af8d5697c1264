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
    shown: Sequence[Cell] | None = None,
) -> tuple[Panel, ...]:
    """Panels for the cells of these rows, which are of one place and metric.

    `description` is followed by what each bar says; `shown` are the cells that get one, all unless given; `right` is the room
    for numbers in inches.
    """
    every = headline.cell_order(row.cell for row in rows)
    among = cells.Among(every)
    made = []
    for number, cell in enumerate(every if shown is None else shown):
        mine = sorted((row for row in rows if row.cell == cell), key=lambda row: row.side.sort_key)
        drawn = [bar(row) for row in mine]
        sentence = "; ".join(f"{one.side.label}: {one.words}" for one in drawn)
        title = among.title(cell)
        text = f"{description} {sentence}."
        made.append(
            bars.bar_panel(
                f"{key}-{number}", title, text, _PARTS, drawn, label, column, right=right
            )
        )
    return tuple(made)
