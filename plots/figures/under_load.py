# SPDX-License-Identifier: MIT
"""Figure 4: latency against offered rate."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes

from plots import axes, captions, cells, distribution, grouping, marks, style, text
from plots.figure import Margins, Panel, Section, Table, missing, table
from plots.figure import Figure
from plots.model import Cell, Place, Row, Run, Side
from plots.reasons import why_missing

TITLE = "Latency against offered rate"
#: metric, quantile, words
_QUANTILES = (("p50_ns", 0.5, "median"), ("p99_ns", 0.99, "99 %"), ("p999_ns", 0.999, "99.9 %"))
_WIDTH, _HEIGHT, _TOP, _BOTTOM = 3.6, 2.4, 0.34, 0.44


@dataclass(frozen=True)
class Point:
    """One side at one rate: its quantile from the intended start, and from the actual one."""

    rate: float
    row: Row
    uncorrected: float | None
    saturated: bool


Lines = dict[Side, list[Point]]


def _points(run: Run, place: Place, metric: str, q: float) -> dict[tuple[str, str], Lines]:
    """(workload, its other parameters) -> side -> points by rate."""
    rows = [
        row
        for row in run.rows
        if row.place == place
        and row.metric == metric
        and row.measured
        and (row.value or 0) > 0
        and (row.cell.number("rate") or 0) > 0
    ]
    late = {
        (check.cell, check.side)
        for check in run.checks
        if check.name == "kept pace" and check.state == "failed"
    }
    sent = {
        (h.cell, h.side): h for h in run.histograms if h.place == place and h.kind == "uncorrected"
    }
    among = cells.Among(row.cell for row in rows)
    found: dict[tuple[str, str], Lines] = {}
    for row in rows:
        names = [name for name in among.names(row.cell) if name != "rate"]
        rest = cells.words(row.cell, names)
        hist = sent.get((row.cell, row.side))
        enough = hist is not None and hist.total * (1 - q) >= distribution.LEAST
        found.setdefault((row.cell.workload, rest), {}).setdefault(row.side, []).append(
            Point(
                row.cell.number("rate") or 0.0,
                row,
                distribution.quantile(hist, q) if hist is not None and enough else None,
                (row.cell, row.side) in late,
            )
        )
    for lines in found.values():
        for points in lines.values():
            points.sort(key=lambda point: point.rate)
    return found


def _closed_maximum(run: Run, place: Place, cell: Cell) -> float | None:
    """What epoll level-triggered reached in a closed loop with the same connections."""
    for row in run.rows:
        if (
            row.place == place
            and row.metric == "requests_per_s"
            and row.side.is_reference
            and row.measured
            and row.cell.workload == cell.workload
            and row.cell.value("connections") == cell.value("connections")
            and row.cell.value("mode") == "closed"
        ):
            return row.value
    return None


def _limits(lines: Sequence[Lines]) -> tuple[float, float]:
    values = [
        value
        for part in lines
        for points in part.values()
        for point in points
        for value in (point.row.value, point.row.lo, point.row.hi, point.uncorrected)
        if value is not None
    ]
    return axes.log_limits(values, 0.05)


def _draw_side(ax: Axes, points: Sequence[Point], series: marks.Series) -> None:
    marks.draw_series(ax, [series])
    if series.faint:
        return
    colour = series.side.look.colour
    sent = [(p.rate, p.uncorrected) for p in points if p.uncorrected is not None]
    if sent:
        xs, ys = zip(*sent)
        ax.plot(xs, ys, color=colour, linewidth=0.9, linestyle=(0, (1, 1.6)), alpha=0.85)
    for point in points:
        if point.saturated:
            ax.plot(
                [point.rate],
                [point.row.value],
                marker="x",
                markersize=7.5,
                markeredgewidth=1.6,
                color=style.VERMILION,
                linestyle="none",
                zorder=6,
            )


def _panel(
    lines: Lines,
    group: grouping.Group,
    key: str,
    title: str,
    limits: tuple[tuple[float, float], tuple[float, float]],
    ceiling: float | None,
) -> Panel:
    members = ([group.reference] if group.reference else []) + list(group.sides)
    members = [side for side in members if side in lines]
    margins = Margins(0.62, axes.label_room([group.label(s) for s in members], 1.3) + 0.04)
    margins = Margins(margins.left, margins.right, _TOP, _BOTTOM)
    series = [_series(side, lines[side], group) for side in members]

    def draw(ax: Axes) -> None:
        axes.log_x(ax, limits[0], "offered rate, requests/s")
        axes.log_y(ax, limits[1], "latency", text.time_tick)
        axes.below(ax)
        if ceiling is not None and limits[0][0] < ceiling < limits[0][1]:
            ax.axvline(ceiling, color=style.RULE, linewidth=1.1, linestyle=(0, (3, 2)), zorder=1)
        for one in series:
            _draw_side(ax, lines[one.side], one)
        marks.label_lines(ax, series, _HEIGHT - _TOP - _BOTTOM)

    return Panel(
        key,
        title,
        f"{title}. {_sentence(lines, members)}",
        draw,
        _WIDTH,
        _HEIGHT,
        margins,
    )


def _series(side: Side, points: Sequence[Point], group: grouping.Group) -> marks.Series:
    def values(name: str) -> tuple[float, ...]:
        found = (getattr(point.row, name) for point in points)
        return tuple(math.nan if value is None else float(value) for value in found)

    return marks.Series(
        side,
        group.label(side),
        tuple(point.rate for point in points),
        values("value"),
        values("lo"),
        values("hi"),
        side == group.reference,
    )


def _sentence(lines: Lines, members: Sequence[Side]) -> str:
    parts = []
    for side in members:
        last = lines[side][-1]
        word = ", saturated" if last.saturated else ""
        value = text.time_tick(float(f"{last.row.value or 0:.3g}"))
        parts.append(f"{side.label}: {value} at {text.number(last.rate)} requests/s{word}")
    return "; ".join(parts) + "."


def _rows_panel(lines: Lines, key: str, title: str) -> Panel:
    """Where one rate only was measured: rows of points, the actual start as a smaller dot."""
    order = grouping.ordered(lines)
    found = [(place, side, lines[side][0]) for place, side in enumerate(order)]
    limits = _limits([lines])

    def draw(ax: Axes) -> None:
        axes.log_x(ax, limits, "latency", text.time_tick)
        axes.rows_y(ax, [side.label for side in order])
        axes.below(ax)
        marks.stripe(ax, order)
        for place, side, point in found:
            if point.uncorrected is not None:
                ax.plot([point.uncorrected], [place], ".", color=side.look.colour, markersize=4)
            row = point.row
            marks.row_point(ax, place, side, row.value or 0.0, row.lo, row.hi)
        marks.number_column(
            ax, [text.time_tick(float(f"{p.row.value or 0:.3g}")) for _, _, p in found], ""
        )

    return Panel(
        key,
        title,
        f"{title}. {_sentence(lines, order)}",
        draw,
        3.6,
        0.85 + axes.row_height(len(order)) * len(order),
        Margins(axes.label_room(side.label for side in order), 0.62, 0.36, 0.46),
    )


def _panels(run: Run, place: Place, key: str) -> list[Panel]:
    """A panel a quantile with one variant of each mechanism, then at 99 % all variants."""
    by_quantile = {name: _points(run, place, name, q) for name, q, _ in _QUANTILES}
    every = {about for found in by_quantile.values() for about in found}
    result: list[Panel] = []
    for number, about in enumerate(sorted(every)):
        workload = ", ".join(part for part in about if part)
        families: list[Panel] = []
        for metric, _, words in _QUANTILES:
            lines = by_quantile[metric].get(about, {})
            rates = {point.rate for points in lines.values() for point in points}
            title, name = f"{workload}: {words}", f"{key}-{number}-{metric}"
            if len(rates) == 1:
                result.append(_rows_panel(lines, name, f"{title} at {text.number(rates.pop())}/s"))
            elif rates:
                first, *others = _ladder(run, place, lines, name, title, rates)
                result.append(first)
                families += others if metric == "p99_ns" else []
        result += families
    return result


def _ladder(
    run: Run, place: Place, lines: Lines, key: str, title: str, rates: set[float]
) -> list[Panel]:
    """One variant of each mechanism first, then the other variants."""
    first = grouping.overview(lines)
    cell = next(point.row.cell for points in lines.values() for point in points)
    ceiling = _closed_maximum(run, place, cell)
    across = axes.log_limits([*rates, *([ceiling] if ceiling else [])], 0.04)
    limits = (across, _limits([lines]))
    others = [g for g in grouping.families(lines) if set(g.sides) - set(first.sides)]
    return [
        _panel(
            lines,
            group,
            f"{key}-{group.key}",
            title if group == first else f"{title}: {group.title}",
            limits,
            ceiling,
        )
        for group in (first, *others)
    ]


def _table(run: Run, place: Place) -> Table:
    columns = ["cell", "mechanism", "rate, 1/s", "quantile", "latency, ns", "interval"]
    columns += ["from the actual send, ns", "kept pace"]
    lines: list[tuple[str, ...]] = []
    for metric, q, words in _QUANTILES:
        for about, found in sorted(_points(run, place, metric, q).items()):
            for side in grouping.ordered(found):
                for point in found[side]:
                    row = point.row
                    lines.append(
                        (
                            ", ".join(part for part in about if part),
                            side.label,
                            text.number(point.rate),
                            words,
                            text.number(row.value),
                            text.between(row.lo, row.hi),
                            text.number(point.uncorrected),
                            "saturated" if point.saturated else "yes",
                        )
                    )
    return table(place.label, columns, lines, (2, 4, 5, 6))


def build(run: Run) -> Figure:
    """p50, p99 and p99.9 of open loops, from the intended start of each request."""
    sections: list[Section] = []
    tables: list[Table] = []
    for place in run.places:
        panels = _panels(run, place, f"f4-{len(sections)}")
        if panels:
            sections.append(Section(place.label, tuple(panels)))
            tables.append(_table(run, place))
    if not sections:
        reason = why_missing(run, "latency at an offered rate", ())
        return missing(4, "under-load", TITLE, reason)
    drawn = [
        row
        for row in run.rows
        if row.measured
        and row.metric in [name for name, _, _ in _QUANTILES]
        and (row.cell.number("rate") or 0) > 0
    ]
    caption = (
        "Lower is better. Requests start when a plan drawn in advance says so, whether or not replies "
        "have come; all mechanisms at the same absolute rates. Lines count from the intended start; "
        "thin dots from the actual send, which hides the time that requests waited to be sent. A red "
        "cross: the load did not keep its pace there (saturated), so nothing is compared. Dashed "
        "upright: what epoll lt reached in a closed loop. "
        f"{captions.intervals(drawn)}"
    )
    return Figure(4, "under-load", TITLE, caption, tuple(sections), tuple(tables))
