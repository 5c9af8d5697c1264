# SPDX-License-Identifier: MIT
"""Figure 2: throughput against connections."""

from plots import captions, cells
from plots.figure import Figure, Section, Table, missing
from plots.model import Cell, Row, Run
from plots.reasons import why_missing
from plots.sweep import Sweep, section

TITLE = "Throughput against connections"


def _connections(cell: Cell) -> float | None:
    return cell.number("connections")


def _rate(cell: Cell) -> float | None:
    return cell.number("rate") if cell.value("connections") is None else None


def sweeps(run: Run) -> list[Sweep]:
    """One sweep for each workload that stores requests per second."""
    names = sorted({row.cell.workload for row in run.rows if row.metric == "requests_per_s"})
    result = []
    for name in names:
        for key, x, label in (
            ("connections", _connections, "connections"),
            ("rate", _rate, "offered rate, requests/s"),
        ):
            result.append(
                Sweep(f"{name}-{key}", name, "requests_per_s", x, label, "requests/s", (key,))
            )
    return result


def build(run: Run) -> Figure:
    """Requests per second by mechanism, both axes logarithmic."""
    drawn: list[Row] = []
    sections: list[Section] = []
    tables: list[Table] = []
    for place in run.places:
        part, rows = section(run, place, sweeps(run), f"f2-{len(sections)}")
        if not rows:
            continue
        sections.append(part)
        tables.append(cells.rows_table(place.label, rows))
        drawn += rows
    if not drawn:
        return missing(2, "throughput", TITLE, why_missing(run, "requests_per_s", ("tcp_rr",)))
    caption = (
        "Higher is better. Each line is one mechanism, the band its interval; equal slopes mean "
        "equal scaling, the vertical distance is the factor between mechanisms. Workloads that ran "
        "at one point only are shown as rows of points. "
        f"{captions.LINES} {captions.intervals(drawn)}"
    )
    if any(row.place.emulated for row in drawn):
        caption += f" {captions.EMULATED}"
    return Figure(2, "throughput", TITLE, caption, tuple(sections), tuple(tables))
