# SPDX-License-Identifier: MIT
"""Figure 15: what a verdict rests on: block ratios, the slices under them, pairs, bootstrap."""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice

from matplotlib.axes import Axes

from plots import axes, cells, grouping, headline, style, text
from plots.figure import Figure, Margins, Panel, Section, Table, missing, table
from plots.model import Place, Run, Side, Trace, Verdict
from plots.reasons import why_missing

TITLE = "What the verdicts rest on"
#: Comparisons of a place that are shown: a page. Figure 3 has the verdicts of all.
MOST = 3
METRICS = {"cpu_ns_per_event": "cpu_ns", "wall_ns_per_event": "wall_ns"}
_HEIGHT = 2.3
_MARGINS = Margins(0.62, 0.3, 0.34, 0.46)


@dataclass(frozen=True)
class Block:
    """One block: its ratio and the middle of its time."""

    pair: int
    second: float
    ratio: float


@dataclass(frozen=True)
class Basis:
    """A verdict with the slices of both sides."""

    verdict: Verdict
    mine: Trace
    theirs: Trace

    @cached_property
    def blocks(self) -> tuple[Block, ...]:
        """In order of time; only of verdicts that are drawn, since a run has thousands."""
        return blocks(self.mine, self.theirs, self.verdict.metric)


def _values(trace: Trace, metric: str) -> Sequence[float]:
    return trace.cpu_ns if METRICS[metric] == "cpu_ns" else trace.wall_ns


def _by_block(trace: Trace, metric: str) -> dict[tuple[int, int], list[tuple[float, float]]]:
    """(pair, block) -> (second, log cost) of its slices."""
    found: dict[tuple[int, int], list[tuple[float, float]]] = {}
    for index, value in enumerate(_values(trace, metric)):
        if value > 0 and trace.block[index] >= 0:
            place = (trace.pair[index], trace.block[index])
            found.setdefault(place, []).append((trace.start_s[index], math.log(value)))
    return found


def blocks(mine: Trace, theirs: Trace, metric: str) -> tuple[Block, ...]:
    """In order of time: mean log cost of one side's slices less that of the other's, as a ratio."""
    ours, others = _by_block(mine, metric), _by_block(theirs, metric)
    found = []
    for place in sorted(set(ours) & set(others)):
        seconds = [second for second, _ in (*ours[place], *others[place])]
        apart = statistics.fmean(v for _, v in ours[place]) - statistics.fmean(
            v for _, v in others[place]
        )
        found.append(Block(place[0], statistics.fmean(seconds), math.exp(apart)))
    return tuple(sorted(found, key=lambda block: block.second))


def bases(run: Run, place: Place) -> list[Basis]:
    """Every verdict on a time that has its slices, those that are drawn first."""
    traces = {(t.cell, t.side): t for t in run.traces if t.place == place and t.phase == "time"}
    found = []
    for verdict in run.verdicts:
        mine = traces.get((verdict.cell, verdict.side))
        theirs = traces.get((verdict.cell, verdict.reference))
        if verdict.place != place or verdict.metric not in METRICS or not mine or not theirs:
            continue
        found.append(Basis(verdict, mine, theirs))
    order = {
        cell: number
        for number, cell in enumerate(headline.cell_order(basis.verdict.cell for basis in found))
    }
    shown = set(grouping.overview(basis.verdict.side for basis in found).sides)
    return sorted(
        found,
        key=lambda b: (
            order[b.verdict.cell],
            b.verdict.metric != "cpu_ns_per_event",
            b.verdict.side not in shown and not b.verdict.side.entry,
            b.verdict.side.sort_key,
        ),
    )


def _seconds_axis(ax: Axes, found: Basis) -> None:
    began = min(block.second for block in found.blocks)
    ended = max(block.second for block in found.blocks)
    room = 0.03 * (ended - began) or 0.01
    ax.set_xlim(began - room, ended + room)
    ticks = axes.linear_ticks(began - room, ended + room, 4)
    ax.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    ax.set_xlabel("seconds since the first slice of the run")
    axes.below(ax)


def _shade_pairs(ax: Axes, found: Basis) -> None:
    """Every other pair of processes."""
    spans: dict[int, list[float]] = {}
    for block in found.blocks:
        spans.setdefault(block.pair, []).append(block.second)
    for number, seconds in enumerate(spans[pair] for pair in sorted(spans)):
        if number % 2:
            ax.axvspan(min(seconds), max(seconds), color=style.BAND, linewidth=0, zorder=0)


