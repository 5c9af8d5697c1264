# SPDX-License-Identifier: MIT
"""The front page: what was asked, on what machine, and the ratio of every mechanism to epoll.

The matrix has a row a mechanism and a column a headline cell. It is read like this: find the
workload that is like yours, go down its column, and look for ▼.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from plots import cells, grouping, headline, kevent_bars, style, text, verdict
from plots.figure import Table
from plots.model import Cell, Place, Row, Run, Side, Skip
from results.keys import FAILED_KIND
from results.timeline import Chronicle

QUESTION = (
    "Which Linux event-notification mechanism does the same work at the least cost on this machine?"
)
COLUMNS = 10


@dataclass(frozen=True)
class MatrixCell:
    """One ratio; `kind` is a style class."""

    ratio: str
    interval: str
    symbol: str
    word: str
    kind: str


@dataclass(frozen=True)
class MatrixRow:
    """A mechanism: its ratios, how often each verdict was given, what could have been seen."""

    label: str
    cells: tuple[MatrixCell, ...]
    tally: str
    resolution: str
    new_family: bool


@dataclass(frozen=True)
class Matrix:
    """The ratios of one place, at most COLUMNS cells wide; `groups` are (workload, width)."""

    place: Place
    metric: str
    part: str
    groups: tuple[tuple[str, int], ...]
    columns: tuple[str, ...]
    rows: tuple[MatrixRow, ...]


@dataclass(frozen=True)
class FrontPage:
    """Everything above the figures."""

    question: str
    facts: tuple[tuple[str, str], ...]
    warnings: tuple[str, ...]
    matrices: tuple[Matrix, ...]
    bars: Table | None
    skips: tuple[tuple[str, str], ...]


def _matrix_cell(row: Row | None) -> MatrixCell:
    if row is None:
        return MatrixCell("", "", "", "not run", "unsure")
    seen = verdict.look(row)
    if row.ratio is None:
        return MatrixCell(text.MISSING, "", seen.symbol, verdict.explain(row), seen.css)
    interval = text.ratio_range(row.ratio_lo, row.ratio_hi)
    if row.is_reference and row.ratio_best is not None:
        interval = "best epoll" if row.ratio_best == 1 else f"{text.ratio(row.ratio_best)} × best"
    return MatrixCell(text.ratio(row.ratio), interval, seen.symbol, verdict.explain(row), seen.css)


def _tally(found: Sequence[Row]) -> str:
    names = ("cheaper", "dearer", "equivalent", "undecided", "invalid")
    keys = [verdict.key(row) for row in found]
    parts = [f"{style.VERDICTS[n].symbol} {keys.count(n)}" for n in names if n in keys]
    return "  ".join(parts)


def _resolution(found: Sequence[Row]) -> str:
    values = [
        row.resolution_percent
        for row in found
        if row.resolution_percent is not None and not row.is_reference
    ]
    if not values:
        return text.MISSING
    low, high = text.percent(min(values)), text.percent(max(values))
    return low if low == high else f"{low.removesuffix(' %')} to {high}"


def _chunks(order: Sequence[Cell]) -> list[list[Cell]]:
    """Whole workloads packed into parts of at most COLUMNS; a longer workload is cut."""
    parts: list[list[Cell]] = [[]]
    for workload in dict.fromkeys(cell.workload for cell in order):
        own = [cell for cell in order if cell.workload == workload]
        if len(parts[-1]) + len(own) > COLUMNS and parts[-1]:
            parts.append([])
        for cell in own:
            if len(parts[-1]) == COLUMNS:
                parts.append([])
            parts[-1].append(cell)
    return [part for part in parts if part]


def _matrices(run: Run, place: Place) -> list[Matrix]:
    found = [row for row in headline.rows(run, place) if row.headline]
    by_name = {(row.side, row.cell): row for row in found}
    sides = grouping.ordered(row.side for row in found)
    order = headline.cell_order(row.cell for row in found)
    result = []
    parts = _chunks(order)
    for number, part in enumerate(parts, start=1):
        rows = []
        for index, side in enumerate(sides):
            own = [by_name[(side, cell)] for cell in part if (side, cell) in by_name]
            if not own:
                continue
            rows.append(
                MatrixRow(
                    side.label,
                    tuple(_matrix_cell(by_name.get((side, cell))) for cell in part),
                    _tally(own),
                    _resolution(own),
                    index > 0 and sides[index - 1].mechanism != side.mechanism,
                )
            )
        metrics = dict.fromkeys(r.metric for r in found if r.cell in part)
        result.append(
            Matrix(
                place,
                text.listing(text.metric_words(metric) for metric in metrics),
                f"part {number} of {len(parts)}" if len(parts) > 1 else "",
                _groups(part),
                tuple(_column(cell, order) for cell in part),
                tuple(rows),
            )
        )
    return result


def _groups(part: Sequence[Cell]) -> tuple[tuple[str, int], ...]:
    names = list(dict.fromkeys(cell.workload for cell in part))
    return tuple((name, sum(1 for cell in part if cell.workload == name)) for name in names)


def _column(cell: Cell, order: Sequence[Cell]) -> str:
    names = cells.varying(one for one in order if one.workload == cell.workload)
    return cells.words(cell, names).replace(", ", "\n") or cells.words(
        cell,
        [
            n
            for n in ("rate", "connections", "source", "registered")
            if cell.value(n) not in (None, "0")
        ][:1],
    )


def skip_lines(skips: Iterable[Skip]) -> list[tuple[str, str]]:
    """(what, reason), one line a reason, place and mechanism."""
    grouped: dict[tuple[str, str, str, bool], tuple[list[Side], list[Cell]]] = {}
    for skip in skips:
        mechanism = skip.side.mechanism if skip.side else "every mechanism"
        key = (skip.place.label, mechanism, skip.reason, skip.kind == FAILED_KIND)
        sides, where = grouped.setdefault(key, ([], []))
        if skip.side and skip.side not in sides:
            sides.append(skip.side)
        if skip.cell and skip.cell not in where:
            where.append(skip.cell)
    lines = []
    for (place, mechanism, reason, failed), (sides, where) in grouped.items():
        variants = text.listing(side.variant for side in grouping.ordered(sides) if side.variant)
        what = mechanism if variants in ("", mechanism) else f"{mechanism} {variants}"
        if where:
            workloads = list(dict.fromkeys(cell.workload for cell in where))
            what += f" in {text.listing(workloads)}"
            if len(where) == 1 and (
                detail := cells.words(where[0], [n for n, _ in where[0].params])
            ):
                what += f" ({detail})"
        lines.append((f"{what}, {place}", f"failed: {reason}" if failed else reason))
    return lines


def _floor(run: Run) -> str:
    if run.floor_percent is None:
        return f"not measured: {run.floor_reason or 'this run holds no floor'}"
    absolute = ""
    if run.floor_instructions is not None:
        absolute = f"{text.number(run.floor_instructions, 3)} instructions an event, "
    verdict_words = "within" if run.floor_percent < 2 else "ABOVE"
    return (
        f"{absolute}{text.percent(run.floor_percent)} of the cheapest event "
        f"({verdict_words} the limit of 2 %)"
    )


def _dearer_kevent(run: Run) -> str:
    """The line that says where kevent is dearer than epoll's counterpart, or that it is nowhere."""
    found = [
        row
        for place in run.places
        for row in headline.rows(run, place)
        if row.side.mechanism == "kevent" and row.measured
    ]
    if not found:
        return ""
    worse = [row for row in found if verdict.key(row) == "dearer"]
    if not worse:
        return f"in none of {len(found)} comparisons with epoll's counterpart"
    among = cells.Among(row.cell for row in found)
    worse.sort(key=lambda r: -(r.ratio or 0))
    names = [
        f"{row.side.label} in {among.title(row.cell)} ({text.ratio(row.ratio)}, {row.place.where})"
        for row in worse[:8]
    ]
    more = f" and {len(worse) - 8} more (figure 3)" if len(worse) > 8 else ""
    return f"in {len(worse)} of {len(found)} comparisons: {'; '.join(names)}{more}"


