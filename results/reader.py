# SPDX-License-Identifier: MIT
"""Reads results.jsonl, complete or cut short, plain or gzip."""

from __future__ import annotations

import gzip
import json
import math
import zlib
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from results.errors import ResultsError
from results.version import SCHEMA, migrate

FILE_NAME = "results.jsonl"
RECORDS = frozenset(
    {"run", "env", "case", "slice", "hist", "count", "metric", "verdict", "profile", "skip", "end"}
)
#: What figures are made of. A full run has millions, more than memory holds; summaries need none.
RAW = frozenset({"slice", "hist", "count"})
Record = dict[str, Any]
#: Where our writers put the kind of a record: behind schema and version.
_KIND, _HEAD = b'"record":"', 120
_NAMES = {name.encode(): name for name in RECORDS}
#: Where they put the scope of a histogram: behind its case.
_SCOPE, _SCOPE_HEAD = b'"scope":"slice"', 2048


@dataclass(frozen=True)
class ResultFile:
    """The records of one run, in the order they were written."""

    path: Path
    records: list[Record]
    #: Set when the last line was cut off: what was dropped, for people.
    torn: str | None

    @property
    def run_id(self) -> str:
        """Identity of the run."""
        return str(self.records[0]["run_id"])

    @property
    def run(self) -> Record:
        """The opening record."""
        return self.records[0]

    @property
    def environment(self) -> Record | None:
        """The first env record, None when the run was cut short before it."""
        return next(self.of("env"), None)

    @property
    def end(self) -> Record | None:
        """The closing record, None when the run was cut short."""
        return next(self.of("end"), None)

    def of(self, kind: str, /, **equal: Any) -> Iterator[Record]:
        """Records of one kind whose fields equal those given."""
        for record in self.records:
            if record["record"] == kind and all(
                record.get(name) == value for name, value in equal.items()
            ):
                yield record


def _no_constant(text: str) -> NoReturn:
    raise ValueError(f"{text} is not JSON")


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text} is beyond a double")
    return value


def parse(line: str) -> Record:
    """One record, or ValueError."""
    value = json.loads(line, parse_constant=_no_constant, parse_float=_finite)
    if not isinstance(value, dict):
        raise ValueError("not an object")
    return value


def lines_of(path: Path) -> Iterator[bytes]:
    """The lines of the file, unpacked, each with its end as far as it has one.

    One at a time: a file of a million slices is larger than what is kept of it.
    """
    try:
        with open(path, "rb") as raw:
            packed = raw.read(2) == b"\x1f\x8b"
            raw.seek(0)
            yield from gzip.open(raw) if packed else raw
    except FileNotFoundError:
        raise ResultsError(f"{path} does not exist: give a run directory or its {FILE_NAME}")
    except (gzip.BadGzipFile, EOFError, zlib.error):
        raise ResultsError(f"{path} is a damaged gzip file: restore it or measure again") from None
    except OSError as problem:
        raise ResultsError(f"cannot read {path}: {problem.strerror}") from None


def locate(path: Path) -> Path:
    """The result file of a run directory, or the file itself."""
    if path.is_dir():
        for name in (FILE_NAME, FILE_NAME + ".gz"):
            if (path / name).is_file():
                return path / name
        raise ResultsError(f"{path} holds no {FILE_NAME}: give the directory of a run")
    return path


def _check(record: Record, path: Path, number: int, run_id: str | None) -> None:
    """Raises ResultsError unless the record belongs here."""
    if record.get("schema") != SCHEMA:
        raise ResultsError(
            f"{path} is not a Kevbench result file (line {number}): give a run directory"
        )
    if record.get("record") not in RECORDS or not isinstance(record.get("run_id"), str):
        raise ResultsError(f"{path} is damaged at line {number}: restore it or measure again")
    if run_id is not None and record["run_id"] != run_id:
        raise ResultsError(
            f"{path} mixes two runs (line {number}): keep one run in a file, and compare two"
        )


def kind_of(line: bytes) -> str | None:
    """The kind of a record as our writers put it, without parsing; None where that does not tell."""
    at = line.find(_KIND, 0, _HEAD)
    if at < 0:
        return None
    start = at + len(_KIND)
    name = line[start : line.find(b'"', start, _HEAD)]
    return _NAMES.get(name) or name.decode("ascii", "replace")


def is_slice_histogram(line: bytes, kind: str | None = None) -> bool:
    """Whether a line is the histogram of one slice: far more than all other records of a full run.

    `kind` is that of the line where it is known.
    """
    return (kind or kind_of(line)) == "hist" and line.find(_SCOPE, 0, _SCOPE_HEAD) >= 0


def read(
    path: Path,
    without: Collection[str] = (),
    keep: Callable[[Record], bool] | None = None,
    passing: Callable[[bytes], bool] | None = None,
) -> ResultFile:
    """Reads a run directory or a result file.

    A last line that was cut off while being written is left out and reported in `torn`. Records of
    the kinds in `without`, and lines that `passing` says so of, are passed over unparsed, about ten
    times as fast. `keep` sees every record that was read; one it refuses is checked and not kept,
    so that a file may be larger than memory. Raises ResultsError,
    with one line that says what to do, for a file that is missing, empty, foreign, of a newer major
    version, or damaged before its last line.
    """
    path = locate(path)
    records: list[Record] = []
    torn: str | None = None
    damaged: tuple[int, int] | None = None
    for number, line in enumerate(lines_of(path), start=1):
        if not line.endswith(b"\n"):
            torn = f"last line cut off after {len(line)} bytes: dropped"
            break
        if damaged is not None:
            break
        if without and records and kind_of(line) in without:
            continue
        if passing is not None and records and passing(line):
            continue
        try:
            record = parse(line.decode())
        except (ValueError, RecursionError):
            damaged = number, len(line) - 1
            continue
        _check(record, path, number, str(records[0]["run_id"]) if records else None)
        try:
            record = migrate(record)
            if keep is None or not records or keep(record):
                records.append(record)
        except ResultsError as problem:
            raise ResultsError(f"{path}: {problem}") from None
    else:
        # Only a power failure can damage a line that has its end, and only the last one.
        if damaged is not None and records:
            torn = f"last line unreadable ({damaged[1]} bytes): dropped"
            damaged = None
    if damaged is not None:
        what = "damaged" if records else "not a Kevbench result file"
        raise ResultsError(f"{path} is {what} (line {damaged[0]}): restore it or measure again")
    if not records:
        raise ResultsError(f"{path} is empty: nothing was measured; run again")
    if records[0]["record"] != "run":
        raise ResultsError(f"{path} does not begin with a run record: restore it or measure again")
    return ResultFile(path, records, torn)
