# SPDX-License-Identifier: MIT
"""Rows of horizontal bars from zero, plain or stacked, with a number beside each."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from plots import axes, marks, style, text
from plots.figure import Margins, Panel
from plots.model import Side


@dataclass(frozen=True)
class Part:
    """One part of a stack: its name and look."""

    name: str
    colour: str
    hatch: str = ""


@dataclass(frozen=True)
class Bar:
    """One row: a length for each part, the number written beside it, and an interval of the sum."""

    side: Side
    lengths: tuple[float, ...]
    words: str
    lo: float | None = None
    hi: float | None = None


def bar_panel(
    key: str,
    title: str,
    description: str,
    parts: Sequence[Part],
    bars: Sequence[Bar],
    label: str,
    column: str,
    ticks: Callable[[float], str] = text.count_tick,
    right: float = 0.95,
) -> Panel:
    """A panel of bars. With `parts` of one empty name each bar has its mechanism's colour."""
    longest = max(max(sum(bar.lengths), bar.hi or 0.0) for bar in bars)

    def draw(ax: Axes) -> None:
        axes.zero_x(ax, longest, label, ticks)
        axes.rows_y(ax, [bar.side.label for bar in bars])
        axes.below(ax)
        marks.stripe(ax, [bar.side for bar in bars])
        for place, bar in enumerate(bars):
            _draw_bar(ax, place, bar, parts)
        marks.number_column(ax, [bar.words for bar in bars], column)

    height = 0.98 + axes.row_height(len(bars)) * len(bars)
    margins = Margins(
        left=axes.label_room(bar.side.label for bar in bars),
        right=right,
        top=0.5 if column else 0.36,
        bottom=0.46,
    )
    return Panel(key, title, description, draw, 3.6, height, margins)


def _draw_bar(ax: Axes, place: int, bar: Bar, parts: Sequence[Part]) -> None:
    start = 0.0
    for part, whole in zip(parts, bar.lengths, strict=True):
        length = min(whole, axes.MOST)
        colour = part.colour if part.name else bar.side.look.colour
        if length > 0:
            # Drawn as patches: Axes.barh costs ten times as much for a single bar.
            ax.add_patch(
                Rectangle(
                    (start, place - 0.34),
                    length,
                    0.68,
                    facecolor=colour,
                    edgecolor=style.PAPER,
                    linewidth=0.5,
                    hatch=part.hatch or None,
                    zorder=3,
                )
            )
        start += length
    if bar.lo is not None and bar.hi is not None and bar.hi > bar.lo:
        ends = [min(bar.lo, axes.MOST), min(bar.hi, axes.MOST)]
        ax.plot(ends, [place, place], color=style.INK, linewidth=1.1, zorder=5)
        ax.plot(ends, [place] * 2, "|", color=style.INK, markersize=5, zorder=5)


def key_panel(key: str, parts: Sequence[Part]) -> Panel:
    """The key to stacked parts, outside every plot."""
    columns = 2 if len(parts) > 3 else 1
    lines = -(-len(parts) // columns)

    def draw(ax: Axes) -> None:
        ax.set_axis_off()
        ax.set_xlim(0, columns)
        ax.set_ylim(lines - 0.4, -0.6)
        for index, part in enumerate(parts):
            column, line = divmod(index, lines)
            ax.add_patch(
                Rectangle(
                    (column + 0.01, line - 0.3),
                    0.1 * columns / 2,
                    0.6,
                    facecolor=part.colour,
                    edgecolor=style.PAPER,
                    linewidth=0.5,
                    hatch=part.hatch or None,
                )
            )
            ax.text(column + 0.08 * columns, line, part.name, va="center", fontsize=style.FONT_PT)

    names = text.listing(part.name for part in parts)
    return Panel(
        key,
        "Key",
        f"The key to the parts of each bar: {names}.",
        draw,
        3.6,
        0.5 + 0.2 * lines,
        Margins(left=0.1, right=0.1, top=0.34, bottom=0.08),
    )
