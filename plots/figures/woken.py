# SPDX-License-Identifier: MIT
"""Figure 19: threads woken for an event, and how even their shares are."""

from functools import partial

from plots import bars, captions, cell_bars, cells, text
from plots.figure import Figure, Section, missing
from plots.model import Row, Run
from plots.reasons import why_missing

TITLE = "Threads woken for an event"
_WOKEN, _SHARE = "wakeups_per_event", "share_index"


def _bar(row: Row, shares: list[Row]) -> bars.Bar:
    share = [one for one in shares if (one.cell, one.side) == (row.cell, row.side)]
    words = text.number(row.value, 3)
    if share:
        words = f"{words}  ·  {text.number(share[0].value, 2)}"
    return bars.Bar(row.side, (max(0.0, row.value or 0.0),), words, row.lo, row.hi)


def build(run: Run) -> Figure:
    """Plain bars from zero, one panel a cell."""
    sections, tables, drawn = [], [], []
    for index, place in enumerate(run.places):
        here = [row for row in run.rows if row.place == place and row.measured]
        woken = [row for row in here if row.metric == _WOKEN]
        shares = [row for row in here if row.metric == _SHARE]
        if not woken:
            continue
        panels = cell_bars.panels(
            f"f19-{index}",
            woken,
            partial(_bar, shares=shares),
            "Threads woken for an event, and Jain's index of their shares.",
            "wake-ups per event",
            "woken · share",
        )
        sections.append(Section(place.label, panels))
        extra = [row for row in here if row.metric in (_SHARE, "spurious_per_event")]
        tables.append(cells.rows_table(place.label, [*woken, *extra]))
        drawn += woken
    if not drawn:
        workloads = ("herd", "shared_vs_private_queue")
        return missing(19, "woken", TITLE, why_missing(run, _WOKEN, workloads))
    caption = (
        "Lower is better, and 1 is one thread for one event; below 1 threads find further events "
        "before they sleep. How often waiting threads were woken from their sleep, counted by the "
        "kernel, with those that found nothing and went back to sleep inside the wait. The number "
        "after the dot is Jain's index of the messages each thread took: 1 where all had the same, "
        "1 divided by the number of threads where one had all. Events that were reported and found "
        f"nothing to read are in the table. {captions.intervals(drawn)}"
    )
    return Figure(19, "woken", TITLE, caption, tuple(sections), tuple(tables))
