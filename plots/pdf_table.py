# SPDX-License-Identifier: MIT
"""Tables on PDF pages: columns sized from their text, cells wrapped, headings repeated.

A table that is narrower than half a page is set in several columns beside each other, like a
telephone book: tables of numbers are long and thin, and most of a page would stay white.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from plots import fontmetrics, style
from plots.figure import Table, limited
from plots.pdf_page import INNER, MARGIN, Pager

#: A table of a full run has thousands of rows, which nobody reads on paper.
MOST_ROWS = 240
#: Of a table with more columns than this, half as many.
_WIDE = 4
_PT = 6.6
_LINE = _PT * 1.2 / 72
_PAD = 0.014
_GAP = 0.13
_GUTTER = 0.34
_NAME = _LINE + 2 * _PAD
#: Text columns up to this width are never wrapped.
_KEEP = 1.15
#: Fewer rows than this do not make a column of their own.
_LEAST_ROWS = 8
_MOST_STRIPS = 3

Lines = tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class _Layout:
    """How a table is set: cells wrapped for `strips` equal parts of the page's width."""

    strips: int
    widths: tuple[float, ...]
    heading: Lines
    rows: tuple[Lines, ...]
    groups: tuple[str, ...]  # name of each row's group; empty where rows have none

    @property
    def width(self) -> float:
        return sum(self.widths) + _GAP * (len(self.widths) - 1)

    def heights(self) -> list[float]:
        """Of each row, with the line that names its group where one begins."""
        return [
            _height(row) + (_NAME if self.begins(index) else 0.0)
            for index, row in enumerate(self.rows)
        ]

    def begins(self, index: int) -> bool:
        """True for the first row of a group."""
        return bool(self.groups) and (index == 0 or self.groups[index] != self.groups[index - 1])


def _height(cells: Lines) -> float:
    return max(len(lines) for lines in cells) * _LINE + 2 * _PAD


def _heading_width(name: str) -> float:
    """The narrowest a column heading gets when it is broken into two lines."""
    words = name.split(" ")
    splits = [(" ".join(words[:i]), " ".join(words[i:])) for i in range(1, len(words))]
    both = [max(fontmetrics.width(part, _PT, bold=True) for part in split) for split in splits]
    return min(both, default=fontmetrics.width(name, _PT, bold=True))


def _natural(table: Table) -> list[float]:
    widths = [_heading_width(name) for name in table.columns]
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


def _wrapped(values: Sequence[str], widths: Sequence[float], bold: bool = False) -> Lines:
    return tuple(
        tuple(fontmetrics.wrap(value, _PT, width + 1e-6, bold)) if value else ("",)
        for value, width in zip(values, widths, strict=True)
    )


def _layout(
    table: Table, groups: tuple[str, ...], natural: Sequence[float], strips: int
) -> _Layout:
    room = (INNER - _GUTTER * (strips - 1)) / strips - _GAP * (len(natural) - 1)
    widths = column_widths(natural, room)
    return _Layout(
        strips,
        tuple(widths),
        _wrapped(table.columns, widths, bold=True),
        tuple(_wrapped(row, widths) for row in table.rows),
        groups,
    )


def _readable(table: Table, natural: Sequence[float], layout: _Layout) -> bool:
    """False where numbers would be broken or text columns squeezed to shreds."""
    return all(
        width >= (full if index in table.numeric else min(full, _KEEP)) - 1e-6
        for index, (full, width) in enumerate(zip(natural, layout.widths, strict=True))
    )


def _without_cells(table: Table) -> tuple[Table, tuple[str, ...]]:
    """A first column of cells becomes lines above their rows: it would be mostly repetition."""
    if table.columns[0] != "cell":
        return table, ()
    shorter = replace(
        table,
        columns=table.columns[1:],
        rows=tuple(row[1:] for row in table.rows),
        numeric=frozenset(index - 1 for index in table.numeric),
    )
    return shorter, tuple(row[0] for row in table.rows)


