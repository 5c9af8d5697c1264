# SPDX-License-Identifier: MIT
"""Pages of the PDF and a cursor that flows text and panels down them. All measures in inches."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from matplotlib.artist import Artist
from matplotlib.figure import Figure as Canvas
from matplotlib.font_manager import FontProperties
from matplotlib.lines import Line2D

from plots import fontmetrics, style, svg
from plots.figure import Panel

WIDTH, HEIGHT = 11.69, 8.27  # A4 landscape
MARGIN = 0.44
TOP, BOTTOM = 0.42, 0.46
INNER = WIDTH - 2 * MARGIN
BODY_PT = 8.4
CAPTION_WIDTH = 9.2  # a longer line is hard to find the next one from


class _Words(Artist):  # type: ignore[misc]
    """All text of a page outside its panels.

    A matplotlib Text measures and lays itself out whenever it is drawn; thousands of table cells that
    were measured already go to the renderer as they are, which takes a third of the time.
    """

    def __init__(self) -> None:
        super().__init__()
        #: (x, y from below, words, size, colour, bold); all measures in points
        self.lines: list[tuple[float, float, str, float, str, bool]] = []

    def draw(self, renderer: Any) -> None:
        """Called by matplotlib; the PDF's unit is the point."""
        pen = renderer.new_gc()
        for x, y, words, points, colour, bold in self.lines:
            pen.set_foreground(colour)
            renderer.draw_text(pen, x, y, words, _face(points, bold), 0.0)
        pen.restore()


@lru_cache(maxsize=64)
def _face(points: float, bold: bool) -> FontProperties:
    weight = "bold" if bold else "normal"
    return FontProperties(family=["DejaVu Sans"], size=points, weight=weight)


@dataclass
class Pager:
    """The pages made so far. `y` is the cursor, inches from the top of the current page."""

    heading: str
    pages: list[Canvas] = field(default_factory=list)
    marks: list[tuple[str, int]] = field(default_factory=list)
    y: float = 0.0
    _words: list[_Words] = field(default_factory=list)

    def page(self) -> Canvas:
        """Starts a page."""
        self.pages.append(Canvas(figsize=(WIDTH, HEIGHT)))
        self._words.append(_Words())
        self.pages[-1].add_artist(self._words[-1])
        self.y = TOP
        return self.pages[-1]

    def room(self) -> float:
        """Inches left on this page."""
        return HEIGHT - BOTTOM - self.y

    def need(self, inches: float, again: str = "") -> bool:
        """Starts a page unless `inches` are left; `again` is its running heading."""
        if self.pages and self.room() >= inches:
            return False
        self.page()
        if again:
            self.line(again, BODY_PT, colour=style.MUTED)
            self.y += 0.08
        return True

    def mark(self, title: str) -> None:
        """A bookmark and contents entry at the current page."""
        self.marks.append((title, len(self.pages)))

    def put(
        self,
        words: str,
        x: float,
        y: float,
        points: float,
        colour: str = style.INK,
        bold: bool = False,
        align: str = "left",
        page: int = -1,
    ) -> None:
        """One line of text with its baseline at y."""
        left = x - fontmetrics.width(words, points, bold) if align == "right" else x
        self._words[page].lines.append((left * 72, (HEIGHT - y) * 72, words, points, colour, bold))

    def line(self, words: str, points: float, colour: str = style.INK, bold: bool = False) -> None:
        """One line at the cursor, which moves on."""
        self.y += points * 1.05 / 72
        self.put(words, MARGIN, self.y, points, colour, bold)
        self.y += points * 0.4 / 72

    def paragraph(
        self,
        words: str,
        points: float = BODY_PT,
        colour: str = style.INK,
        bold: bool = False,
        limit: float = CAPTION_WIDTH,
        again: str = "",
    ) -> None:
        """Wrapped text at the cursor; breaks over pages by line."""
        for one in fontmetrics.wrap(words, points, limit, bold):
            self.need(points * 1.5 / 72, again)
            self.line(one, points, colour, bold)
        self.y += points * 0.35 / 72

    def rule(
        self, y: float, left: float = MARGIN, right: float = WIDTH - MARGIN, heavy: bool = False
    ) -> None:
        """A horizontal rule."""
        self.pages[-1].add_artist(
            Line2D(
                [left / WIDTH, right / WIDTH],
                [1 - y / HEIGHT] * 2,
                color=style.RULE if heavy else style.GRID,
                linewidth=0.8 if heavy else 0.5,
            )
        )

    def panels(self, panels: Sequence[Panel], again: str) -> None:
        """Rows of panels at their own size."""
        for row in rows_of_panels(panels):
            height = max(panel.height for panel in row)
            self.need(height, again)
            left = MARGIN
            for panel in row:
                bottom = HEIGHT - self.y - panel.height
                svg.place(self.pages[-1], panel, left, bottom)
                left += panel.width
            self.y += height + 0.12

    def footers(self) -> None:
        """Page numbers, once the number of pages is known."""
        for index in range(len(self.pages)):
            y = HEIGHT - 0.3
            self.put(self.heading, MARGIN, y, 7.0, style.MUTED, page=index)
            number = f"{index + 1} of {len(self.pages)}"
            self.put(number, WIDTH - MARGIN, y, 7.0, style.MUTED, align="right", page=index)


def rows_of_panels(panels: Sequence[Panel]) -> list[list[Panel]]:
    """Panels packed into rows of at most INNER; a panel that starts a row does."""
    rows: list[list[Panel]] = []
    used = INNER
    for panel in panels:
        if not rows or panel.starts_row or used + panel.width > INNER + 0.02:
            rows.append([])
            used = 0.0
        rows[-1].append(panel)
        used += panel.width
    return rows


def first_row_height(panels: Sequence[Panel]) -> float:
    """Height of the first row, which a heading must not be parted from."""
    rows = rows_of_panels(panels)
    return max(panel.height for panel in rows[0]) if rows else 0.0
