# SPDX-License-Identifier: MIT
"""One page over the runs of several hosts or kernels: their figures side by side.

Machines differ in more than the mechanism, so nothing is ranked across columns. What can be held
against each other are the ratios, each of which was taken inside one run on one host; those of an
emulated guest's clock are left out.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from markupsafe import Markup

from plots import cells, html, text
from plots.figure import Table, table
from plots.load import load
from plots.model import Cell, Place, Row, Run, Side
from plots.replace import replace_file
from plots.verdict import is_clock

_TEMPLATES = Path(__file__).parent / "templates"


@dataclass(frozen=True, eq=False)
class Column:
    """What one host says: a run and one of its places."""

    name: str
    run: Run
    place: Place
    folder: str

    @property
    def heading(self) -> str:
        """Host, kernel, and whether it is emulated."""
        return f"{self.name}: {self.place.label}"


def _columns(runs: Sequence[Path]) -> Iterator[Column]:
    for path in runs:
        run = load(path)
        name = dict(run.commands).get("label: server") or path.resolve().name
        places = run.places or tuple(sorted({skip.place for skip in run.skips}))
        for place in places:
            yield Column(name, run, place, path.resolve().name)


def _rows(columns: Iterable[Column]) -> Iterator[tuple[Column, Row]]:
    for column in columns:
        for row in column.run.rows:
            if row.place == column.place and row.headline:
                yield column, row


def _value(row: Row | None, column: Column) -> str:
    """A figure with its interval, marked where an emulator's clock made it; never an empty cell."""
    if row is None:
        return "not measured"
    if not row.measured:
        return f"skipped: {row.reason or 'no reason stored'}"
    interval = "" if row.lo is None else f" ({text.between(row.lo, row.hi)})"
    emulated = " emulated" if column.place.emulated and is_clock(row.metric) else ""
    return f"{text.number(row.value)}{interval}{emulated}"


def _ratio(row: Row | None, column: Column) -> str:
    if row is None:
        return "not measured"
    if column.place.emulated and is_clock(row.metric):
        return "not judged: emulated"
    if row.ratio is None:
        return "no ratio" if row.measured else f"skipped: {row.reason or 'no reason stored'}"
    shown = text.ratio_range(row.ratio_lo, row.ratio_hi)
    return f"{text.ratio(row.ratio)}{f' ({shown})' if shown else ''}"


def _tables(columns: Sequence[Column]) -> list[Table]:
    """A table of ratios and one of values for each metric, a row a side of a cell."""
    found: dict[str, dict[tuple[Cell, Side], dict[Column, Row]]] = {}
    units: dict[str, str] = {}
    for column, row in _rows(columns):
        units[row.metric] = row.unit
        found.setdefault(row.metric, {}).setdefault((row.cell, row.side), {})[column] = row
    made = []
    for metric, sides in sorted(found.items()):
        among = cells.Among(cell for cell, _ in sides)
        order = sorted(sides, key=lambda one: (cells.sort_key(one[0]), one[1].sort_key))
        heads = ("cell", "mechanism", *(column.heading for column in columns))
        kinds = [("", _value), ("cost ratio to epoll: ", _ratio)]
        for title, shown in kinds:
            if shown is _ratio and not any(
                row.ratio is not None for by in sides.values() for row in by.values()
            ):
                continue
            lines = [
                (
                    among.title(cell),
                    side.label,
                    *(shown(sides[(cell, side)].get(column), column) for column in columns),
                )
                for cell, side in order
            ]
            unit = units[metric] if shown is _value else ""
            name = f"{title}{text.metric_words(metric)}{f', {unit}' if unit else ''}"
            made.append(table(name, heads, lines))
    return made


def _skips(columns: Sequence[Column]) -> Table:
    lines = {
        (
            column.heading,
            skip.side.label if skip.side else "all mechanisms",
            skip.cell.workload if skip.cell else "all workloads",
            skip.reason,
        )
        for column in columns
        for skip in column.run.skips
        if skip.place == column.place
    }
    return table("Not run", ("host", "mechanism", "workload", "reason"), sorted(lines))


def _warnings(columns: Sequence[Column]) -> list[str]:
    lines = []
    emulated = [column.heading for column in columns if column.place.emulated]
    if emulated:
        lines.append(
            f"Times of {text.listing(emulated)} are an emulator's: they show that it works, no more."
        )
    lines += [
        f"{column.name} ended {column.run.status}: {text.listing(column.run.errors[:2])}"
        for column in columns
        if column.run.status not in ("complete",)
    ]
    return lines


def render(out: Path, runs: Sequence[Path]) -> Path:
    """Writes the page, whole or not at all. Raises ResultsError for runs that cannot be read and
    OSError when it cannot be written."""
    columns = list(_columns(runs))
    skips = _skips(columns)
    page = (
        html.environment()
        .get_template("hosts.html.j2")
        .render(
            columns=columns,
            tables=[*_tables(columns), *([skips] if skips.rows else [])],
            warnings=_warnings(columns),
            css=Markup((_TEMPLATES / "report.css").read_text()),
            light=Markup(html.colours(1)),
            dark=Markup(html.colours(2)),
        )
    )
    return replace_file(out, page.encode())
