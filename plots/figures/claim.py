# SPDX-License-Identifier: MIT
"""Figure 20: the web-server claim of 2006 beside what was measured now, with its verdict."""

from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes

from plots import axes, captions, cells, marks, style, text
from plots.figure import OVERVIEW, Figure, Margins, Panel, Section, Table, missing, table
from plots.figures import servers
from plots.model import Place, Row, Run
from plots.reasons import why_missing
from results.claim import CLAIMED, CONFIRMED, DIRECTION, PARITY, Ratio, State, Verdict, judge

TITLE = "2006 and now"
WORKLOAD = "kevent_2006"
#: What is set against epoll: exact work first, then capacity, then the server's processor time.
METRICS = ("instr_per_request", "requests_per_s", "cpu_ns_per_event")
_WORDS = {
    "instr_per_request": "instructions per request of the server",
    "requests_per_s": "requests per second",
    "cpu_ns_per_event": "processor time per request of the server",
}
_WIDEST = (0.4, 3.0)
_TICKS = (0.4, 0.6, 0.8, 0.95, 1.05, 1.35, 1.54, 2.0, 3.0)
_PUBLISHED = "2006, as published"

CLAIM = (
    "The claim (September 2006): a trivial web server under httperf answers more than 3380 requests "
    "per second with kevent where it answers 2200, sometimes 2500, with epoll on the same hardware."
)
METHOD = (
    "The method now: one server, written once, on every mechanism in turn; one reply of 2.67 KiB and "
    "one connection a request unless said otherwise; every mechanism gets the same plan of requests "
    "in one run, times interleaved; an epoll server as good as ours, also in a naive and in an optimistic "
    "style. Absolute figures of 2006 cannot be reproduced: other hardware, another kernel, a module "
    "instead of a patch. Only ratios are set side by side."
)
_RULE = (
    f"Rule, fixed beforehand, for requests per second of kevent over those of epoll: confirmed above "
    f"{CONFIRMED:.2f}, direction only above {DIRECTION:.2f}, parity from {PARITY:.2f} to "
    f"{DIRECTION:.2f}, refuted below; an interval on both sides of a limit is inconclusive. Costs are "
    "turned into how many more requests the same cost answers."
)

#: When, what, kevent, epoll, ratio, known setup: as published, ratios by division.
_FIGURES_2006 = (
    ("12 Sep 2006", "web server, httperf", "> 3380 /s", "2200, sometimes 2500 /s", "1.35 to 1.54"),
    (
        "1 Nov 2006",
        "web server, 100 Mbit/s link full",
        "3960+ /s",
        "2200 to 2500 /s",
        "1.58 to 1.80",
    ),
    (
        "7 Nov 2006",
        "TCP streams, edge-triggered",
        "78 265 events/s",
        "up to 71 000 events/s",
        "1.10",
    ),
    ("9 Nov 2006", "pipes, edge-triggered", "269 282 events/s", "248 408 events/s", "1.08"),
)


_TWO_PROCESSES = (
    "Counts of a server beside its client repeat within a boot; between boots single ones have moved by "
    "up to 4 %, with where the two processes take turns. Read a verdict that close to a limit as open."
)


@dataclass(frozen=True)
class Judged:
    """A stored row read as a ratio of requests, and what the rule says of it."""

    row: Row
    ratio: Ratio
    verdict: Verdict


def judged(row: Row) -> Judged | None:
    """None where the row holds no ratio."""
    ratio = Ratio.of_cost(row.ratio, row.ratio_lo, row.ratio_hi)
    if ratio is None:
        return None
    timed = row.metric != "instr_per_request"
    return Judged(row, ratio, judge(ratio, emulated_time=row.place.emulated and timed))


def _rows(run: Run, place: Place, metric: str) -> list[Judged]:
    found = [
        judged(row)
        for row in run.rows
        if row.place == place
        and row.cell.workload == WORKLOAD
        and row.metric == metric
        and row.measured
        and not row.is_reference
    ]
    return [one for one in found if one is not None]


def _limits(found: Sequence[Judged]) -> tuple[float, float]:
    ends = [v for one in found for v in (one.ratio.value, one.ratio.lo, one.ratio.hi) if v]
    low, high = axes.log_limits([0.85, 1.7, *ends])
    return max(low, _WIDEST[0]), min(high, _WIDEST[1])


