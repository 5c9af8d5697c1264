# SPDX-License-Identifier: MIT
"""Figure 7: latencies over time, as a heatmap."""

import math
from collections.abc import Sequence

import matplotlib
from matplotlib.axes import Axes
from matplotlib.patches import PathPatch, Rectangle
from matplotlib.path import Path

from plots import axes, cells, grouping, headline, style, text
from plots.figure import Figure, Margins, Panel, Section, Table, missing, table
from plots.model import Cell, Heat, Run
from plots.reasons import why_missing

TITLE = "Latency over time"
COLUMNS, ROWS, SHADES = 48, 36, 8
_HEIGHT = 2.3
_MARGINS = Margins(0.62, 0.72, 0.34, 0.46)


def _bins(
    heat: Heat, span: float, limits: tuple[float, float]
) -> tuple[dict[tuple[int, int], int], int]:
    """(column, row) -> operations, and the largest of them."""
    low, high = math.log(limits[0]), math.log(limits[1])
    counts: dict[tuple[int, int], int] = {}
    for second, ns, count in heat.points:
        column = min(COLUMNS - 1, int(COLUMNS * second / span))
        height = (math.log(max(ns, 1.0)) - low) / (high - low)
        row = min(ROWS - 1, max(0, int(ROWS * height)))
        counts[(column, row)] = counts.get((column, row), 0) + count
    return counts, max(counts.values(), default=1)


def shade(count: int, most: int) -> int:
    """Which of SHADES steps of a log scale from 1 to `most` a count belongs to."""
    if most <= 1:
        return SHADES - 1
    return min(SHADES - 1, int(SHADES * math.log(count) / math.log(most)))


def _colour(step: int) -> tuple[float, ...]:
    # From the dark end: few operations are dark, many are bright.
    found = matplotlib.colormaps["cividis"]((step + 0.5) / SHADES)
    return tuple(float(part) for part in found)


def _draw_bins(
    ax: Axes, counts: dict[tuple[int, int], int], most: int, span: float, rows: Sequence[float]
) -> None:
    """All fields of a shade are one path, which keeps the drawing small."""
    fields: dict[int, list[tuple[int, int]]] = {}
    for place, count in sorted(counts.items()):
        fields.setdefault(shade(count, most), []).append(place)
    wide = span / COLUMNS
    for step, places in sorted(fields.items()):
        vertices: list[tuple[float, float]] = []
        codes: list[int] = []
        for column, row in places:
            left, right = column * wide, (column + 1) * wide
            bottom, top = rows[row], rows[row + 1]
            vertices += [(left, bottom), (right, bottom), (right, top), (left, top), (left, bottom)]
            codes += [Path.MOVETO, Path.LINETO, Path.LINETO, Path.LINETO, Path.CLOSEPOLY]
        path = Path(vertices, codes)
        ax.add_patch(PathPatch(path, facecolor=_colour(step), linewidth=0, zorder=2))


def _key(ax: Axes, most: int) -> None:
    """Shades and what they stand for, beside the axes."""
    steps = [0] if most <= 1 else list(range(SHADES))
    for step in steps:
        y = 0.12 + 0.7 * step / SHADES
        ax.add_patch(
            Rectangle(
                (1.04, y),
                0.05,
                0.7 / SHADES,
                transform=ax.transAxes,
                facecolor=_colour(step),
                linewidth=0,
                clip_on=False,
            )
        )
    for height, words in ((0.12, "1"), (0.82, text.count_tick(float(f"{most:.2g}")))):
        ax.text(
            1.11, height, words, transform=ax.transAxes, va="center", fontsize=style.SMALL_PT - 0.4
        )
    ax.text(1.04, 0.93, "operations", transform=ax.transAxes, fontsize=style.SMALL_PT - 0.4)


