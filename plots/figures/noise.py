# SPDX-License-Identifier: MIT
"""Figure 16: how quiet the machine was, and what could be resolved on it."""

import math
import statistics
from collections.abc import Callable, Sequence

from matplotlib.axes import Axes

from plots import axes, cells, environment, style, text
from plots.figure import Figure, Margins, Panel, Section, Table, missing, table
from plots.model import Cell, Place, Run, Side, Trace, Verdict
from plots.reasons import why_missing

TITLE = "Noise: what this machine could resolve"
_HEIGHT = 2.5
#: metric -> colour and marker; no mechanism is meant here, so each has a look of its own.
_LOOKS = {
    "cpu_ns_per_event": (style.BLUE, "o", "CPU time"),
    "wall_ns_per_event": (style.ORANGE, "^", "wall time"),
    "p50_ns": (style.GREEN, "s", "median"),
    "p99_ns": (style.PURPLE, "D", "99 %"),
}
_DEPENDENT = 0.5
_MARGINS = Margins(0.62, 0.9, 0.34, 0.46)


def _measured_seconds(run: Run, place: Place) -> dict[tuple[Cell, Side, str], float]:
    """Seconds of slices, by side and phase."""
    return {
        (trace.cell, trace.side, trace.phase): sum(took for took in trace.took_s if took == took)
        for trace in run.traces
        if trace.place == place
    }


def _resolution(run: Run, place: Place, key: str) -> Panel | None:
    points: dict[str, list[tuple[float, float]]] = {}
    measured = _measured_seconds(run, place)
    for verdict in run.verdicts:
        if verdict.place != place:
            continue
        phase = "latency" if verdict.metric.startswith("p") else "time"
        seconds = measured.get((verdict.cell, verdict.side, phase), 0.0)
        if seconds > 0 and (verdict.resolution or 0) > 0 and verdict.metric in _LOOKS:
            points.setdefault(verdict.metric, []).append((seconds, verdict.resolution or 0.0))
    if not points:
        return None
    every = [point for found in points.values() for point in found]
    x_limits = axes.log_limits((x for x, _ in every), 0.08, 3.0)
    y_limits = axes.log_limits((y for _, y in every), 0.06, 3.0)

    def draw(ax: Axes) -> None:
        axes.log_x(ax, x_limits, "measured time of a side, s", lambda s: f"{s:g}")
        axes.log_y(ax, y_limits, "could have seen", lambda p: f"{p:g} %")
        axes.below(ax)
        _guides(ax, x_limits, y_limits)
        for place_in_key, metric in enumerate(m for m in _LOOKS if m in points):
            colour, marker, words = _LOOKS[metric]
            xs, ys = zip(*points[metric])
            ax.plot(xs, ys, marker, color=colour, markersize=3.4, alpha=0.75, zorder=3)
            _key(ax, place_in_key, colour, marker, words)

    sentence = "; ".join(
        f"{_LOOKS[m][2]}: {text.percent(min(y for _, y in points[m]))} to "
        f"{text.percent(max(y for _, y in points[m]))}"
        for m in points
    )
    return Panel(
        f"{key}-resolution",
        "resolution against measured time",
        f"Smallest difference that each comparison would have found. {sentence}.",
        draw,
        3.6,
        _HEIGHT,
        _MARGINS,
    )


def _guides(ax: Axes, x_limits: tuple[float, float], y_limits: tuple[float, float]) -> None:
    """Four times the time, half the difference: the slope along which more of it helps."""
    middle = math.sqrt(y_limits[0] * y_limits[1]) * math.sqrt(x_limits[0] * x_limits[1]) ** 0.5
    for factor in (0.25, 1.0, 4.0):
        ax.plot(
            x_limits,
            [factor * middle / math.sqrt(x) for x in x_limits],
            color=style.RULE,
            linewidth=0.7,
            linestyle=(0, (3, 2)),
            zorder=1,
        )


def _key(ax: Axes, place: int, colour: str, marker: str, words: str) -> None:
    y = 0.95 - 0.1 * place
    kept = {"transform": ax.transAxes, "clip_on": False}
    ax.plot([1.05], [y], marker, color=colour, markersize=4, **kept)
    ax.text(1.09, y, words, transform=ax.transAxes, va="center", fontsize=style.SMALL_PT)


def _of_time(run: Run, place: Place) -> list[Trace]:
    return [one for one in run.traces if one.place == place and one.phase == "time"]


def _process_medians(trace: Trace, values: Sequence[float]) -> list[tuple[float, float]]:
    """A point a process: when it ran, and its median."""
    by_pair: dict[int, list[tuple[float, float]]] = {}
    for index, value in enumerate(values):
        if value > 0:
            by_pair.setdefault(trace.pair[index], []).append((trace.start_s[index], value))
    return [
        (statistics.median(s for s, _ in found), statistics.median(v for _, v in found))
        for _, found in sorted(by_pair.items())
    ]


