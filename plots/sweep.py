# SPDX-License-Identifier: MIT
"""A metric against a parameter: an overview panel, then small multiples with the same axes.

With a single value of the parameter there is no line to draw; the values become rows of points.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes

from plots import axes, cells, grouping, marks, text
from plots.figure import OVERVIEW, SMALL, Margins, Panel, Section
from plots.model import Cell, Place, Row, Run, Side

HEIGHT, TOP, BOTTOM = 2.4, 0.34, 0.44


#: Of a section; beyond them, panels of single mechanisms are drawn for one set of parameters only.
MOST_PANELS = 24


@dataclass(frozen=True)
class Sweep:
    """What is drawn against what. `x` of a cell may be derived, such as idle descriptors."""

    key: str
    workload: str
    metric: str
    x: Callable[[Cell], float | None]
    x_label: str
    y_label: str
    swept: tuple[str, ...]
    y_format: Callable[[float], str] = text.count_tick
    heading: str = ""


def rows_of(run: Run, sweep: Sweep, place: Place) -> list[Row]:
    """The measured rows a sweep draws at a place."""
    return [
        row
        for row in run.rows
        if row.measured
        and row.place == place
        and row.cell.workload == sweep.workload
        and row.metric == sweep.metric
        and sweep.x(row.cell) is not None
        and (row.value or 0) > 0
    ]


def panels(rows: Sequence[Row], sweep: Sweep, key: str) -> list[list[Panel]]:
    """Panels of one place; other parameters than the swept ones split into sets of panels, each
    with one variant of each mechanism in the first."""
    rest = [n for n in cells.varying(row.cell for row in rows) if n not in sweep.swept]
    sets: dict[tuple[str, ...], list[Row]] = {}
    for row in rows:
        sets.setdefault(tuple(row.cell.value(name) or "" for name in rest), []).append(row)
    result: list[list[Panel]] = []
    for index, values in enumerate(sorted(sets, key=lambda v: [cells.natural(x) for x in v])):
        part = sets[values]
        suffix = cells.words(part[0].cell, rest)
        result.append(_one_set(part, sweep, f"{key}-{sweep.key}-{index}", suffix))
    return result


def _one_set(rows: Sequence[Row], sweep: Sweep, key: str, suffix: str) -> list[Panel]:
    xs = sorted({x for row in rows if (x := sweep.x(row.cell)) is not None})
    if len(xs) < 2:
        return [_single(rows, sweep, key, suffix, xs[0])]
    positive = [x for x in xs if x > 0]
    rows = [row for row in rows if (sweep.x(row.cell) or 0) > 0]
    x_limits = axes.log_limits(positive, pad=0.04)
    by_side: dict[Side, list[Row]] = {}
    for row in rows:
        by_side.setdefault(row.side, []).append(row)

    first = grouping.overview(by_side)
    groups = [first] if len(first.sides) > 1 else []
    groups += [
        g for g in grouping.families(by_side) if not groups or set(g.sides) - set(first.sides)
    ]
    labels = [group.label(side) for group in groups for side in _members(group)]
    margins = Margins(0.6, axes.label_room(labels, 1.3) + 0.04, TOP, BOTTOM)
    built: list[Panel] = []
    for group in groups:
        wide = group.key == "overview"
        series = [_series(side, by_side[side], sweep, group) for side in _members(group)]
        name = (
            f"{sweep.workload}, {suffix}: {group.title}"
            if suffix
            else (f"{sweep.workload}: {group.title}")
        )
        # Scanning mechanisms would squeeze the others into the lowest decade of a common axis.
        alike = [g for g in groups if grouping.shares_scale(g, group)]
        limits = _y_limits(row for row in rows if any(row.side in _members(g) for g in alike))
        built.append(
            _line_panel(series, sweep, f"{key}-{group.key}", name, x_limits, limits, margins, wide)
        )
    return built


def _y_limits(rows: Iterable[Row]) -> tuple[float, float]:
    # At least a decade: on a narrower scale a nearly flat line would look like a steep one.
    values = [v for row in rows for v in (row.value, row.lo, row.hi) if v is not None]
    return axes.log_limits(values, least=10.0)


def _members(group: grouping.Group) -> list[Side]:
    return ([group.reference] if group.reference else []) + list(group.sides)


def _series(side: Side, rows: Sequence[Row], sweep: Sweep, group: grouping.Group) -> marks.Series:
    points = sorted((sweep.x(row.cell) or 0.0, row) for row in rows if row.value is not None)
    nan = math.nan
    return marks.Series(
        side,
        group.label(side),
        tuple(x for x, _ in points),
        tuple(row.value or nan for _, row in points),
        tuple(nan if row.lo is None else row.lo for _, row in points),
        tuple(nan if row.hi is None else row.hi for _, row in points),
        side == group.reference,
    )


def _line_panel(
    series: Sequence[marks.Series],
    sweep: Sweep,
    key: str,
    title: str,
    x_limits: tuple[float, float],
    y_limits: tuple[float, float],
    margins: Margins,
    wide: bool,
) -> Panel:
    inner = HEIGHT - TOP - BOTTOM

    def draw(ax: Axes) -> None:
        axes.log_x(ax, x_limits, sweep.x_label)
        axes.log_y(ax, y_limits, sweep.y_label, sweep.y_format)
        axes.below(ax)
        marks.draw_series(ax, series)
        marks.label_lines(ax, series, inner)

    return Panel(
        key,
        title,
        describe(series, sweep),
        draw,
        OVERVIEW if wide else SMALL,
        HEIGHT,
        margins,
        wide,
    )


def describe(series: Sequence[marks.Series], sweep: Sweep) -> str:
    """First and last value of each line, for readers who cannot see it."""
    lines = [
        f"{s.label}: {text.number(s.y[0])} at {text.number(s.x[0])}, "
        f"{text.number(s.y[-1])} at {text.number(s.x[-1])}"
        for s in series
    ]
    return f"{sweep.y_label} against {sweep.x_label}. " + "; ".join(lines) + "."


def _single(rows: Sequence[Row], sweep: Sweep, key: str, suffix: str, at: float) -> Panel:
    order = sorted((row for row in rows if row.value is not None), key=lambda r: r.side.sort_key)
    values = [v for row in order for v in (row.value, row.lo, row.hi) if v is not None]

    def draw(ax: Axes) -> None:
        axes.log_x(ax, axes.log_limits(values), sweep.y_label, sweep.y_format)
        axes.rows_y(ax, [row.side.label for row in order])
        axes.below(ax)
        marks.stripe(ax, [row.side for row in order])
        for place, row in enumerate(order):
            marks.row_point(ax, place, row.side, row.value or 0.0, row.lo, row.hi)
        marks.number_column(ax, [text.number(row.value) for row in order], "")

    title = f"{sweep.workload} at {' '.join(sweep.swept)} {text.number(at)}"
    title = f"{title}, {suffix}" if suffix else title
    sentence = "; ".join(f"{row.side.label}: {text.number(row.value)}" for row in order)
    return Panel(
        f"{key}-single",
        title,
        f"{sweep.y_label}. {sentence}.",
        draw,
        3.6,
        0.85 + axes.row_height(len(order)) * len(order),
        Margins(
            left=axes.label_room(row.side.label for row in order), right=0.6, top=0.36, bottom=0.46
        ),
    )


def section(run: Run, place: Place, sweeps: Sequence[Sweep], key: str) -> tuple[Section, list[Row]]:
    """All sweeps at a place as one section, and the rows drawn."""
    drawn: list[Row] = []
    found: list[Panel] = []
    notes: list[str] = []
    for sweep in sweeps:
        rows = rows_of(run, sweep, place)
        if not rows:
            continue
        drawn += rows
        first, *others = panels(rows, sweep, key)
        found += first
        whole = run.confined or len(found) + sum(len(one) for one in others) <= MOST_PANELS
        found += [panel for one in others for panel in (one if whole else one[:1])]
        left = 0 if whole else sum(len(one) - 1 for one in others)
        constant = cells.fixed(row.cell for row in rows)
        about = f"{sweep.workload}: {sweep.y_label} against {sweep.x_label}"
        notes.append(f"{about}; fixed: {constant}." if constant else f"{about}.")
        if left:
            notes.append(
                f"{left} further panels, of single mechanisms, are not drawn: see the table, or draw "
                "one workload (report --workload)."
            )
    return Section(place.label, tuple(found), tuple(notes)), drawn