def _panel(heat: Heat, key: str, title: str, span: float, limits: tuple[float, float]) -> Panel:
    counts, most = _bins(heat, span, limits)
    step = math.log(limits[1] / limits[0]) / ROWS
    edges = [limits[0] * math.exp(step * row) for row in range(ROWS + 1)]

    def draw(ax: Axes) -> None:
        axes.log_y(ax, limits, "latency", text.time_tick)
        ax.set_xlim(0, span)
        ticks = axes.linear_ticks(0, span, 4)
        ax.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
        ax.set_xlabel("seconds since the first of these slices")
        axes.below(ax)
        _draw_bins(ax, counts, most, span, edges)
        _key(ax, most)

    total = sum(counts.values())
    slowest = max(ns for _, ns, _ in heat.points)
    return Panel(
        key,
        title,
        f"{title}: {total:,} operations over {span:.3g} s, the slowest "
        f"{text.time_tick(float(f'{slowest:.3g}'))}, at most {most:,} in a field.",
        draw,
        3.6,
        _HEIGHT,
        _MARGINS,
    )


def _cell_panels(cell: Cell, heats: Sequence[Heat], key: str, among: cells.Among) -> list[Panel]:
    began = min(second for heat in heats for second, _, _ in heat.points)
    moved = [
        Heat(h.place, h.cell, h.side, tuple((s - began, ns, n) for s, ns, n in h.points))
        for h in heats
    ]
    span = max(second for heat in moved for second, _, _ in heat.points) * 1.02 or 1.0
    limits = axes.log_limits((ns for heat in moved for _, ns, _ in heat.points), 0.02)
    by_side = {heat.side: heat for heat in moved}
    named = among.title(cell)
    return [
        _panel(by_side[side], f"{key}-{number}", f"{named}: {side.label}", span, limits)
        for number, side in enumerate(grouping.ordered(by_side))
    ]


def _table(heading: str, heats: Sequence[Heat]) -> Table:
    """By side: operations, and the slowest of each fifth of the time."""
    lines = []
    among = cells.Among(heat.cell for heat in heats)
    for heat in sorted(heats, key=lambda h: (headline.cell_rank(h.cell), h.side.sort_key)):
        began = min(s for h in heats if h.cell == heat.cell for s, _, _ in h.points)
        span = max(s for h in heats if h.cell == heat.cell for s, _, _ in h.points) - began or 1.0
        slowest = [0.0] * 5
        for second, ns, _ in heat.points:
            part = min(4, int(5 * (second - began) / span))
            slowest[part] = max(slowest[part], ns)
        total = sum(count for _, _, count in heat.points)
        parts = [f"{value:,.0f}" if value else text.MISSING for value in slowest]
        lines.append((among.title(heat.cell), heat.side.label, f"{total:,}", *parts))
    columns = ("cell", "mechanism", "n", *(f"slowest, fifth {n}" for n in range(1, 6)))
    return table(f"{heading}: latency, ns", columns, lines, tuple(range(2, 8)))


def build(run: Run) -> Figure:
    """One panel a mechanism, of a cell of each of a few workloads."""
    sections: list[Section] = []
    tables: list[Table] = []
    for place in run.places:
        here = [heat for heat in run.heats if heat.place == place and heat.points]
        if not here:
            continue
        order = headline.cell_order(heat.cell for heat in here)
        panels: list[Panel] = []
        for number, cell in enumerate(order):
            own = [heat for heat in here if heat.cell == cell]
            panels += _cell_panels(cell, own, f"f7-{len(sections)}-{number}", cells.Among(order))
        sections.append(Section(place.label, tuple(panels)))
        tables.append(_table(place.label, here))
    if not sections:
        reason = why_missing(run, "latency histogram of single slices", ())
        return missing(7, "over-time", TITLE, reason)
    caption = (
        "Time runs to the right, latency upwards on a log scale, and brighter means more operations "
        "(log scale, key at the side). A dark streak above the rest is a stall; a band that bends at "
        "the left is warm-up that the warm-up slices did not take; stripes at equal distances are "
        "something periodic. Empty columns: other mechanisms had their turn. One variant of each "
        f"mechanism in one cell of at most three workloads. {COLUMNS} columns, {ROWS} rows; all stored "
        "operations are drawn, so there is no interval."
    )
    return Figure(7, "over-time", TITLE, caption, tuple(sections), tuple(tables))
