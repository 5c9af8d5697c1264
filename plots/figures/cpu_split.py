# SPDX-License-Identifier: MIT
"""Figure 9: CPU time of an event, user and system, with context switches."""

from collections.abc import Sequence

from plots import bars, captions, cells, headline, style, text
from plots.figure import Figure, Panel, Section, Table, missing, table
from plots.model import Cell, Place, Row, Run, Side
from plots.reasons import why_missing

TITLE = "CPU time of an event, user and system"
PARTS = (bars.Part("user", style.SKY), bars.Part("system", style.BLUE, "////"))
_METRICS = ("cpu_user_ns_per_event", "cpu_sys_ns_per_event")

Found = dict[tuple[Cell, Side, str], Row]


def _bar(cell: Cell, side: Side, found: Found) -> bars.Bar:
    lengths = tuple(found[(cell, side, metric)].value or 0.0 for metric in _METRICS)
    switches = found.get((cell, side, "ctxsw_per_event"))
    total = found.get((cell, side, "cpu_ns_per_event"))
    words = text.number(total.value if total else sum(lengths), 3)
    beside = text.number(switches.value, 2) if switches else text.MISSING
    return bars.Bar(
        side,
        lengths,
        f"{words}  ·  {beside}",
        total.lo if total else None,
        total.hi if total else None,
    )


def _panel(cell: Cell, sides: Sequence[Side], found: Found, key: str, title: str) -> Panel:
    rows = [_bar(cell, side, found) for side in sides]
    sentence = "; ".join(
        f"{bar.side.label}: user {text.number(bar.lengths[0])}, system {text.number(bar.lengths[1])}"
        for bar in rows
    )
    return bars.bar_panel(
        key,
        title,
        f"CPU nanoseconds of an event. {sentence}.",
        PARTS,
        rows,
        "CPU time per event, ns",
        "total · switches",
    )


def _section(run: Run, place: Place, key: str) -> tuple[Section, list[Row]]:
    wanted = {*_METRICS, "cpu_ns_per_event", "ctxsw_per_event"}
    here = [r for r in run.rows if r.place == place and r.measured and r.metric in wanted]
    found = {(row.cell, row.side, row.metric): row for row in here}
    complete = {
        (row.cell, row.side)
        for row in here
        if all((row.cell, row.side, metric) in found for metric in _METRICS)
    }
    every = headline.cell_order(cell for cell, _ in complete)
    order = headline.drawn(run, place, every)
    panels = [bars.key_panel(f"{key}-key", PARTS)] if order else []
    among = cells.Among(every)
    for index, cell in enumerate(order):
        sides = sorted((s for c, s in complete if c == cell), key=lambda s: s.sort_key)
        panels.append(_panel(cell, sides, found, f"{key}-{index}", among.title(cell)))
    drawn = [row for row in here if (row.cell, row.side) in complete]
    notes = headline.note(every, order)
    notes += (captions.EMULATED,) if place.emulated and order else ()
    return Section(place.label, tuple(panels), notes), drawn


def _table(heading: str, rows: Sequence[Row]) -> Table:
    found = {(row.cell, row.side, row.metric): row for row in rows}
    among = cells.Among(row.cell for row in rows)
    pairs = {(row.cell, row.side) for row in rows}
    lines = []
    for cell, side in sorted(pairs, key=lambda p: (headline.cell_rank(p[0]), p[1].sort_key)):
        one = [found.get((cell, side, metric)) for metric in (*_METRICS, "cpu_ns_per_event")]
        total = one[-1]
        switches = found.get((cell, side, "ctxsw_per_event"))
        lines.append(
            (
                among.title(cell),
                side.label,
                *(text.number(row.value if row else None) for row in one),
                text.between(total.lo, total.hi) if total else text.MISSING,
                text.number(switches.value if switches else None, 3),
            )
        )
    columns = ("cell", "mechanism", "user, ns", "system, ns", "total, ns", "interval of total")
    return table(heading, (*columns, "switches per event"), lines, range(2, 7))


def build(run: Run) -> Figure:
    """Stacked bars from zero, one panel a cell."""
    sections, tables, drawn = [], [], []
    for index, place in enumerate(run.places):
        part, rows = _section(run, place, f"f9-{index}")
        if not part.panels:
            continue
        sections.append(part)
        tables.append(_table(place.label, rows))
        drawn += rows
    if not drawn:
        return missing(9, "cpu-time", TITLE, why_missing(run, "split of CPU time"))
    caption = (
        "Lower is better. Bars start at zero; each panel has its own scale. The numbers beside a bar "
        "are the total in ns and context switches per event. CPU time counts every thread of the "
        "process, a submission-queue thread included. The total is exact; most kernels estimate its "
        "split by timer ticks, which is coarse where a program sleeps often. The line at a bar's end "
        f"is the interval of the total. {captions.intervals(drawn)}"
    )
    return Figure(9, "cpu-time", TITLE, caption, tuple(sections), tuple(tables))