def drift(run: Run, place: Place) -> dict[str, list[tuple[float, float]]]:
    """The reference's processes over the run, each over the median of its own cell."""
    found: dict[str, list[tuple[float, float]]] = {}
    traces = _of_time(run, place)
    reference = next((one.side for one in traces if one.side.is_reference), None)
    for trace in traces:
        if trace.side != (reference or traces[0].side):
            continue
        for metric, values in (
            ("cpu_ns_per_event", trace.cpu_ns),
            ("wall_ns_per_event", trace.wall_ns),
        ):
            points = _process_medians(trace, values)
            if points:
                middle = statistics.median(value for _, value in points)
                found.setdefault(metric, []).extend((s, value / middle) for s, value in points)
    return found


def _drift(run: Run, place: Place, key: str) -> Panel | None:
    found = drift(run, place)
    every = [point for points in found.values() for point in points]
    if len(every) < 4:
        return None
    end = max(second for second, _ in every)
    limits = axes.log_limits((ratio for _, ratio in every), 0.06, 1.1)

    def draw(ax: Axes) -> None:
        axes.log_y(ax, limits, "cost over the median", text.ratio)
        ax.set_xlim(0, (end or 1.0) * 1.03)
        ticks = axes.linear_ticks(0, end or 1.0, 4)
        ax.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
        ax.set_xlabel("seconds since the first slice of the run")
        axes.below(ax)
        ax.axhline(1.0, color=style.INK, linewidth=0.9, zorder=2)
        for number, (metric, points) in enumerate(sorted(found.items())):
            colour, marker, words = _LOOKS[metric]
            xs, ys = zip(*sorted(points))
            ax.plot(xs, ys, marker, color=colour, markersize=2.6, alpha=0.8, zorder=3)
            _key(ax, number, colour, marker, words)

    worst = max(abs(math.log(ratio)) for _, ratio in every)
    return Panel(
        f"{key}-drift",
        "the reference during the run",
        f"{len(every)} medians of processes; at most {100 * math.expm1(worst):.0f} % from the median.",
        draw,
        3.6,
        _HEIGHT,
        _MARGINS,
    )


def _dots(
    values: Sequence[float], key: str, title: str, label: str, limit: float | None
) -> Panel | None:
    """Values in order of size, with the limit that a check sets."""
    if len(values) < 2:
        return None
    order = sorted(values)
    low = min(order[0], 0.0)
    high = max(order[-1], limit or 0.0, low + 1e-3)

    def draw(ax: Axes) -> None:
        room = 0.06 * (high - low)
        ax.set_ylim(low - room, high + room)
        ticks = axes.linear_ticks(low - room, high + room, 4)
        ax.set_yticks(ticks, [f"{tick:g}" for tick in ticks])
        ax.set_ylabel(label)
        ax.set_xlim(-0.5, len(order) - 0.5)
        ax.set_xticks([])
        ax.set_xlabel(f"{len(order)} comparisons, by size")
        ax.grid(True, axis="y")
        axes.below(ax)
        ax.axhline(0.0, color=style.INK, linewidth=0.9, zorder=2)
        if limit is not None:
            ax.axhline(limit, color=style.VERMILION, linewidth=1.0, linestyle=(0, (3, 2)), zorder=2)
        ax.plot(range(len(order)), order, "o", color=style.BLUE, markersize=2.8, zorder=3)

    middle = statistics.median(order)
    described = f"{len(order)} values from {order[0]:.2f} to {order[-1]:.2f}, median {middle:.2f}."
    return Panel(key, title, described, draw, 3.6, _HEIGHT, Margins(0.62, 0.3, 0.34, 0.46))


def _independence(run: Run, place: Place, key: str) -> Panel | None:
    values = [
        check.value
        for check in run.checks
        # A process of one block has no neighbours and says exactly 0.
        if check.name == "independence" and check.place == place and check.value
        if check.metric in ("cpu_ns_per_event", "")
    ]
    return _dots(
        values,
        f"{key}-lag",
        "dependence of neighbouring blocks",
        "lag-1 autocorrelation",
        _DEPENDENT,
    )


