# SPDX-License-Identifier: MIT
"""Figure 11: instructions of an event, counted, by mechanism and source."""

from collections.abc import Sequence

from plots import bars, captions, cells, headline, kevent_bars, style, text
from plots.figure import Figure, Panel, Section, Table, missing
from plots.model import Place, Row, Run
from plots.reasons import why_missing

TITLE = "Instructions of an event"
_WHOLE = ("instr_per_event", "instr_per_request")
_DISPATCH = "dispatch_instr_per_event"
PARTS = (
    bars.Part("input and output, without any mechanism", style.SKY),
    bars.Part("notification", style.BLUE, "////"),
)
_PLAIN = (bars.Part("", ""),)


def _bar(row: Row, dispatch: Row | None) -> bars.Bar:
    whole = row.value or 0.0
    if dispatch is None or dispatch.value is None:
        return bars.Bar(row.side, (whole,), text.number(whole))
    notified = min(whole, max(0.0, dispatch.value))
    words = f"{text.number(whole)}  ·  {text.number(notified, 3)}"
    return bars.Bar(row.side, (whole - notified, notified), words)


def _panel(rows: Sequence[Row], known: Sequence[Row], key: str, title: str) -> Panel:
    by_side = {row.side: row for row in known if row.metric == _DISPATCH and row.measured}
    split = all(row.side in by_side for row in rows)
    drawn = [_bar(row, by_side[row.side] if split else None) for row in rows]
    unit = "request" if rows[0].metric == "instr_per_request" else "operation"
    sentence = "; ".join(f"{bar.side.label}: {bar.words}" for bar in drawn)
    return bars.bar_panel(
        key,
        title,
        f"Instructions of an {unit}. {sentence}.",
        PARTS if split else _PLAIN,
        drawn,
        f"instructions per {unit}",
        "whole · notification" if split else "whole",
        right=1.05 if split else 0.6,
    )


def _section(run: Run, place: Place, key: str) -> tuple[Section, list[Row]]:
    here = [r for r in run.rows if r.place == place and r.measured]
    whole = [row for row in here if row.metric in _WHOLE]
    every = headline.cell_order(row.cell for row in whole)
    panels = [bars.key_panel(f"{key}-key", PARTS)] if every else []
    shown, among = headline.spread(run, every), cells.Among(every)
    for number, cell in enumerate(shown):
        rows = sorted((r for r in whole if r.cell == cell), key=lambda r: r.side.sort_key)
        known = [row for row in here if row.cell == cell]
        panels.append(_panel(rows, known, f"{key}-{number}", among.title(cell)))
    heading = f"{place.label}: {_HOW}" if place.emulated else place.label
    notes = (_SCAN,) if any(row.side.mechanism in ("select", "poll") for row in whole) else ()
    return Section(heading, tuple(panels), (*notes, *headline.note(every, shown))), whole


_HOW = "exact counts, no times"
_SCAN = (
    "select and poll look at every registered descriptor in every wait; where many are registered "
    "their bars leave the others no length, so read the numbers."
)


def build(run: Run) -> Figure:
    """Bars from zero, one panel a cell; two parts where the work was also done bare."""
    sections: list[Section] = []
    tables: list[Table] = []
    drawn: list[Row] = []
    for index, place in enumerate(run.places):
        part, rows = _section(run, place, f"f11-{index}")
        if not rows:
            continue
        sections.append(part)
        tables += kevent_bars.tables(run, place)
        tables.append(cells.rows_table(place.label, rows))
        drawn += rows
    if not drawn:
        return missing(11, "instructions", TITLE, why_missing(run, "instr_per_event"))
    caption = (
        "Lower is better. Every instruction of user and kernel, counted by a guest whose clock "
        "advances with them: no cache, no second processor and no real time is in these numbers. "
        "Where the same input and output was also done without any mechanism, what is above it is "
        "the cost of notification. Where two threads take part, both are counted; of a server, its "
        f"process alone. {captions.intervals(drawn)}"
    )
    return Figure(11, "instructions", TITLE, caption, tuple(sections), tuple(tables))
