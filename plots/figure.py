# SPDX-License-Identifier: MIT
"""What a figure is made of, before it becomes SVG or a PDF page.

A figure is sections (one a place), a section is panels, and a panel draws itself into axes of a
fixed size in inches. The HTML lets panels flow and wrap, the PDF sets them on pages; both draw at
the same size, so type has the same size everywhere.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from matplotlib.axes import Axes


OVERVIEW = 4.15
SMALL = 3.3


@dataclass(frozen=True)
class Margins:
    """Inches around the axes, where titles, labels and columns of numbers go."""

    left: float = 0.62
    right: float = 0.2
    top: float = 0.3
    bottom: float = 0.46


@dataclass(frozen=True)
class Panel:
    """One set of axes. `draw` may be called more than once and must not keep the axes.

    Three panels of 3.6 inches, or one of OVERVIEW and two of SMALL, fill the width of a page.
    """

    key: str
    title: str
    description: str
    draw: Callable[[Axes], None]
    width: float = 3.5
    height: float = 2.5
    margins: Margins = field(default_factory=Margins)
    starts_row: bool = False
    #: Full of text: scrolled sideways on a narrow screen instead of made smaller.
    fixed: bool = False


@dataclass(frozen=True)
class Table:
    """Numbers as text. `numeric` are the columns set right-aligned; `title` may be empty."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numeric: frozenset[int] = frozenset()
    kinds: tuple[str, ...] = ()  # style class of each row's last column, empty for none


def limited(table: Table, most: int) -> tuple[Table, str]:
    """At most `most` rows, and a line that says what was left out; empty where nothing was."""
    rows = len(table.rows)
    if rows <= most:
        return table, ""
    shorter = replace(table, rows=table.rows[:most], kinds=table.kinds[:most])
    return shorter, f"The first {most:,} of {rows:,} rows; results.jsonl holds all of them."


@dataclass(frozen=True)
class Section:
    """The panels of one place; `notes` are lines such as what a panel could not show and why."""

    heading: str
    panels: tuple[Panel, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Figure:
    """A figure with its caption and its numbers; `reason` says why there is nothing to draw."""

    number: int
    key: str
    title: str
    caption: str
    sections: tuple[Section, ...] = ()
    tables: tuple[Table, ...] = ()
    reason: str = ""

    @property
    def drawn(self) -> bool:
        """True where there is at least one panel."""
        return any(section.panels for section in self.sections)


def missing(number: int, key: str, title: str, reason: str) -> Figure:
    """A figure without data: one line instead of an empty axis."""
    return Figure(number, key, title, "", reason=reason)


def table(
    title: str,
    columns: Sequence[str],
    rows: Sequence[Sequence[str]],
    numeric: Sequence[int] = (),
    kinds: Sequence[str] = (),
) -> Table:
    """A Table from any sequences; a row of another length is a fault of the caller."""
    for row in rows:
        if len(row) != len(columns):
            raise ValueError(f"table '{title}': a row of {len(row)} cells, {len(columns)} columns")
    return Table(
        title, tuple(columns), tuple(tuple(r) for r in rows), frozenset(numeric), tuple(kinds)
    )
