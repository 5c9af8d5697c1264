# SPDX-License-Identifier: MIT
"""Naming cells: only the parameters that tell cells apart are written, the rest is said once."""

from collections.abc import Iterable, Sequence

from plots import text
from plots.figure import Table, table
from plots.model import Cell, Row

#: Order in which parameters are named; others follow alphabetically.
_FIRST = ("source", "registered", "active", "connections", "payload", "batch", "rate", "threads")


def natural(value: str) -> tuple[int, float, str]:
    """Sort key that puts numbers in numeric order before words."""
    try:
        return 0, float(value), ""
    except ValueError:
        return 1, 0.0, value


def parameter_order(name: str) -> tuple[int, str]:
    """Sort key of parameter names."""
    return (_FIRST.index(name) if name in _FIRST else len(_FIRST), name)


def varying(cells: Iterable[Cell]) -> tuple[str, ...]:
    """Names of parameters that differ among `cells` of one workload, in order of naming."""
    values: dict[str, set[str | None]] = {}
    known = list(cells)
    for name in {name for cell in known for name, _ in cell.params}:
        values[name] = {cell.value(name) for cell in known}
    return tuple(sorted((n for n, v in values.items() if len(v) > 1), key=parameter_order))


def pretty(value: str) -> str:
    """A parameter value; whole numbers of five digits or more get separators."""
    return f"{int(value):,}" if value.isascii() and value.isdigit() and len(value) > 4 else value


def words(cell: Cell, names: Sequence[str]) -> str:
    """ "registered 1000, active 10" for those of `names` the cell has."""
    parts = [f"{name} {pretty(v)}" for name in names if (v := cell.value(name)) is not None]
    return ", ".join(parts)


def fixed(cells: Iterable[Cell]) -> str:
    """The parameters that all `cells` share, for captions; empty where there are none."""
    known = list(cells)
    if not known:
        return ""
    moving = set(varying(known))
    names = sorted((name for name, _ in known[0].params if name not in moving), key=parameter_order)
    return words(known[0], names)


def sort_key(cell: Cell) -> tuple[object, ...]:
    """Order of cells: by workload as first met is the caller's; here by parameter values."""
    names = sorted((name for name, _ in cell.params), key=parameter_order)
    return (cell.workload, tuple((name, natural(cell.value(name) or "")) for name in names))


def ordered(cells: Iterable[Cell]) -> list[Cell]:
    """Unique cells: workloads by name, within one by parameter values."""
    return sorted(set(cells), key=sort_key)


def of_workload(cells: Iterable[Cell], workload: str) -> list[Cell]:
    """The cells of one workload."""
    return ordered(cell for cell in cells if cell.workload == workload)


class Among:
    """Cells that are named beside each other."""

    def __init__(self, known: Iterable[Cell]) -> None:
        of: dict[str, list[Cell]] = {}
        for cell in dict.fromkeys(known):
            of.setdefault(cell.workload, []).append(cell)
        self._names = {workload: varying(own) for workload, own in of.items()}

    def names(self, cell: Cell) -> tuple[str, ...]:
        """The parameters that differ among the cells of its workload, in order of naming."""
        return self._names.get(cell.workload, ())

    def title(self, cell: Cell) -> str:
        """The workload and what tells the cell apart from its siblings."""
        detail = words(cell, self.names(cell))
        return f"{cell.workload}, {detail}" if detail else cell.workload


def rows_table(heading: str, rows: Sequence[Row]) -> Table:
    """The numbers behind a figure: one line a stored value, with its interval."""
    among = Among(row.cell for row in rows)
    several_cells = len({row.cell for row in rows}) > 1
    several_metrics = len({row.metric for row in rows}) > 1
    units = {row.unit for row in rows}
    columns = ["cell"] if several_cells else []
    columns += ["mechanism"]
    columns += ["metric"] if several_metrics else []
    first_number = len(columns)
    columns += ["value" if len(units) > 1 else f"value, {''.join(units)}", "interval"]
    columns += ["unit"] if len(units) > 1 else []
    columns += ["n"]
    lines: list[list[str]] = []
    order = sorted(rows, key=lambda r: (sort_key(r.cell), r.metric, r.side.sort_key))
    for row in order:
        line = [among.title(row.cell)] if several_cells else []
        line += [row.side.label]
        line += [row.metric] if several_metrics else []
        sample = text.MISSING if row.n is None else str(row.n)
        if row.n is not None and row.blocks is not None:
            sample = f"{row.n} ({row.blocks} blocks)"
        line += [text.number(row.value), text.between(row.lo, row.hi)]
        line += [row.unit] if len(units) > 1 else []
        lines.append([*line, sample])
    return table(heading, columns, lines, (first_number, first_number + 1, len(columns) - 1))
