# SPDX-License-Identifier: MIT
"""Marks that several figures share: lines with bands, direct labels, rows, number columns."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from matplotlib.axes import Axes

from plots import style, text
from plots.model import Side


@dataclass(frozen=True)
class Series:
    """A line: points in x order; an interval is (nan, nan) where the run stored none."""

    side: Side
    label: str
    x: tuple[float, ...]
    y: tuple[float, ...]
    lo: tuple[float, ...] = field(default=())
    hi: tuple[float, ...] = field(default=())
    faint: bool = False


def draw_series(ax: Axes, series: Sequence[Series]) -> None:
    """Lines with their interval bands; faint ones (the repeated reference) under the others."""
    for one in series:
        look = one.side.look
        depth = 2.0 if one.faint else 3.0
        if one.lo and one.hi:
            ax.fill_between(
                one.x, one.lo, one.hi, color=look.colour, alpha=0.16, linewidth=0, zorder=depth - 1
            )
        drawing = look.line()
        if one.faint:
            drawing |= {"alpha": 0.6, "linewidth": 1.0, "markersize": 3.4}
        ax.plot(one.x, one.y, zorder=depth, **drawing)


def label_lines(ax: Axes, series: Sequence[Series], height_in: float) -> None:
    """Writes each line's name at its right end, pushed apart where lines end close together.

    `height_in` is the height of the axes in inches. A line that ends well inside the axes is
    labelled at its last point; the others in the right margin.
    """
    gap = (style.SMALL_PT + 2.2) / 72 / height_in
    wanted: list[tuple[float, Series]] = []
    for one in series:
        to_axes = ax.transData + ax.transAxes.inverted()
        x, y = to_axes.transform((one.x[-1], one.y[-1]))
        if x < 0.78:
            ax.annotate(
                text.short(one.label),
                (one.x[-1], one.y[-1]),
                xytext=(5, 0),
                textcoords="offset points",
                va="center",
                fontsize=style.SMALL_PT,
                color=style.INK,
                zorder=6,
            )
        else:
            wanted.append((float(y), one))
    placed = spread([y for y, _ in wanted], gap, 0.02, 1.0)
    for (y, one), to in zip(wanted, placed, strict=True):
        if abs(to - y) > gap / 4:
            ax.plot(
                [1.0, 1.035],
                [y, to],
                transform=ax.transAxes,
                color=style.RULE,
                linewidth=0.6,
                clip_on=False,
            )
        ax.text(
            1.045,
            to,
            text.short(one.label),
            transform=ax.transAxes,
            va="center",
            fontsize=style.SMALL_PT,
            color=style.MUTED if one.faint else style.INK,
        )


def spread(positions: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """Positions at least `gap` apart, moved little, and within `low` to `high` if they fit.

    Order is kept; equal positions keep the order given, the first on top.
    """
    order = sorted(range(len(positions)), key=lambda i: (positions[i], -i))
    result = list(positions)
    clusters: list[list[int]] = []
    for index in order:
        clusters.append([index])
        while len(clusters) > 1 and _low(clusters[-1], positions, gap) < _high(
            clusters[-2], positions, gap
        ):
            last = clusters.pop()
            clusters[-1].extend(last)
    for cluster in clusters:
        start = _low(cluster, positions, gap) + gap / 2
        for step, index in enumerate(cluster):
            result[index] = start + step * gap
    for step, index in enumerate(order):
        result[index] = max(result[index], low + step * gap)
    for step, index in enumerate(reversed(order)):
        result[index] = min(result[index], high - step * gap)
    return result


def _centre(cluster: Sequence[int], positions: Sequence[float]) -> float:
    return sum(positions[i] for i in cluster) / len(cluster)


def _low(cluster: Sequence[int], positions: Sequence[float], gap: float) -> float:
    return _centre(cluster, positions) - gap * len(cluster) / 2


def _high(cluster: Sequence[int], positions: Sequence[float], gap: float) -> float:
    return _centre(cluster, positions) + gap * len(cluster) / 2


def number_column(ax: Axes, rows: Sequence[str], heading: str, x: float = 1.03) -> None:
    """A column of numbers to the right of the axes, one a row."""
    for place, words in enumerate(rows):
        ax.text(
            x,
            place,
            words,
            transform=ax.get_yaxis_transform(),
            va="center",
            fontsize=style.SMALL_PT,
            color=style.INK,
        )
    if heading:
        ax.text(
            x,
            -0.72,
            heading,
            transform=ax.get_yaxis_transform(),
            va="bottom",
            fontsize=style.SMALL_PT,
            color=style.MUTED,
        )


def row_point(
    ax: Axes, place: float, side: Side, x: float, lo: float | None, hi: float | None
) -> None:
    """A point with its interval bar in row `place`."""
    look = side.look
    if lo is not None and hi is not None and math.isfinite(lo) and math.isfinite(hi):
        ax.plot([lo, hi], [place, place], color=look.colour, linewidth=1.5, zorder=3)
    ax.plot([x], [place], linestyle="none", zorder=4, **look.point())


def stripe(ax: Axes, sides: Sequence[Side]) -> None:
    """Shades every other mechanism's rows, so that families can be told apart at a glance."""
    start, shaded = 0, False
    for place in range(1, len(sides) + 1):
        if place < len(sides) and sides[place].mechanism == sides[start].mechanism:
            continue
        if shaded:
            ax.axhspan(start - 0.5, place - 0.5, color=style.BAND, linewidth=0, zorder=0)
        start, shaded = place, not shaded
