# SPDX-License-Identifier: MIT
"""The PDF's title page: question, facts, the matrices of ratios, what was skipped, contents."""

from collections.abc import Sequence

from plots import fontmetrics, front, pdf_table, style
from plots.figure import Figure, table
from plots.pdf_page import BODY_PT, INNER, MARGIN, Pager

_COLOURS = {"cheaper": style.BLUE, "dearer": "#b34700", "equal": style.INK}
_ROW = 0.262
_LABEL, _TALLY, _SEEN = 1.62, 0.82, 0.78


def draw(pager: Pager, page: front.FrontPage) -> None:
    """Everything above the figures, but the contents."""
    pager.page()
    pager.mark("Front page")
    pager.line("Kevbench report", 18, bold=True)
    pager.y += 0.04
    pager.line(page.question, 10.5)
    pager.y += 0.08
    for words in page.warnings:
        pager.paragraph(f"! {words}", 8.6, colour=_COLOURS["dearer"], bold=True, limit=INNER)
    for name, value in page.facts:
        _fact(pager, name, value)
    pager.y += 0.1
    for matrix in page.matrices:
        _matrix(pager, matrix)
    if page.matrices:
        looks = "    ".join(f"{look.symbol} {look.word}" for look in style.VERDICTS.values())
        pager.need(0.6)
        pager.paragraph(looks, 7.4, colour=style.MUTED, limit=INNER)
        pager.paragraph(
            "“Could have seen” is the smallest difference this run would have found; two mechanisms "
            "that are not told apart may still differ by as much. Every ratio with its own verdict "
            "and resolution is in the numbers of figure 3.",
            7.4,
            colour=style.MUTED,
            limit=INNER,
        )
    else:
        pager.paragraph(
            "No ratio to epoll: the run holds no cell with epoll and another mechanism."
        )
    if page.bars is not None:
        pager.y += 0.06
        pdf_table.draw(pager, page.bars, "kevent against its bars")
        pager.paragraph(
            "Shares of epoll's cost in the same guest and run, by instructions. “Highest ratio” is "
            "the dearest figure under a bar; every one is in the numbers of figure 11.",
            7.4,
            colour=style.MUTED,
            limit=INNER,
        )
    if page.skips:
        pager.y += 0.06
        pdf_table.draw(pager, table("Skipped", ("what", "reason"), page.skips), "Skipped")
    else:
        pager.paragraph("Nothing was skipped.", colour=style.MUTED)


def _fact(pager: Pager, name: str, value: str) -> None:
    lines = fontmetrics.wrap(value, BODY_PT, INNER - 1.75)
    for index, words in enumerate(lines):
        pager.need(0.2)
        pager.y += BODY_PT * 1.05 / 72
        if index == 0:
            pager.put(name, MARGIN, pager.y, BODY_PT, style.MUTED)
        pager.put(words, MARGIN + 1.75, pager.y, BODY_PT)
        pager.y += BODY_PT * 0.42 / 72


def _matrix(pager: Pager, matrix: front.Matrix) -> None:
    title = f"Cost against epoll: {matrix.place.label}"
    title += f" ({matrix.part})" if matrix.part else ""
    step = (INNER - _LABEL - _TALLY - _SEEN) / front.COLUMNS
    pager.need(min(1.1 + _ROW * len(matrix.rows), 5.5))
    pager.line(title, 9.6, bold=True)
    pager.line(
        f"{matrix.metric[:1].upper()}{matrix.metric[1:]}; 1.00 is epoll in the same trigger mode, "
        "below is cheaper. Small print: the interval; for epoll itself, its cost against epoll's "
        "cheapest variant.",
        7.4,
        colour=style.MUTED,
    )
    _head(pager, matrix, step)
    for row in matrix.rows:
        if pager.need(_ROW, f"{title}, continued"):
            _head(pager, matrix, step)
        _row(pager, matrix, row, step)
        pager.y += _ROW
        pager.rule(pager.y, right=_end(matrix, step))
    pager.y += 0.16


def _end(matrix: front.Matrix, step: float) -> float:
    return MARGIN + _LABEL + step * len(matrix.columns) + _TALLY + _SEEN


def _head(pager: Pager, matrix: front.Matrix, step: float) -> None:
    x = MARGIN + _LABEL
    pager.y += 0.16
    for name, count in matrix.groups:
        pager.put(name, x + 0.08, pager.y, 7.2, bold=True)
        x += step * count
    names = [column.split("\n") for column in matrix.columns]
    deepest = max(len(lines) for lines in names)
    lines_of = [*names, ["in all"], ["could", "have seen"]]
    deepest = max(deepest, 2)
    edges = [MARGIN + _LABEL + step * (i + 1) for i in range(len(names))]
    edges += [edges[-1] + _TALLY, edges[-1] + _TALLY + _SEEN]
    for edge, lines in zip(edges, lines_of, strict=True):
        for index, words in enumerate(lines):
            y = pager.y + 0.13 + 0.115 * (index + deepest - len(lines))
            pager.put(words, edge - 0.06, y, _fitting(words, 6.6, step), style.MUTED, align="right")
    pager.put("mechanism", MARGIN, pager.y + 0.13 + 0.115 * (deepest - 1), 6.6, style.MUTED)
    pager.y += 0.13 + 0.115 * deepest
    pager.rule(pager.y - 0.05, right=_end(matrix, step), heavy=True)


def _row(pager: Pager, matrix: front.Matrix, row: front.MatrixRow, step: float) -> None:
    y = pager.y + 0.12
    if row.new_family:
        pager.rule(pager.y, right=_end(matrix, step), heavy=True)
    pager.put(row.label, MARGIN, y, 7.2, bold=True)
    for index, cell in enumerate(row.cells):
        edge = MARGIN + _LABEL + step * (index + 1) - 0.06
        colour = _COLOURS.get(cell.kind, style.MUTED)
        strong = cell.kind in _COLOURS
        words = f"{cell.ratio} {cell.symbol}" if cell.ratio else cell.word
        pager.put(words, edge, y, 7.2, colour, strong, "right")
        if cell.interval:
            pager.put(cell.interval, edge, y + 0.095, 5.8, style.MUTED, align="right")
    edge = MARGIN + _LABEL + step * len(row.cells)
    for words, room, right in (
        (row.tally, _TALLY, edge + _TALLY),
        (row.resolution, _SEEN, edge + _TALLY + _SEEN),
    ):
        pager.put(words, right - 0.06, y, _fitting(words, 6.8, room), align="right")


def _fitting(words: str, size: float, room: float) -> float:
    """The size in points, or a smaller one at which the words leave a gap in `room` inches."""
    return min(size, size * (room - 0.08) / fontmetrics.width(words or " ", size))


def contents(pager: Pager, figures: Sequence[Figure], page: int, top: float) -> None:
    """The contents with page numbers, on a page that was kept for it."""
    empty = {f"Figure {f.number}. {f.title}" for f in figures if f.reason}
    y = top
    pager.put("Contents", MARGIN, y, 11, bold=True, page=page)
    for title, number in pager.marks:
        y += 0.2
        words = f"{title} (no data)" if title in empty else title
        colour = style.MUTED if title in empty else style.INK
        pager.put(words, MARGIN, y, BODY_PT, colour, page=page)
        pager.put(str(number), MARGIN + 6.2, y, BODY_PT, align="right", page=page)


def contents_height(figures: Sequence[Figure]) -> float:
    """Room that `contents` needs: a line each for figures, front page, provenance and numbers."""
    return 0.3 + 0.2 * (len(figures) + 4)