def _ratios(found: Basis, key: str, title: str) -> Panel:
    ratios = [block.ratio for block in found.blocks]

    def draw(ax: Axes) -> None:
        axes.log_y(ax, axes.log_limits([*ratios, 1.0], 0.08, 1.04), "cost ratio", text.ratio)
        _seconds_axis(ax, found)
        _shade_pairs(ax, found)
        ax.axhline(1.0, color=style.INK, linewidth=0.9, zorder=2)
        look = found.verdict.side.look.point() | {"markersize": 3.0}
        ax.plot([b.second for b in found.blocks], ratios, linestyle="none", zorder=3, **look)

    described = (
        f"{len(ratios)} block ratios from {text.ratio(min(ratios))} to {text.ratio(max(ratios))}."
    )
    return Panel(key, title, described, draw, 3.6, _HEIGHT, _MARGINS)


def _slices(found: Basis, key: str, about: str) -> Panel:
    metric = found.verdict.metric
    sides: tuple[tuple[Trace, Side], ...] = (
        (found.theirs, found.verdict.reference),
        (found.mine, found.verdict.side),
    )
    values = [v for trace, _ in sides for v in _values(trace, metric) if v > 0]

    def draw(ax: Axes) -> None:
        words = f"{text.metric_words(metric)} per event"
        axes.log_y(ax, axes.log_limits(values, 0.06), words, text.time_tick)
        _seconds_axis(ax, found)
        _shade_pairs(ax, found)
        for number, (trace, side) in enumerate(sides):
            # The twin of a control has the look of its first entry.
            look = side.look.point() | {"markersize": 2.8, "label": side.label}
            if number and side.look == found.verdict.reference.look:
                look |= {"markerfacecolor": style.PAPER, "markeredgecolor": style.BLUE}
            ys = [y if y > 0 else math.nan for y in _values(trace, metric)]
            ax.plot(trace.start_s, ys, linestyle="none", zorder=3 + number, **look)
        ax.legend(
            loc="lower right",
            bbox_to_anchor=(1.02, 0.97),
            fontsize=style.SMALL_PT - 0.4,
            frameon=False,
            handletextpad=0.2,
            borderaxespad=0.1,
            ncol=2,
            columnspacing=0.8,
        )

    described = (
        f"{len(values)} slices of {found.verdict.reference.label} and {found.verdict.side.label}, "
        f"from {text.number(min(values))} to {text.number(max(values))} ns an event."
    )
    return Panel(key, about, described, draw, 3.6, _HEIGHT, _MARGINS)


def _pair_medians(found: Basis) -> list[float]:
    by_pair: dict[int, list[float]] = {}
    for block in found.blocks:
        by_pair.setdefault(block.pair, []).append(block.ratio)
    return [statistics.median(by_pair[pair]) for pair in sorted(by_pair)]


def _ratio(percent: float) -> float:
    return 1 + percent / 100


def _limits(verdict: Verdict, level: int) -> tuple[float, float] | None:
    found = next(((low, high) for one, low, high in verdict.intervals if one == level), None)
    return (_ratio(found[0]), _ratio(found[1])) if found else None


def _spread(count: int) -> list[float]:
    """Offsets that keep dots of equal value apart, the same in every drawing."""
    return [0.34 * (((index * 7) % 11) / 10 - 0.5) for index in range(count)]


def _distribution(found: Basis, key: str) -> Panel:
    verdict, medians = found.verdict, _pair_medians(found)
    ratios = [block.ratio for block in found.blocks]
    sampled = [_ratio(one) for one in verdict.resampled]
    outer = _limits(verdict, 95)
    rows = ["blocks", "pairs", "bootstrap"]

    def draw(ax: Axes) -> None:
        near = [*medians, *sampled, *(outer or ()), 1.0]
        low, high = min(near), max(near)
        room = max(0.15 * (high - low), 0.004)
        ax.set_xlim(low - room, high + room)
        ticks = axes.linear_ticks(low - room, high + room, 4)
        ax.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
        ax.set_xlabel("cost ratio")
        ax.grid(True, axis="x")
        axes.rows_y(ax, rows)
        axes.below(ax)
        if verdict.band:
            edge = 1 + verdict.band / 100
            ax.axvspan(1 / edge, edge, color=style.RULE, alpha=0.45, linewidth=0, zorder=1)
        ax.axvline(1.0, color=style.INK, linewidth=0.9, zorder=2)
        point = verdict.side.look.point()
        for row, values, size in ((0, ratios, 2.4), (1, medians, 4.2)):
            heights = [row + offset for offset in _spread(len(values))]
            ax.plot(values, heights, linestyle="none", zorder=3, **(point | {"markersize": size}))
        _bootstrap(ax, sampled, outer, verdict)

    described = (
        f"{len(ratios)} blocks, {len(medians)} pairs; estimate "
        f"{text.number(verdict.estimate, 3)} %, 95 % interval "
        f"{text.ratio_between(*(outer or (None, None)))}; {verdict.state}."
    )
    margins = Margins(0.72, 0.3, 0.34, 0.46)
    return Panel(key, "blocks, pairs, bootstrap", described, draw, 3.6, _HEIGHT, margins)


