# SPDX-License-Identifier: MIT
"""Every slice of a run as columns, of which a full run holds millions.

The compiled module reads them some ten times as fast as Python. Results must be readable without a
build as well, so where it is missing, or refuses the file, the same columns are collected record by
record.
"""

from __future__ import annotations

from array import array
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from _kevbench import Columns

_NAMES = ("case_key", "side", "phase")
_NUMBERS = ("ops", "t_start_ns", "wall_ns", "cpu_user_ns", "cpu_sys_ns", "steal_ticks")
_WHOLE = ("pair", "block")
_FIELDS = (*_NAMES, *_NUMBERS, *_WHOLE, "warmup", "batches")

Whole = NDArray[np.int64]
Record = Mapping[str, Any]


@dataclass(frozen=True)
class SliceTable:
    """One element a slice, in the order of the file."""

    #: Line of the file, from 1.
    lines: Whole
    #: case_key, side and phase: index into the texts beside it.
    names: dict[str, tuple[Whole, list[str]]]
    #: NaN = not known.
    numbers: dict[str, NDArray[np.float64]]
    #: pair and block.
    whole: dict[str, Whole]
    warmup: NDArray[np.bool_]
    #: Sizes of all slices' batches one after another, and where each slice's end.
    batches: Whole
    batch_ends: Whole


def is_compiled() -> bool:
    """Whether the compiled module is there."""
    try:
        import _kevbench
    except ImportError:
        return False
    return hasattr(_kevbench, "read_columns")


def compiled(path: Path) -> SliceTable | None:
    """The slices of a file by the compiled module; None where Python has to read them."""
    try:
        from _kevbench import read_columns

        return _of_columns(read_columns(path, "slice", _FIELDS))
    except (ImportError, ValueError, KeyError):
        return None


def _of_columns(columns: Columns) -> SliceTable:
    """Raises ValueError for fields of other kinds than ours, KeyError where one is missing."""
    if not columns.rows:
        return Collected().table()
    return SliceTable(
        columns.lines,
        {name: _texts(columns, name) for name in _NAMES},
        {name: _numbers(columns, name) for name in _NUMBERS},
        {name: _integers(columns, name) for name in _WHOLE},
        _integers(columns, "warmup").astype(bool),
        *_batches(columns),
    )


def _texts(columns: Columns, name: str) -> tuple[Whole, list[str]]:
    column = columns[name]
    if column.kind != "text" or column.present is not None:
        raise ValueError(name)
    return column.values.astype(np.int64), column.texts


def _integers(columns: Columns, name: str) -> Whole:
    column = columns[name]
    if column.kind not in ("integer", "boolean") or column.present is not None:
        raise ValueError(name)
    return np.asarray(column.values)


def _numbers(columns: Columns, name: str) -> NDArray[np.float64]:
    column = columns[name]
    if column.kind == "empty":
        return np.full(columns.rows, np.nan)
    if column.kind not in ("integer", "real"):
        raise ValueError(name)
    values: NDArray[np.float64] = column.values.astype(np.float64)
    if column.present is not None:
        values[~column.present] = np.nan
    return values


def _batches(columns: Columns) -> tuple[Whole, Whole]:
    if "batches" not in columns or columns["batches"].kind == "empty":
        return np.zeros(0, np.int64), np.zeros(columns.rows, np.int64)
    return columns["batches"].values, columns["batches"].ends


@dataclass
class Collected:
    """The same columns, slice by slice."""

    _lines: array[int] = field(default_factory=lambda: array("q"))
    _names: dict[str, tuple[array[int], dict[str, int]]] = field(
        default_factory=lambda: {name: (array("q"), {}) for name in _NAMES}
    )
    _numbers: dict[str, array[float]] = field(
        default_factory=lambda: {name: array("d") for name in _NUMBERS}
    )
    _whole: dict[str, array[int]] = field(
        default_factory=lambda: {name: array("q") for name in (*_WHOLE, "warmup")}
    )
    _batches: array[int] = field(default_factory=lambda: array("q"))
    _ends: array[int] = field(default_factory=lambda: array("q"))

    def add(self, line: int, record: Record) -> None:
        """Takes over the figures of a slice record."""
        self._lines.append(line)
        for name, (codes, known) in self._names.items():
            codes.append(known.setdefault(str(record.get(name)), len(known)))
        for name, numbers in self._numbers.items():
            value = record.get(name)
            numbers.append(np.nan if value is None else float(value))
        for name, whole in self._whole.items():
            whole.append(int(record[name]))
        self._batches.extend(int(count) for count in record.get("batches") or ())
        self._ends.append(len(self._batches))

    def table(self) -> SliceTable:
        """What was collected."""
        return SliceTable(
            np.array(self._lines, np.int64),
            {
                n: (np.array(codes, np.int64), list(known))
                for n, (codes, known) in self._names.items()
            },
            {name: np.array(values, np.float64) for name, values in self._numbers.items()},
            {name: np.array(self._whole[name], np.int64) for name in _WHOLE},
            np.array(self._whole["warmup"], bool),
            np.array(self._batches, np.int64),
            np.array(self._ends, np.int64),
        )
