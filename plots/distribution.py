# SPDX-License-Identifier: MIT
"""Reading stored histograms as curves: no fitting, no smoothing, nothing beyond the data.

A quantile with fewer than `SOLID` samples beyond it is uncertain and drawn thin; with fewer than
`LEAST` it is not drawn.
"""

import bisect
import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes

from plots import axes, cells, grouping, headline, marks, style, text
from plots.figure import OVERVIEW, SMALL, Margins, Panel, Section, Table, table
from plots.model import Cell, Histogram, Place, Run, Side

SOLID = 100
LEAST = 10
MAX_CELLS, MOST_PANELS = 8, 24

_POINTS_PER_DECADE = 24
_MARGINS = Margins(left=0.62, right=1.16, top=0.34, bottom=0.44)


@dataclass(frozen=True)
class Curve:
    """Points in order; `sure` of them rest on at least SOLID samples beyond each."""

    x: tuple[float, ...]
    y: tuple[float, ...]
    sure: int


def quantile(hist: Histogram, q: float) -> float:
    """The smallest stored bound that at least q of the values do not exceed."""
    cumulative = list(itertools.accumulate(hist.counts))
    return _at(hist, cumulative, q)


def _at(hist: Histogram, cumulative: Sequence[int], q: float) -> float:
    if q <= 0:
        return max(hist.lowest, 1.0)
    index = bisect.bisect_left(cumulative, math.ceil(q * hist.total - 1e-9))
    bound = hist.bounds[min(index, len(hist.bounds) - 1)]
    return max(1.0, min(bound, hist.highest))


def spectrum(hist: Histogram) -> Curve:
    """x is 1/(1-q), y the quantile in ns."""
    cumulative = list(itertools.accumulate(hist.counts))
    end = math.log10(max(hist.total / LEAST, 1.0))
    steps = max(1, math.ceil(end * _POINTS_PER_DECADE))
    xs = [10 ** (end * i / steps) for i in range(steps + 1)]
    ys = [_at(hist, cumulative, 1 - 1 / x) for x in xs]
    return Curve(tuple(xs), tuple(ys), sum(1 for x in xs if hist.total / x >= SOLID * 0.999))


def exceedance(hist: Histogram) -> Curve:
    """x is a latency in ns, y the share of values above it."""
    curve = spectrum(hist)
    return Curve(curve.y, tuple(1 / x for x in curve.x), curve.sure)


def draw_curve(ax: Axes, curve: Curve, side: Side, faint: bool, plain: bool) -> None:
    """The sure part in the mechanism's look with markers at decades; the rest thin.

    `plain` is for the uncorrected histogram: thin dots, no marker.
    """
    look = side.look
    if plain:
        ax.plot(
            curve.x, curve.y, color=look.colour, linewidth=0.9, linestyle=(0, (1, 1.6)), alpha=0.8
        )
        return
    weight = 1.0 if faint else look.weight
    alpha = 0.6 if faint else 1.0
    line = {"color": look.colour, "alpha": alpha, "zorder": 2 if faint else 3}
    every = list(range(0, curve.sure, _POINTS_PER_DECADE)) or None
    ax.plot(
        curve.x[: curve.sure],
        curve.y[: curve.sure],
        linestyle=look.dash,
        linewidth=weight,
        markevery=every,
        **line,
        **(look.point() | {"markersize": 3.6}),
    )
    start = max(curve.sure - 1, 0)
    ax.plot(curve.x[start:], curve.y[start:], linewidth=0.6, **line)


@dataclass(frozen=True)
class Kind:
    """Which of the two figures: how a histogram becomes a curve, and its axes."""

    key: str
    x_label: str
    y_label: str
    latency_on_x: bool


def _curve(kind: Kind, hist: Histogram) -> Curve:
    return exceedance(hist) if kind.latency_on_x else spectrum(hist)