def _best_layout(table: Table, groups: tuple[str, ...]) -> _Layout:
    """The number of strips that takes the least height in all."""
    natural = _natural(table)
    best = _layout(table, groups, natural, 1)
    for strips in range(2, min(_MOST_STRIPS, len(table.rows) // _LEAST_ROWS) + 1):
        other = _layout(table, groups, natural, strips)
        if not _readable(table, natural, other):
            break
        if sum(other.heights()) / strips < 0.9 * sum(best.heights()) / best.strips:
            best = other
    return best


def split(heights: Sequence[float], strips: int, room: float) -> list[int]:
    """How many rows go into each strip of `room` inches, filled in order; at least one row each."""
    counts: list[int] = []
    start = 0
    for _ in range(strips):
        used, count = 0.0, 0
        while start + count < len(heights) and (
            not count or used + heights[start + count] <= room + 1e-9
        ):
            used += heights[start + count]
            count += 1
        if count:
            counts.append(count)
        start += count
    return counts


def balanced(heights: Sequence[float], strips: int, room: float) -> list[int]:
    """As `split`, but strips of about equal height where everything left fits."""
    if sum(split(heights, strips, room)) < len(heights):
        return split(heights, strips, room)
    height = sum(heights) / strips
    while height < room and sum(split(heights, strips, height)) < len(heights):
        height += _LINE / 2
    return split(heights, strips, min(height, room))


def draw(pager: Pager, table: Table, running: str) -> None:
    """The table at the cursor; continues on as many pages as it needs."""
    rows = len(table.rows)
    wide = len(table.columns) > _WIDE
    table, left_out = limited(table, MOST_ROWS // 2 if wide else MOST_ROWS)
    table, groups = _without_cells(table)
    layout = _best_layout(table, groups)
    heights = layout.heights()
    # Every strip names the group it begins in, be it in the middle of one.
    head = _height(layout.heading) + (_NAME if groups else 0.0)
    again = f"{running}, continued"
    # A heading with a few rows under it, or all of them, or a new page.
    pager.need(0.3 + head + min(sum(heights) / layout.strips, 1.0), running if pager.pages else "")
    if table.title:
        pager.paragraph(f"{table.title} ({rows:,} rows)", 8.0, bold=True, limit=INNER)
    start = 0
    while start < len(heights):
        pager.need(head + heights[start], again)
        counts = balanced(heights[start:], layout.strips, pager.room() - head)
        top, lowest = pager.y, pager.y
        for strip, count in enumerate(counts):
            pager.y = top
            _strip(pager, table, layout, strip, range(start, start + count))
            lowest = max(lowest, pager.y)
            start += count
        pager.y = lowest
    if left_out:
        pager.y += 0.05
        pager.paragraph(left_out, 7.4, colour=style.MUTED)
    pager.y += 0.2


def _strip(pager: Pager, table: Table, layout: _Layout, strip: int, part: range) -> None:
    """The heading and some rows, one strip wide, from the cursor down."""
    left = MARGIN + strip * ((INNER - _GUTTER * (layout.strips - 1)) / layout.strips + _GUTTER)
    right = left + layout.width
    _row(pager, table, layout.heading, layout.widths, left, heading=True)
    pager.y += _height(layout.heading)
    pager.rule(pager.y, left, right, heavy=True)
    for index in part:
        cells = layout.rows[index]
        if layout.begins(index) or (layout.groups and index == part.start):
            name = layout.groups[index] + ("" if layout.begins(index) else ", continued")
            pager.put(name, left, pager.y + _PAD + _LINE * 0.78, _PT, style.MUTED, True)
            pager.y += _NAME
        _row(pager, table, cells, layout.widths, left)
        pager.y += _height(cells)
        pager.rule(pager.y, left, right)


def _row(
    pager: Pager,
    table: Table,
    cells: Lines,
    widths: Sequence[float],
    left: float,
    heading: bool = False,
) -> None:
    deepest = max(len(lines) for lines in cells)
    for index, lines in enumerate(cells):
        right = index in table.numeric
        x = left + sum(widths[:index]) + _GAP * index + (widths[index] if right else 0.0)
        # Headings stand on the rule under them.
        down = deepest - len(lines) if heading else 0
        for number, words in enumerate(lines):
            if words:
                pager.put(
                    words,
                    x,
                    pager.y + _PAD + _LINE * (number + down + 0.78),
                    _PT,
                    style.MUTED if heading else style.INK,
                    heading,
                    "right" if right else "left",
                )