def _control(run: Run, place: Place, key: str) -> Panel | None:
    """Identical sides against each other, where the run has any."""
    found = [
        v for v in run.verdicts if v.place == place and v.side.entry and v.estimate is not None
    ]
    if not found:
        return None
    among = cells.Among(verdict.cell for verdict in found)
    names = [f"{among.title(v.cell)}, {_LOOKS.get(v.metric, ('', '', v.metric))[2]}" for v in found]
    band = max(v.band or 0.0 for v in found)
    limits = [next(((lo, hi) for n, lo, hi in v.intervals if n == 99), None) for v in found]
    edge = 1.08 * max(band, *(abs(end) for pair in limits if pair for end in pair), 0.1)

    def draw(ax: Axes) -> None:
        ax.set_xlim(-edge, edge)
        ticks = axes.linear_ticks(-edge, edge, 4)
        ax.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
        ax.set_xlabel("difference of identical sides, %")
        axes.rows_y(ax, names)
        axes.below(ax)
        ax.axvline(0.0, color=style.INK, linewidth=0.9, zorder=2)
        for row, (verdict, pair) in enumerate(zip(found, limits, strict=True)):
            colour, marker, _ = _LOOKS.get(verdict.metric, (style.GREY, "o", ""))
            own = verdict.band or 0.0
            ax.barh(row, 2 * own, 0.7, left=-own, color=style.RULE, alpha=0.45, linewidth=0)
            if pair:
                ax.plot(pair, [row, row], color=colour, linewidth=1.5, zorder=3)
            ax.plot([verdict.estimate], [row], marker, color=colour, markersize=4.6, zorder=4)

    sentence = "; ".join(
        f"{name} {verdict.estimate or 0:+.2f} %, {verdict.state}"
        for name, verdict in zip(names, found, strict=True)
    )
    return Panel(
        f"{key}-control",
        "A/A: the same code on both sides, 99 % intervals",
        f"Differences of identical sides. {sentence}.",
        draw,
        5.4,
        0.82 + axes.row_height(len(found)) * len(found),
        Margins(axes.label_room(names), 0.3, 0.36, 0.46),
    )


def _steal(run: Run, place: Place) -> str:
    took = stolen = 0.0
    for trace in _of_time(run, place):
        for one, part in zip(trace.steal_s, trace.took_s, strict=True):
            if one == one and part == part:
                stolen += one
                took += part
    return f"steal took {text.percent(100 * stolen / took)} of the slices' time" if took else ""


def _notes(run: Run, place: Place) -> tuple[str, ...]:
    """Steal, dropped pairs, disturbed slices and load, in a line each."""
    found = [_steal(run, place)]
    for name, words in (("stationarity", "dropped pairs"), ("disturbance", "disturbed slices")):
        shares = [
            check.value
            for check in run.checks
            if check.name == name and check.place == place and check.value is not None
        ]
        hit = sum(1 for share in shares if share > 0)
        if shares:
            found.append(
                f"{words}: in {hit} of {len(shares)} rows, at most {text.percent(100 * max(shares))}"
            )
    for label, facts in run.environments:
        load = environment.first(facts, "load.average", "load.load.average")
        if label == place.label and load:
            found.append(f"load average before: {_rounded(load)}")
    if run.load_after and place.where == "host":
        found.append(f"load average after: {_rounded(run.load_after)}")
    line = "; ".join(one for one in found if one)
    return (f"{line[:1].upper()}{line[1:]}.",) if line else ()


def _rounded(load: str) -> str:
    """Two digits of each of the three averages; other words as they are."""
    try:
        return ", ".join(f"{float(part):.2f}" for part in load.split(","))
    except ValueError:
        return load


def _table(run: Run, place: Place) -> Table:
    """By metric: what the comparisons could have seen."""
    lines = []
    for metric, (_, _, words) in _LOOKS.items():
        seen = sorted(
            v.resolution
            for v in run.verdicts
            if v.place == place and v.metric == metric and v.resolution is not None
        )
        bands = {v.band for v in run.verdicts if v.metric == metric and v.band is not None}
        if seen:
            within = sum(1 for one in seen if one <= max(bands, default=0.0))
            lines.append(
                (
                    words,
                    str(len(seen)),
                    text.percent(seen[0]),
                    text.percent(statistics.median(seen)),
                    text.percent(seen[-1]),
                    text.percent(max(bands)) if bands else text.MISSING,
                    f"{within} of {len(seen)}",
                )
            )
    columns = ("metric", "comparisons", "least", "median", "most", "band", "within the band")
    return table(f"{place.label}: could have seen", columns, lines, tuple(range(1, 7)))


def build(run: Run) -> Figure:
    """A/A, resolution against time, drift of the reference, dependence of blocks."""
    sections: list[Section] = []
    tables: list[Table] = []
    makers: tuple[Callable[[Run, Place, str], Panel | None], ...] = (
        _control,
        _resolution,
        _drift,
        _independence,
    )
    for place in run.places:
        key = f"f16-{len(sections)}"
        panels = [panel for make in makers if (panel := make(run, place, key)) is not None]
        if panels:
            sections.append(Section(place.label, tuple(panels), _notes(run, place)))
            tables += [one for one in (_table(run, place),) if one.rows]
    if not sections:
        return missing(16, "noise", TITLE, why_missing(run, "comparison of interleaved slices", ()))
    caption = (
        "Resolution: the smallest difference a comparison would have found with 80 % power; each "
        "point is a comparison, the dashed lines say how much more measuring helps (four times the "
        "time, half the difference). The reference during the run: medians of its processes, each "
        "over the median of its cell; what moves there is the machine, and interleaving takes out "
        "what moves slowly. Dependence: above the dashed line, blocks of a process repeat each other, "
        "and count for less. Without an A/A panel this run held no control: kevbench run --aa makes one. "
        f"n = {len(run.verdicts):,} comparisons; a point here is itself the width of an interval."
    )
    return Figure(16, "noise", TITLE, caption, tuple(sections), tuple(tables))