def _panel(
    kind: Kind,
    group: grouping.Group,
    found: dict[tuple[Side, str], Histogram],
    key: str,
    title: str,
    limits: tuple[tuple[float, float], tuple[float, float]],
) -> Panel:
    wide = group.key == "overview"
    height = 2.75 if wide else 2.6
    members = ([group.reference] if group.reference else []) + list(group.sides)
    members = [side for side in members if (side, "latency") in found]

    def draw(ax: Axes) -> None:
        _draw_axes(ax, kind, limits)
        ends = []
        for side in members:
            faint = side == group.reference
            curve = _curve(kind, found[(side, "latency")])
            draw_curve(ax, curve, side, faint, False)
            other = found.get((side, "uncorrected"))
            if other is not None and not wide and not faint:
                draw_curve(ax, _curve(kind, other), side, False, True)
            ends.append(marks.Series(side, group.label(side), curve.x, curve.y, faint=faint))
        inner = height - _MARGINS.top - _MARGINS.bottom
        if kind.latency_on_x:
            label_by_key(ax, ends, inner)
        else:
            marks.label_lines(ax, ends, inner)

    sentence = "; ".join(
        f"{side.label}: median {text.time_tick(float(f'{quantile(h, 0.5):.4g}'))}, "
        f"99 % {text.time_tick(float(f'{quantile(h, 0.99):.4g}'))}, n {h.total:,}"
        for side in members
        if (h := found[(side, "latency")])
    )
    return Panel(
        key,
        title,
        f"Latencies. {sentence}.",
        draw,
        OVERVIEW if wide else SMALL,
        height,
        _MARGINS,
        wide,
    )


