# SPDX-License-Identifier: MIT
"""Figure 17: figures of many commits, with their change points."""

import math

from matplotlib.axes import Axes

from plots import axes, style, text, verdict
from plots.figure import Figure, Margins, Panel, Section, Table, missing, table
from plots.model import Run
from plots.style import look
from results.errors import ResultsError
from results.keys import parse_case_key, params_text, variant_name
from results.timeline import Chronicle, Timeline

TITLE = "History"
#: Series that get a panel: those that changed, then as many others.
MOST_CHANGED, MOST_OTHERS = 24, 9
_HEIGHT = 2.3
_MARGINS = Margins(0.68, 0.24, 0.5, 0.66)


def _about(timeline: Timeline) -> tuple[str, str, str, str]:
    """Place, workload with parameters, mechanism, variant; the name itself where it is no key."""
    place, _, key = timeline.name.partition("/")
    try:
        workload, mechanism, variant, params = parse_case_key(key)
    except ResultsError:
        return place, key, "", ""
    return place, f"{workload} {params_text(params)}".rstrip(), mechanism, variant


def _ticks(found: Chronicle, timeline: Timeline) -> list[int]:
    """At most six runs that are named on the axis: ends, changes, then evenly between."""
    places = [point.place for point in timeline.points]
    wanted = [places[0], places[-1], *(step.place for step in timeline.steps)]
    wanted += places[:: max(1, len(places) // 4)]
    chosen: list[int] = []
    least = max(1, len(found.runs) // 7)
    for place in wanted:
        if len(chosen) < 6 and all(abs(place - other) >= least for other in chosen):
            chosen.append(place)
    return sorted(chosen)


def _levels(ax: Axes, timeline: Timeline) -> None:
    """The median of each stretch, and a line at each change."""
    for step in timeline.steps:
        colour = (
            style.MUTED if step.worse is None else style.VERMILION if step.worse else style.BLUE
        )
        dash = "-" if step.confirmed else (0, (3, 2))
        ax.axvline(step.place - 0.5, color=colour, linewidth=1.3, linestyle=dash, zorder=2)
        sign = f"{step.percent:+.1f} %" if math.isfinite(step.percent) else "from 0"
        ax.annotate(
            f"{sign}{'' if step.confirmed else ' ?'}",
            (step.place - 0.5, 1.0),
            xycoords=("data", "axes fraction"),
            xytext=(2, 2),
            textcoords="offset points",
            fontsize=style.SMALL_PT - 0.4,
            color=colour,
        )


def _panel(found: Chronicle, timeline: Timeline, key: str) -> Panel:
    place, cell, mechanism, variant = _about(timeline)
    points = timeline.points
    shown = look(mechanism, variant) if mechanism else look("null", "null")
    ends = [v for p in points for v in (p.value, p.lo, p.hi) if v is not None and math.isfinite(v)]
    low, high = min(ends), max(ends)
    # A tenth of the value at least: noise of 0.1 % must not fill the panel.
    room = max(0.08 * (high - low), 0.05 * max(abs(low), abs(high)), 1e-9)

    def draw(ax: Axes) -> None:
        bottom = max(low - room, 0.0) if low >= 0 else low - room
        ax.set_ylim(bottom, high + room)
        ticks = axes.linear_ticks(bottom, high + room, 4)
        label = text.time_tick if timeline.unit == "ns" else text.count_tick
        ax.set_yticks(ticks, [label(float(f"{tick:.6g}")) for tick in ticks])
        ax.set_ylabel(text.metric_words(timeline.metric))
        ax.grid(True, axis="y")
        ax.set_xlim(-0.7, len(found.runs) - 0.3)
        named = _ticks(found, timeline)
        ax.set_xticks(
            named, [found.runs[index].label[:8] for index in named], rotation=25, ha="right"
        )
        ax.set_xlabel("commit, in first-parent order")
        axes.below(ax)
        for moved in found.moved:
            ax.axvline(moved.place - 0.5, color=style.RULE, linewidth=2.4, alpha=0.7, zorder=1)
        for point in points:
            if point.lo is not None and point.hi is not None:
                ax.plot([point.place] * 2, [point.lo, point.hi], color=shown.colour, linewidth=1.1)
        ax.plot(
            [p.place for p in points],
            [p.value for p in points],
            linestyle="none",
            zorder=3,
            **(shown.point() | {"markersize": 3.2}),
        )
        _levels(ax, timeline)

    name = variant_name(mechanism, variant) or timeline.name
    changed = "; ".join(
        f"{step.percent:+.1f} % at {found.runs[step.place].label}" for step in timeline.steps
    )
    described = (
        f"{place}, {cell}, {name}: {text.number(points[0].value)} at {found.runs[points[0].place].label} "
        f"to {text.number(points[-1].value)} {timeline.unit} at {found.runs[points[-1].place].label}; "
        f"{changed or 'no change point'}."
    )
    title = f"{name}, {cell.split(' ')[0]}: {text.metric_words(timeline.metric)}"
    return Panel(key, title, described, draw, 3.6, _HEIGHT, _MARGINS)


def _changes(found: Chronicle) -> Table:
    columns = ["commit", "subject", "place", "cell", "mechanism", "metric", "before", "after"]
    columns += ["change", "p", "state"]
    lines = []
    for timeline in sorted(found.timelines, key=lambda t: t.rank):
        place, cell, mechanism, variant = _about(timeline)
        for step in timeline.steps:
            run = found.runs[step.place]
            word = "changed" if step.worse is None else "worse" if step.worse else "better"
            lines.append(
                (
                    run.label,
                    text.short(run.subject, 60),
                    place,
                    cell,
                    variant_name(mechanism, variant),
                    text.metric_words(timeline.metric),
                    text.number(step.before),
                    text.number(step.after),
                    f"{step.percent:+.2f} %" if math.isfinite(step.percent) else "from 0",
                    f"{step.p:.3f}",
                    word if step.confirmed else f"{word}, young",
                )
            )
    return table("Change points", columns, lines, (6, 7, 8, 9))


def _latest(found: Chronicle) -> Table:
    columns = ("place", "cell", "mechanism", "metric", "unit", "runs", "first", "last", "interval")
    lines = []
    for timeline in sorted(found.timelines, key=lambda t: (t.name, t.metric)):
        place, cell, mechanism, variant = _about(timeline)
        last = timeline.points[-1]
        lines.append(
            (
                place,
                cell,
                variant_name(mechanism, variant),
                timeline.metric,
                timeline.unit,
                str(len(timeline.points)),
                text.number(timeline.points[0].value),
                text.number(last.value),
                text.between(last.lo, last.hi),
            )
        )
    return table("Every series", columns, lines, (5, 6, 7, 8))


def _runs(found: Chronicle) -> Table:
    lines = [(run.label, run.subject, run.started_at, run.run_id) for run in found.runs]
    return table("Runs", ("commit", "subject", "started", "run"), lines)


def _moves(found: Chronicle) -> Table:
    lines = [
        (found.runs[moved.place].label, difference)
        for moved in found.moved
        for difference in moved.differences
    ]
    return table("Changes of the set-up", ("from commit", "difference"), lines)


def draw(found: Chronicle) -> Figure:
    """The figure of a history."""
    if not found.timelines:
        return missing(17, "history", TITLE, "the history holds no run with figures")
    order = sorted(found.timelines, key=lambda t: t.rank)
    changed = [timeline for timeline in order if timeline.steps]
    steady = [t for t in order if not t.steps and len(t.points) > 1]
    # Of what did not change, the figures that speak for a place: exact counts, then CPU time.
    steady.sort(key=lambda t: (verdict.is_clock(t.metric), t.metric != "cpu_ns_per_event", t.name))
    sections = []
    for heading, part, most in (
        ("Series with a change point", changed, MOST_CHANGED),
        ("Series without one", steady, MOST_OTHERS),
    ):
        panels = tuple(
            _panel(found, one, f"f17-{heading.split()[2]}-{number}")
            for number, one in enumerate(part[:most])
        )
        more = len(part) - most
        notes = (f"{more} further ones are in the table of numbers.",) if more > 0 else ()
        if panels:
            sections.append(Section(heading, panels, notes))
    tables = [
        one for one in (_changes(found), _moves(found), _runs(found), _latest(found)) if one.rows
    ]
    return Figure(17, "history", TITLE, _caption(found), tuple(sections), tuple(tables))


def _caption(found: Chronicle) -> str:
    torn = f" {found.torn} torn lines of the store are left out." if found.torn else ""
    return (
        f"One point a run, runs in first-parent order; bars are the intervals stored with them. n = "
        f"{len(found.runs)} runs. Coloured upright lines are change points, with the change of the median: "
        "vermilion for the worse, blue for the better, dashed (?) while fewer than 10 runs on one side "
        "make it young. Grey upright lines: the set-up changed, and nothing is compared across them. "
        "Points come from E-divisive (energy statistic, permutation test with a fixed seed) and stay "
        "only where typical intervals exclude each other and the change is beyond the metric's band."
        f"{torn}"
    )


def build(run: Run) -> Figure:
    """The history that was given with the run."""
    if run.history is None:
        reason = "not measured: no history was given; kevbench report RUN --history STORE draws it"
        return missing(17, "history", TITLE, reason)
    return draw(run.history)
