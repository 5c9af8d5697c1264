# SPDX-License-Identifier: MIT
"""Figure 3: cost ratio to epoll with its interval, for every cell."""

from collections.abc import Sequence

from matplotlib.axes import Axes

from plots import axes, captions, cells, headline, marks, style, text, verdict
from plots.figure import Figure, Margins, Panel, Section, Table, missing, table
from plots.model import Cell, Place, Row, Run
from plots.reasons import why_missing

TITLE = "Cost ratio to epoll"
#: The axis never reaches further; what lies beyond is an arrow at the edge and a number.
WIDEST = (0.2, 5.0)
_TICKS = (0.2, 0.3, 0.5, 0.7, 1.0, 1.5, 2.0, 3.0, 5.0)


def _panel(rows: Sequence[Row], title: str, key: str, limits: tuple[float, float]) -> Panel:
    order = sorted(rows, key=lambda r: r.side.sort_key)
    bands = {row.band_percent for row in order if row.band_percent}

    def draw(ax: Axes) -> None:
        axes.log_x(ax, limits, "cost, epoll = 1", _ticks, _TICKS)
        axes.rows_y(ax, [row.side.label for row in order])
        axes.below(ax)
        marks.stripe(ax, [row.side for row in order])
        if len(bands) == 1:
            band = next(iter(bands)) / 100
            ax.axvspan(
                1 / (1 + band), 1 + band, color=style.RULE, alpha=0.45, linewidth=0, zorder=1
            )
        ax.axvline(1.0, color=style.INK, linewidth=0.9, zorder=2)
        for place, row in enumerate(order):
            _mark(ax, place, row, limits)
        marks.number_column(
            ax, [f"{verdict.look(row).symbol} {text.ratio(row.ratio)}" for row in order], ""
        )

    sentence = "; ".join(
        f"{row.side.label} {text.ratio(row.ratio)} ({text.ratio_between(row.ratio_lo, row.ratio_hi)}), "
        f"{verdict.explain(row)}"
        for row in order
    )
    return Panel(
        key,
        title,
        f"Cost ratios to epoll. {sentence}.",
        draw,
        3.6,
        0.82 + axes.row_height(len(order)) * len(order),
        Margins(
            left=axes.label_room(row.side.label for row in order), right=0.58, top=0.36, bottom=0.46
        ),
    )


def ratio_rows(run: Run, place: Place, metric: str) -> list[Row]:
    """Rows with a ratio to epoll, without the reference itself."""
    return [
        row
        for row in run.rows
        if row.place == place
        and row.metric == metric
        and row.measured
        and row.ratio is not None
        and row.ratio > 0
        and not row.is_reference
    ]


def _section(
    run: Run, place: Place, metric: str, key: str, first: bool
) -> tuple[Section, list[Row]]:
    """`first`: the headline metric of its place, which no workload lacks."""
    rows = ratio_rows(run, place, metric)
    every = [row.cell for row in rows]
    least = len({cell.workload for cell in every}) if first else headline.LEAST_CELLS
    shown = headline.drawn(run, place, every, least)
    main = [row for row in rows if row.cell in shown]
    limits = _limits(main)
    by_cell: dict[Cell, list[Row]] = {}
    for row in main:
        by_cell.setdefault(row.cell, []).append(row)
    among = cells.Among(every)
    panels = tuple(
        _panel(by_cell[cell], among.title(cell), f"{key}-{index}", limits)
        for index, cell in enumerate(headline.cell_order(by_cell))
    )
    notes = [captions.EMULATED] if place.emulated and verdict.is_clock(metric) else []
    notes += headline.note(every, shown)
    return Section(f"{place.label}: {text.metric_words(metric)}", panels, tuple(notes)), rows


def _limits(rows: Sequence[Row]) -> tuple[float, float]:
    """Around every ratio, but no wider than WIDEST: one ratio of 300 would flatten the rest."""
    ratios = [v for r in rows for v in (r.ratio, r.ratio_lo, r.ratio_hi) if v is not None]
    low, high = axes.log_limits([1 / 1.15, 1.15, *ratios])
    return max(low, WIDEST[0]), min(high, WIDEST[1])


def _ticks(value: float) -> str:
    return f"{value:g}"


def _mark(ax: Axes, place: int, row: Row, limits: tuple[float, float]) -> None:
    """The point with its interval, or an arrow at the edge where it lies beyond the axis."""
    ratio = row.ratio or 0.0
    if limits[0] <= ratio <= limits[1]:
        marks.row_point(ax, place, row.side, ratio, row.ratio_lo, row.ratio_hi)
        return
    inside, edge = (0.93, 0.995) if ratio > limits[1] else (0.07, 0.005)
    arrow = {"arrowstyle": "-|>", "color": row.side.look.colour, "linewidth": 1.4}
    ax.annotate(
        "",
        (edge, place),
        (inside, place),
        xycoords=ax.get_yaxis_transform(),
        textcoords=ax.get_yaxis_transform(),
        arrowprops=arrow,
    )


def ratios_table(heading: str, rows: Sequence[Row]) -> Table:
    """Every ratio with interval, verdict and resolution."""
    lines, kinds = [], []
    among = cells.Among(row.cell for row in rows)
    for row in sorted(rows, key=lambda r: (headline.cell_rank(r.cell), r.side.sort_key)):
        seen = verdict.look(row)
        kinds.append(seen.css)
        lines.append(
            (
                among.title(row.cell),
                row.side.label,
                text.ratio(row.ratio),
                text.ratio_between(row.ratio_lo, row.ratio_hi),
                text.ratio(row.ratio_best),
                text.percent(row.resolution_percent),
                f"{seen.symbol} {verdict.explain(row)}",
            )
        )
    columns = (
        "cell",
        "mechanism",
        "ratio to epoll",
        "interval",
        "ratio to best epoll",
        "could have seen",
        "verdict",
    )
    return table(heading, columns, lines, (2, 3, 4, 5), kinds)


def build(run: Run) -> Figure:
    """One panel a cell; places and metrics apart, shared axes within each."""
    drawn: list[Row] = []
    sections: list[Section] = []
    tables: list[Table] = []
    for place in run.places:
        for number, metric in enumerate(headline.metrics(run, place)):
            part, rows = _section(run, place, metric, f"f3-{len(sections)}", number == 0)
            if not rows:
                continue
            sections.append(part)
            tables.append(ratios_table(part.heading, rows))
            drawn += rows
    if not drawn:
        return missing(3, "ratio-to-epoll", TITLE, why_missing(run, "ratio to epoll"))
    caption = (
        "Left of the line is cheaper than epoll, right is dearer. The point is the ratio of costs, "
        "the bar its interval (hidden by the point where it is narrower); an arrow at the edge points to a "
        "ratio beyond the axis, its number stands beside it; the grey band, where drawn, "
        "is the difference that counts as none. Edge-triggered and one-shot variants are set against "
        "epoll in the same mode, others against epoll lt. ▼ cheaper, ▲ dearer, = equivalent, "
        f"≈ not told apart, – not judged. {captions.intervals(drawn)}"
    )
    return Figure(3, "ratio-to-epoll", TITLE, caption, tuple(sections), tuple(tables))