def _warnings(run: Run) -> list[str]:
    found = []
    if run.confined:
        found.append(
            f"Confined to {text.listing(run.confined)}; the rest of the run is in report.html."
        )
    if run.status != "complete":
        found.append(f"This run is not complete (status: {run.status}); what is here was measured.")
    found += [f"Error during the run: {line}" for line in run.errors]
    failed = [check for check in run.checks if check.state == "failed"]
    if failed:
        found.append(f"{len(failed)} self-checks failed; see the table of checks under Provenance.")
    if any(name == "label: synthetic" for name, _ in run.commands):
        found.append("SYNTHETIC DATA made to test the report: these numbers were not measured.")
    for place in run.places:
        if place.emulated:
            found.append(
                f"Emulated: {place.label}. Its times describe the emulator and are not judged; "
                "instruction counts are compared instead."
            )
    return found


def build(run: Run) -> FrontPage:
    """Gathers the front page; computes nothing but how often each verdict was given."""
    profile = run.profile
    if run.profile == "quick":
        profile = "quick (8 processes × 4 blocks a cell; wider intervals than the full profile)"
    facts = [
        ("Machine", run.machine or "not known"),
        ("Measured at", "; ".join(place.label for place in run.places)),
        ("Profile", f"{profile}; run {run.run_id}, started {run.started_at}"),
        ("Harness floor", _floor(run)),
    ]
    kevent = _dearer_kevent(run)
    if kevent:
        facts.append(("kevent dearer than epoll", kevent))
    facts += [(f"sha256 of {name}", digest) for name, digest in run.data_files]
    return FrontPage(
        QUESTION,
        tuple(facts),
        tuple(_warnings(run)),
        tuple(matrix for place in run.places for matrix in _matrices(run, place)),
        kevent_bars.summary(run),
        tuple(skip_lines(run.skips)),
    )


def of_history(found: Chronicle) -> str:
    """A history in a sentence."""
    steps = [step for timeline in found.timelines for step in timeline.steps]
    worse = sum(1 for step in steps if step.worse)
    better = sum(1 for step in steps if step.worse is False)
    return (
        f"{len(found.runs)} runs, {len(found.timelines)} series. Change points for the worse: {worse}, "
        f"for the better: {better}. Changes of the set-up: {len(found.moved)}."
    )
