# SPDX-License-Identifier: MIT
"""Figure 21: what operations cost that nobody watches, beside a queue that watches others."""

from plots import bars, captions, cell_bars, cells, text
from plots.figure import Figure, Section, missing
from plots.model import Row, Run
from plots.reasons import why_missing

TITLE = "Cost when unused"
_METRIC = "unused_instr_per_event"


def _bar(row: Row) -> bars.Bar:
    # Below half an instruction an operation nothing was added: a tick came at another place.
    whole = round(row.value or 0.0)
    return bars.Bar(row.side, (float(max(0, whole)),), f"{whole:+d}" if whole else "0")


def build(run: Run) -> Figure:
    """Plain bars from zero, one panel a cell."""
    sections, tables, drawn = [], [], []
    for index, place in enumerate(run.places):
        here = [
            row for row in run.rows if row.place == place and row.metric == _METRIC and row.measured
        ]
        if not here:
            continue
        panels = cell_bars.panels(
            f"f21-{index}",
            here,
            _bar,
            "Instructions added to an operation that nobody watches.",
            "instructions added",
            "added",
            right=0.6,
        )
        sections.append(Section(place.label, panels))
        tables.append(cells.rows_table(place.label, here))
        drawn += here
    if not drawn:
        return missing(21, "unused", TITLE, why_missing(run, _METRIC, ("bystander",)))
    caption = (
        "Lower is better. Instructions that an operation nobody watches costs more than in a kernel "
        "without kevent.ko and in a process without a queue, while the queue named at the bar watches "
        "other descriptors. With module absent nothing but the process's own queue can add to it; "
        "with module loaded the sides that are not kevent's show what the module adds that nobody "
        "has used yet, kevent's own what it adds once one queue watches descriptors of that kind. "
        f"Rounded to whole instructions; negative figures have no bar. {captions.intervals(drawn)}"
    )
    return Figure(21, "unused", TITLE, caption, tuple(sections), tuple(tables))