def _panel(found: Sequence[Judged], title: str, key: str, limits: tuple[float, float]) -> Panel:
    order = sorted(found, key=lambda one: one.row.side.sort_key)
    labels = [_PUBLISHED, *(one.row.side.label for one in order)]

    def draw(ax: Axes) -> None:
        axes.log_x(ax, limits, "requests, epoll = 1", lambda v: f"{v:g}", _TICKS)
        axes.rows_y(ax, labels)
        axes.below(ax)
        ax.axvspan(PARITY, DIRECTION, color=style.RULE, alpha=0.35, linewidth=0, zorder=1)
        if limits[1] > CONFIRMED:
            ax.axvspan(CONFIRMED, limits[1], color=style.BAND, linewidth=0, zorder=0)
        ax.axvline(1.0, color=style.INK, linewidth=0.9, zorder=2)
        for limit in (PARITY, DIRECTION, CONFIRMED):
            ax.axvline(limit, color=style.RULE, linewidth=0.7, zorder=1)
        ax.plot(CLAIMED, [0, 0], color=style.MUTED, linewidth=4, solid_capstyle="butt", zorder=3)
        for place, one in enumerate(order, start=1):
            inside = min(max(one.ratio.value, limits[0] * 1.01), limits[1] / 1.01)
            marks.row_point(ax, place, one.row.side, inside, one.ratio.lo, one.ratio.hi)
        numbers = [f"{CLAIMED[0]:.2f} to {CLAIMED[1]:.2f}"]
        numbers += [f"{text.ratio(one.ratio.value)} {_short(one)}" for one in order]
        marks.number_column(ax, numbers, "")

    sentence = "; ".join(
        f"{one.row.side.label} {text.ratio(one.ratio.value)} "
        f"({text.ratio_between(one.ratio.lo, one.ratio.hi)}), {_words(one)}"
        for one in order
    )
    return Panel(
        key,
        title,
        f"Requests for the same cost, epoll = 1. Published in 2006: 1.35 to 1.54. {sentence}.",
        draw,
        OVERVIEW,
        0.82 + axes.row_height(len(labels)) * len(labels),
        Margins(left=axes.label_room(labels), right=1.0, top=0.36, bottom=0.46),
    )


def _is_kevent(one: Judged) -> bool:
    return one.row.side.mechanism == "kevent"


def _short(one: Judged) -> str:
    """Beside a point: the verdict where the claim is about it."""
    return one.verdict.state.value if _is_kevent(one) else ""


def _words(one: Judged) -> str:
    if not _is_kevent(one):
        return "no part of the claim"
    return f"{one.verdict.state.value}: {one.verdict.why}"


def _verdict_line(found: Sequence[Judged], place: Place, metric: str) -> str:
    """The line of a section that answers the claim."""
    what = f"By {_WORDS[metric]}"
    mine = [one for one in found if _is_kevent(one)]
    if not mine:
        return f"{what}: the claim is not judged here, since kevent was not measured."
    if place.emulated and metric != "instr_per_request":
        return f"{what}: not judged: emulated."
    best = max(mine, key=lambda one: one.ratio.value)
    states = [state for state in State if any(one.verdict.state is state for one in mine)]
    tally = ", ".join(
        f"{state.value} {sum(one.verdict.state is state for one in mine)}" for state in states
    )
    return (
        f"{what}: of {len(mine)} kevent figures {tally}. The highest is {best.row.side.label} with "
        f"{text.ratio(best.ratio.value)} times epoll: {best.verdict.state.value} ({best.verdict.why})."
    )


def _table(heading: str, found: Sequence[Judged]) -> Table:
    among = cells.Among(one.row.cell for one in found)
    lines = [
        (
            among.title(one.row.cell),
            one.row.side.label,
            text.ratio(one.ratio.value),
            text.ratio_between(one.ratio.lo, one.ratio.hi),
            text.ratio(1 / one.row.ratio_best if one.row.ratio_best else None),
            _words(one),
        )
        for one in sorted(found, key=lambda o: (cells.sort_key(o.row.cell), o.row.side.sort_key))
    ]
    columns = ("cell", "mechanism", "requests to epoll", "interval", "to best epoll", "verdict")
    return table(heading, columns, lines, (2, 3, 4))


def _published() -> Table:
    columns = ("date", "test", "kevent", "epoll", "ratio")
    return table("Published in 2006, different hardware; ratios only", columns, _FIGURES_2006)


def build(run: Run) -> Figure:
    """One section a place and measure, one panel a cell."""
    sections: list[Section] = []
    tables = [_published()]
    drawn: list[Row] = []
    for place in run.places:
        for metric in METRICS:
            found = _rows(run, place, metric)
            if not found:
                continue
            limits = _limits(found)
            by_cell = cells.ordered(one.row.cell for one in found)
            among = cells.Among(by_cell)
            panels = tuple(
                _panel(
                    [one for one in found if one.row.cell == cell],
                    among.title(cell),
                    f"f20-{len(sections)}-{index}",
                    limits,
                )
                for index, cell in enumerate(by_cell)
            )
            heading = f"{place.label}: {_WORDS[metric]}"
            notes = [_verdict_line(found, place, metric)]
            if place.emulated and metric == "instr_per_request":
                notes.append(f"By {_WORDS['requests_per_s']}: not judged: emulated.")
                notes.append(_TWO_PROCESSES)
            sections.append(Section(heading, panels, tuple(notes)))
            tables.append(_table(heading, found))
            drawn += [one.row for one in found]
        real = servers.part(run, place, f"f20-{len(sections)}")
        if real is not None:
            sections.append(real.section)
            tables.append(real.table)
            drawn += real.rows
    if not drawn:
        why = why_missing(run, TITLE, (WORKLOAD, servers.WORKLOAD))
        return missing(20, "claim-2006", TITLE, why)
    caption = f"{CLAIM} {METHOD} {_RULE} {captions.intervals(drawn)}"
    if any(row.cell.workload == servers.WORKLOAD for row in drawn):
        caption += f" {servers.CAPTION}"
    return Figure(20, "claim-2006", TITLE, caption, tuple(sections), tuple(tables))
