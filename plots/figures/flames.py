# SPDX-License-Identifier: MIT
"""Figure 18: flame graphs, and the difference of each to epoll level-triggered."""

from collections.abc import Mapping, Sequence

from plots import cells, flame, grouping, headline, text
from plots.figure import Figure, Panel, Section, Table, missing, table
from plots.model import Cell, Place, Profile, Run, Side
from results.folded import KERNEL

TITLE = "Where the time goes: flame graphs"
MOST_CELLS = 4
_TOP = 5
#: With fewer samples a frame of one percent is a few of them.
_FEW = 200


def _cost(run: Run, profile: Profile) -> float | None:
    """CPU time of an event, which turns shares of samples into nanoseconds."""
    for row in run.rows:
        if (row.place, row.cell, row.side, row.metric) == (
            profile.place,
            profile.cell,
            profile.side,
            "cpu_ns_per_event",
        ):
            return row.value
    return None


def _weights(profile: Profile, cost: float | None) -> dict[tuple[str, ...], float]:
    factor = (cost or 1.0) / profile.samples
    return {stack: count * factor for stack, count in profile.stacks}


def _kernel_share(profile: Profile) -> float:
    inside = sum(count for stack, count in profile.stacks if stack[-1].endswith(KERNEL))
    return inside / profile.samples


def _leaves(profile: Profile) -> list[tuple[str, float]]:
    """The functions that were running, by share."""
    found: dict[str, int] = {}
    for stack, count in profile.stacks:
        mark = " (kernel)" if stack[-1].endswith(KERNEL) else ""
        name = flame.plain(stack[-1]) + mark
        found[name] = found.get(name, 0) + count
    order = sorted(found.items(), key=lambda item: (-item[1], item[0]))
    return [(name, count / profile.samples) for name, count in order]


def _one(run: Run, profile: Profile, key: str, named: str) -> Panel:
    cost = _cost(run, profile)
    about = f", {text.time_tick(float(f'{cost:.3g}'))} an event" if cost else ""
    top = "; ".join(f"{name} {100 * share:.0f} %" for name, share in _leaves(profile)[:_TOP])
    description = (
        f"{profile.samples} samples ({profile.event}), {100 * _kernel_share(profile):.0f} % of them in "
        f"the kernel. Running most: {top}."
    )
    drawn = flame.boxes(flame.tree(_weights(profile, None)), flame.by_kind)
    return flame.panel(key, f"{profile.side.label}, {named}{about}", description, drawn)


def _difference(run: Run, profile: Profile, base: Profile, key: str, named: str) -> Panel:
    ours, theirs = _cost(run, profile), _cost(run, base)
    both = ours is not None and theirs is not None
    own = _weights(profile, ours if both else None)
    other = _weights(base, theirs if both else None)
    root = flame.tree(own, other)
    drawn = flame.boxes(root, flame.by_change(root.other))
    unit = " ns an event" if both else ", in shares of the samples"
    moved = sorted(_moves(own, other), key=lambda item: (-abs(item[1]), item[0]))[:_TOP]
    scale = 1.0 if both else 100.0
    listed = "; ".join(f"{name} {scale * change:+.3g}" for name, change in moved)
    description = f"Change of each function's own cost{unit}: {listed or 'none'}."
    title = f"{profile.side.label} against {base.side.label}, {named}"
    return flame.panel(key, title, description, drawn)


def _moves(
    own: Mapping[tuple[str, ...], float], other: Mapping[tuple[str, ...], float]
) -> list[tuple[str, float]]:
    sums: dict[str, float] = {}
    for weights, sign in ((own, 1.0), (other, -1.0)):
        for stack, weight in weights.items():
            name = flame.plain(stack[-1])
            sums[name] = sums.get(name, 0.0) + sign * weight
    return list(sums.items())


def _cell(run: Run, cell: Cell, found: Mapping[Side, Profile], key: str, named: str) -> list[Panel]:
    shown = grouping.overview(found).sides
    panels = [_one(run, found[s], f"{key}-{n}", named) for n, s in enumerate(shown)]
    base = next((side for side in found if side.is_reference), None)
    if base is not None:
        panels += [
            _difference(run, found[side], found[base], f"{key}-d{number}", named)
            for number, side in enumerate(shown)
            if side != base
        ]
    return panels


def _table(heading: str, found: Sequence[Profile]) -> Table:
    among = cells.Among(profile.cell for profile in found)
    columns = ("cell", "mechanism", "samples", "in the kernel", "function", "share of samples")
    lines = []
    for profile in sorted(found, key=lambda p: (headline.cell_rank(p.cell), p.side.sort_key)):
        for name, share in _leaves(profile)[:10]:
            lines.append(
                (
                    among.title(profile.cell),
                    profile.side.label,
                    f"{profile.samples:,}",
                    text.percent(100 * _kernel_share(profile)),
                    text.short(name, 60),
                    text.percent(100 * share),
                )
            )
    return table(f"{heading}: functions that were running", columns, lines, (2, 3, 5))


def _section(run: Run, place: Place, key: str, found: Sequence[Profile]) -> Section:
    order = headline.cell_order(profile.cell for profile in found)
    among = cells.Among(order)
    panels: list[Panel] = []
    shown = headline.spread(run, order, MOST_CELLS)
    for number, cell in enumerate(shown):
        own = {profile.side: profile for profile in found if profile.cell == cell}
        panels += _cell(run, cell, own, f"{key}-{number}", among.title(cell))
    notes = list(headline.note(order, shown))
    few = [profile.side.label for profile in found if profile.samples < _FEW]
    if few:
        notes.append(f"Fewer than {_FEW} samples: {text.listing(dict.fromkeys(few))}.")
    return Section(place.label, tuple(panels), tuple(notes))


def _why(run: Run) -> str:
    reasons = [p.reason for p in run.profiles if p.reason]
    reasons += [skip.reason for skip in run.skips if skip.reason.startswith("no flame graphs")]
    if reasons:
        return f"not measured: {reasons[0]}"
    return f"not measured: only run --profile full samples stacks, and this is {run.profile}"


def build(run: Run) -> Figure:
    """One variant of each mechanism in the first cells, then what differs from epoll lt."""
    sections, tables = list[Section](), list[Table]()
    drawn = [profile for profile in run.profiles if profile.stacks]
    for place in dict.fromkeys(profile.place for profile in drawn):
        found = [profile for profile in drawn if profile.place == place]
        sections.append(_section(run, place, f"f18-{len(sections)}", found))
        tables.append(_table(place.label, found))
    if not sections:
        return missing(18, "flames", TITLE, _why(run))
    events = text.listing(sorted({profile.event for profile in drawn}))
    graphs = text.listing(sorted({profile.call_graph for profile in drawn}))
    caption = (
        "Width is the share of samples in which a function was on the stack, its callers below it; the "
        "order from left to right is by name and means nothing. Blue: kernel; orange: user space. The "
        "differences have the widths of the first-named side; vermilion frames cost more than in the "
        "other, blue ones less, darker from 1, 3 and 10 % of the other's whole cost, by CPU time of an "
        "event where it was measured; what only the other side calls has no width. Stacks begin at the "
        f"measured loop; names are without template arguments. Sampled by {events}, stacks by {graphs}; "
        f"n = {text.span(profile.samples for profile in drawn)} samples a side, without an interval: a "
        "share of 1 % of 400 samples is four of them."
    )
    return Figure(18, "flames", TITLE, caption, tuple(sections), tuple(tables))