def label_by_key(ax: Axes, series: Sequence[marks.Series], height_in: float) -> None:
    """A key outside the axes, in the order of the lines at their middle."""
    gap = (style.SMALL_PT + 4.5) / 72 / height_in
    order = sorted(series, key=lambda s: s.x[len(s.x) // 2], reverse=True)
    for place, one in enumerate(order):
        y = 0.97 - place * gap
        sample = one.side.look.line() | {"markersize": 3.6, "clip_on": False}
        ax.plot([1.03, 1.075, 1.12], [y] * 3, transform=ax.transAxes, markevery=[1], **sample)
        ax.text(
            1.14,
            y,
            text.short(one.label, 22),
            transform=ax.transAxes,
            va="center",
            fontsize=style.SMALL_PT - 0.4,
        )


def _draw_axes(
    ax: Axes, kind: Kind, limits: tuple[tuple[float, float], tuple[float, float]]
) -> None:
    x_ticks = text.time_tick if kind.latency_on_x else tail_tick
    y_ticks = share_tick if kind.latency_on_x else text.time_tick
    axes.log_x(ax, limits[0], kind.x_label, x_ticks)
    axes.log_y(ax, limits[1], kind.y_label, y_ticks)
    axes.below(ax)


def tail_tick(x: float) -> str:
    """1/(1-q) as the percentile it stands for: 10 is 90 %, 1000 is 99.9 %."""
    digits = max(2, math.ceil(math.log10(x)) + 1)
    return f"{100 * (1 - 1 / x):.{digits}g} %"


def share_tick(y: float) -> str:
    """A share as a percentage."""
    return f"{100 * y:.6g} %"


def _limits(
    kind: Kind, hists: Sequence[Histogram]
) -> tuple[tuple[float, float], tuple[float, float]]:
    curves = [_curve(kind, hist) for hist in hists]
    return (
        axes.log_limits((v for c in curves for v in c.x), 0.02),
        axes.log_limits((v for c in curves for v in c.y), 0.04),
    )


def section(run: Run, place: Place, kind: Kind, key: str) -> Section:
    """Overview and family panels for each cell with latencies, of at most MAX_CELLS cells and about
    MOST_PANELS panels."""
    here = [h for h in run.histograms if h.place == place and h.total >= 2 * LEAST]
    by_cell: dict[Cell, dict[tuple[Side, str], Histogram]] = {}
    for hist in here:
        by_cell.setdefault(hist.cell, {})[(hist.side, hist.kind)] = hist
    order = [
        cell
        for cell in headline.cell_order(by_cell)
        if any(k == "latency" for _, k in by_cell[cell])
    ]
    among = cells.Among(order)
    panels: list[Panel] = []
    each = 1 + len(grouping.families(hist.side for hist in here))
    shown = headline.spread(run, order, min(MAX_CELLS, max(2, MOST_PANELS // each)))
    for index, cell in enumerate(shown):
        found = by_cell[cell]
        limits = _limits(kind, [h for (_, k), h in found.items() if k != "lateness"])
        sides = {side for side, k in found if k == "latency"}
        first = grouping.overview(sides)
        groups = [first] if len(first.sides) > 1 else []
        groups += [
            g for g in grouping.families(sides) if not groups or set(g.sides) - set(first.sides)
        ]
        for group in groups:
            title = f"{among.title(cell)}: {group.title}"
            panels.append(_panel(kind, group, found, f"{key}-{index}-{group.key}", title, limits))
    return Section(place.label, tuple(panels), headline.note(order, shown))


def sample(hists: Sequence[Histogram]) -> str:
    """n of the lines, for captions."""
    return f"n = {text.span(hist.total for hist in hists)} operations a line"


def _lines_of(
    hists: Sequence[Histogram], values: Callable[[Histogram], Sequence[str]]
) -> list[tuple[str, ...]]:
    """A row a histogram: what it is, n, then `values` of it."""
    words = {"latency": "intended start", "uncorrected": "actual send", "lateness": "lateness"}
    order = sorted(hists, key=lambda h: (headline.cell_rank(h.cell), h.side.sort_key, h.kind))
    among = cells.Among(hist.cell for hist in hists)
    closed = {h.cell for h in hists} - {h.cell for h in hists if h.kind == "uncorrected"}
    lines = []
    for hist in order:
        start = "start" if hist.cell in closed else words[hist.kind]
        about = (among.title(hist.cell), hist.side.label, start, f"{hist.total:,}")
        lines.append((*about, *values(hist)))
    return lines


_ABOUT = ("cell", "mechanism", "measured from", "n")


def quantile_table(heading: str, hists: Sequence[Histogram]) -> Table:
    """Quantiles with at least SOLID samples beyond them; others are left blank."""
    points = (0.5, 0.9, 0.99, 0.999, 0.9999)

    def values(hist: Histogram) -> list[str]:
        cumulative = list(itertools.accumulate(hist.counts))
        enough = [hist.total * (1 - q) >= SOLID * 0.999 for q in points]
        return [
            f"{_at(hist, cumulative, q):,.0f}" if known else ""
            for q, known in zip(points, enough, strict=True)
        ]

    columns = (*_ABOUT, "p50", "p90", "p99", "p99.9", "p99.99")
    lines = _lines_of(hists, values)
    return table(f"{heading}: latency, ns", columns, lines, tuple(range(3, len(columns))))


def share_slower(hist: Histogram, latency: float) -> float:
    """Share of operations in buckets above a latency in ns."""
    above = bisect.bisect_right(hist.bounds, latency)
    return sum(hist.counts[above:]) / hist.total


def share_table(heading: str, hists: Sequence[Histogram]) -> Table:
    """Shares slower than round latencies; blank where fewer than LEAST operations were."""
    found = axes.log_limits((v for h in hists for v in (h.lowest, h.highest)), 0.0)
    points = [tick for tick in axes.log_ticks(*found) if any(share_slower(h, tick) for h in hists)]

    def values(hist: Histogram) -> list[str]:
        shares = [share_slower(hist, point) for point in points]
        return [text.percent(100 * s) if s * hist.total >= LEAST else "" for s in shares]

    columns = (*_ABOUT, *(f"> {text.time_tick(float(f'{point:.6g}'))}" for point in points))
    lines = _lines_of(hists, values)
    return table(f"{heading}: share slower", columns, lines, tuple(range(3, len(columns))))