def _bootstrap(
    ax: Axes, sampled: Sequence[float], outer: tuple[float, float] | None, verdict: Verdict
) -> None:
    """Density from the stored quantiles as shades, the 95 % limits as a bar, the estimate as a line."""
    colour = verdict.side.look.colour
    for low, high in zip(sampled, sampled[1:]):
        # Each step holds the same share, so a narrow one is dense.
        if high > low:
            share = min(1.0, 0.12 * (sampled[-1] - sampled[0]) / (high - low) / 4)
            ax.barh(2, high - low, 0.5, left=low, color=colour, alpha=share, linewidth=0, zorder=2)
    if outer:
        ax.plot(outer, [2, 2], color=style.INK, linewidth=1.4, zorder=4, solid_capstyle="butt")
        for end in outer:
            ax.plot([end, end], [1.8, 2.2], color=style.INK, linewidth=1.0, zorder=4)
    if verdict.estimate is not None:
        ax.plot(
            [_ratio(verdict.estimate)] * 2, [1.7, 2.3], color=style.INK, linewidth=1.8, zorder=5
        )


def _table(heading: str, found: Sequence[Basis]) -> Table:
    among = cells.Among(basis.verdict.cell for basis in found)
    columns = ["cell", "mechanism", "against", "metric", "estimate", "95 % interval"]
    columns += ["could have seen", "pairs", "blocks", "block ratios", "verdict"]
    lines = []
    for basis in found:
        verdict = basis.verdict
        ratios = [block.ratio for block in basis.blocks]
        outer = next(((low, high) for level, low, high in verdict.intervals if level == 95), None)
        lines.append(
            (
                among.title(verdict.cell),
                verdict.side.label,
                verdict.reference.label,
                text.metric_words(verdict.metric),
                f"{verdict.estimate:+.2f} %" if verdict.estimate is not None else text.MISSING,
                f"{outer[0]:+.2f} to {outer[1]:+.2f} %" if outer else text.MISSING,
                text.percent(verdict.resolution),
                str(verdict.pairs),
                str(len(ratios)),
                text.ratio_between(min(ratios), max(ratios)),
                verdict.state,
            )
        )
    return table(heading, columns, lines, (4, 5, 6, 7, 8, 9))


def _sample(found: Sequence[Basis]) -> str:
    pairs = text.span({basis.verdict.pairs for basis in found})
    blocks = text.span({len(basis.blocks) for basis in found})
    return f"n = {pairs} process pairs, {blocks} blocks a comparison."


def build(run: Run) -> Figure:
    """Three panels a comparison."""
    sections: list[Section] = []
    tables: list[Table] = []
    every: list[Basis] = []
    for index, place in enumerate(run.places):
        found = bases(run, place)
        shown = list(islice((basis for basis in found if basis.blocks), MOST))
        if not shown:
            continue
        every += shown
        among = cells.Among(basis.verdict.cell for basis in shown)
        panels: list[Panel] = []
        for number, basis in enumerate(shown):
            key, verdict = f"f15-{index}-{number}", basis.verdict
            title = f"{verdict.side.label} over {verdict.reference.label}"
            about = f"{text.metric_words(verdict.metric)}, {among.title(verdict.cell)}"
            panels += [
                _ratios(basis, f"{key}-ratios", title),
                _slices(basis, f"{key}-slices", about),
                _distribution(basis, f"{key}-spread"),
            ]
        more = len(found) - len(shown)
        notes = (
            (f"{more} further comparisons: their verdicts are in figure 3.",) if more > 0 else ()
        )
        sections.append(Section(place.label, tuple(panels), notes))
        tables.append(_table(place.label, shown))
    if not sections:
        reason = why_missing(run, "comparison of interleaved slices", ())
        return missing(15, "pairs", TITLE, reason)
    caption = (
        "Left: the ratio of every block, in order of time; shading marks every other pair of fresh "
        "processes. Middle: the slices these ratios are made of. Drift that shows in the middle and "
        "not at the left is what interleaving takes out. Right: every block, the median of each pair, "
        "and the bootstrap of the median of pairs: shades are its distribution as stored, the bar its "
        "95 % percentile interval, the thick line the estimate; the grey band counts as no "
        "difference. Blocks far out may lie beyond the right panel's edge. "
        f"{_sample(every)}"
    )
    return Figure(15, "pairs", TITLE, caption, tuple(sections), tuple(tables))
