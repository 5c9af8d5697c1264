# SPDX-License-Identifier: MIT
"""Tables on PDF pages: columns sized from their text, cells wrapped, headings repeated."""

from collections.abc import Sequence

from plots import fontmetrics, style
from plots.figure import Table, limited
from plots.pdf_page import INNER, MARGIN, Pager

#: A table of a full run has thousands of rows, which nobody reads on paper.
MOST_ROWS = 240
_PT = 6.8
_LINE = _PT * 1.28 / 72
_PAD = 0.032
_GAP = 0.16
#: Columns up to this width are never wrapped.
_KEEP = 1.15


def _natural(table: Table) -> list[float]:
    widths = [fontmetrics.width(name, _PT, bold=True) for name in table.columns]
    for row in table.rows:
        for index, value in enumerate(row):
            widths[index] = max(widths[index], fontmetrics.width(value, _PT))
    return widths


def column_widths(natural: Sequence[float], room: float) -> list[float]:
    """Natural widths where they fit; else narrow columns keep theirs and wide ones share the rest."""
    if sum(natural) <= room:
        return list(natural)
    widths = [min(width, _KEEP) for width in natural]
    spare = room - sum(widths)
    if spare <= 0:
        return [width * room / sum(widths) for width in widths]
    wanting = [max(0.0, full - width) for full, width in zip(natural, widths, strict=True)]
    # Even shares first, so that one very long column cannot starve the others.
    while spare > 1e-6 and any(want > 1e-9 for want in wanting):
        open_columns = [i for i, want in enumerate(wanting) if want > 1e-9]
        share = spare / len(open_columns)
        for index in open_columns:
            given = min(share, wanting[index])
            widths[index] += given
            wanting[index] -= given
            spare -= given
    return widths


def draw(pager: Pager, table: Table, running: str) -> None:
    """The table at the cursor; continues on as many pages as it needs."""
    rows = len(table.rows)
    table, left_out = limited(table, MOST_ROWS)
    widths = column_widths(_natural(table), INNER - _GAP * (len(table.columns) - 1))
    lefts = [MARGIN + sum(widths[:i]) + _GAP * i for i in range(len(widths))]
    again = f"{running}, continued"
    pager.need(0.9, running if pager.pages else "")
    if table.title:
        pager.paragraph(f"{table.title} ({rows:,} rows)", 8.0, bold=True, limit=INNER)
    _heading(pager, table, widths, lefts)
    for row in table.rows:
        cells = [
            fontmetrics.wrap(value, _PT, width + 1e-6) if value else [""]
            for value, width in zip(row, widths, strict=True)
        ]
        height = max(len(lines) for lines in cells) * _LINE + 2 * _PAD
        if pager.need(height, again):
            _heading(pager, table, widths, lefts)
        _row(pager, table, cells, widths, lefts)
        pager.y += height
        pager.rule(pager.y, right=lefts[-1] + widths[-1])
    if left_out:
        pager.y += 0.05
        pager.paragraph(left_out, 7.4, colour=style.MUTED)
    pager.y += 0.2


def _heading(pager: Pager, table: Table, widths: Sequence[float], lefts: Sequence[float]) -> None:
    names = [
        fontmetrics.wrap(name, _PT, width + 1e-6, bold=True)
        for name, width in zip(table.columns, widths, strict=True)
    ]
    _row(pager, table, names, widths, lefts, heading=True)
    pager.y += max(len(lines) for lines in names) * _LINE + 2 * _PAD
    pager.rule(pager.y, right=lefts[-1] + widths[-1], heavy=True)


def _row(
    pager: Pager,
    table: Table,
    cells: Sequence[Sequence[str]],
    widths: Sequence[float],
    lefts: Sequence[float],
    heading: bool = False,
) -> None:
    for index, lines in enumerate(cells):
        right = index in table.numeric
        x = lefts[index] + (widths[index] if right else 0.0)
        for number, words in enumerate(lines):
            if words:
                pager.put(
                    words,
                    x,
                    pager.y + _PAD + _LINE * (number + 0.78),
                    _PT,
                    style.MUTED if heading else style.INK,
                    heading,
                    "right" if right else "left",
                )
