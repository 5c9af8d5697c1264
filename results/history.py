# SPDX-License-Identifier: MIT
"""The history of many runs: one JSON Lines store, one line a run, and an SQLite index beside it.

The lines are the source of truth. A run is added by one write() on a descriptor opened with
O_APPEND, so whatever kills the writer (kill -9 included) at most the line being written is torn;
readers leave a torn line out and say so, and the next run starts a line of its own behind it. The
index is made of the lines whenever it is missing, damaged or belongs to other lines than those that
are there, and takes its name at once when it is whole.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import sqlite3
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from results.errors import ResultsError
from results.reader import ResultFile, parse
from results.version import migrate

SCHEMA, VERSION = "kvb.history", "1.0"
INDEX_SUFFIX = ".sqlite"
#: Raised when the tables change, so that an index of before is made anew.
_LAYOUT = 1
_TABLES = """
CREATE TABLE meta (layout INTEGER, size INTEGER, digest TEXT, torn INTEGER);
CREATE TABLE run (number INTEGER PRIMARY KEY, run_id TEXT UNIQUE, commit_id TEXT, depth INTEGER,
                  subject TEXT, dirty INTEGER, started_at TEXT, fingerprint TEXT, facts TEXT);
CREATE TABLE value (run INTEGER, series TEXT, metric TEXT, unit TEXT, better TEXT, value REAL,
                    lo REAL, hi REAL, exact INTEGER);
CREATE INDEX by_series ON value (series, metric);
"""


@dataclass(frozen=True)
class Commit:
    """What a run measured: its commit, how many first parents it has, and whether that was all."""

    identity: str | None
    depth: int | None
    subject: str
    dirty: bool


@dataclass(frozen=True)
class Entry:
    """One run of the history, without its figures."""

    number: int
    run_id: str
    commit: Commit
    started_at: str
    fingerprint: str
    facts: Mapping[str, Any]


@dataclass(frozen=True)
class Value:
    """One figure of one run. `exact` is a count, which has no interval because it needs none."""

    run: int
    value: float
    lo: float | None
    hi: float | None
    exact: bool


@dataclass(frozen=True)
class Series:
    """One metric of one side in one cell at one place, over the runs that have it."""

    name: str
    metric: str
    unit: str
    better: str
    values: tuple[Value, ...]


@dataclass(frozen=True)
class History:
    """Everything a store holds: runs in first-parent order, series by name."""

    path: Path
    runs: tuple[Entry, ...]
    series: tuple[Series, ...]
    torn: int


def figures(result: ResultFile) -> Iterator[dict[str, Any]]:
    """The figures of a run that a history keeps: every measured one but details and twins."""
    for record in result.of("metric", detail=False):
        if record["value"] is None or "#" in str(record["side"]):
            continue
        where = record["where"] if record["where"] == "host" else f"guest {record['kernel']}"
        accel = "" if record["accel"] == "none" else f" {record['accel']}"
        yield {
            "series": f"{where}{accel}/{record['case_key']}",
            "metric": record["metric"],
            "unit": record["unit"],
            "better": record["better"],
            "value": record["value"],
            "lo": record["lo"],
            "hi": record["hi"],
            "exact": record["interval"]["kind"] == "exact",
        }


def line_of(result: ResultFile, commit: Commit, facts: Mapping[str, Any]) -> bytes:
    """A run as a line of a store. `facts` are what its fingerprint was made of."""
    document = {
        "schema": SCHEMA,
        "schema_version": VERSION,
        "run_id": result.run_id,
        "commit": commit.identity,
        "depth": commit.depth,
        "subject": commit.subject,
        "dirty": commit.dirty,
        "started_at": str(result.run.get("started_at") or ""),
        "fingerprint": str(result.run.get("fingerprint") or ""),
        "facts": dict(facts),
        "figures": list(figures(result)),
    }
    return (json.dumps(document, allow_nan=False, separators=(",", ":")) + "\n").encode()


def _check(document: Mapping[str, Any], path: Path, number: int) -> None:
    """Raises ResultsError for a line of another program, a newer one, or of other types."""
    if document.get("schema") != SCHEMA:
        raise ResultsError(
            f"{path} is not a history of Kevbench (line {number}): name another file"
        )
    try:
        migrate({"schema_version": document.get("schema_version")}, VERSION, {})
    except ResultsError as problem:
        raise ResultsError(f"{path}: line {number} {problem}") from None
    kinds = {"run_id": str, "subject": str, "started_at": str, "fingerprint": str, "facts": dict}
    wrong = [name for name, kind in kinds.items() if not isinstance(document.get(name), kind)]
    rows = document.get("figures")
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        wrong.append("figures")
    if wrong:
        raise ResultsError(f"{path}: line {number} has no usable {wrong[0]}: take the line out")


def lines(path: Path) -> Iterator[tuple[int, dict[str, Any] | None]]:
    """Number and document of every line, None for a torn one. Raises ResultsError."""
    try:
        with open(path, "rb") as store:
            for number, line in enumerate(store, start=1):
                try:
                    document = parse(line.decode())
                except (ValueError, RecursionError):
                    # Only the first line can tell a torn history from a file of another kind.
                    if number == 1 and line.endswith(b"\n"):
                        raise ResultsError(
                            f"{path} is not a history of Kevbench: name another file"
                        ) from None
                    yield number, None
                    continue
                _check(document, path, number)
                yield number, document
    except FileNotFoundError:
        raise ResultsError(
            f"{path} does not exist: kevbench history add {path} RUN makes it"
        ) from None
    except OSError as problem:
        raise ResultsError(f"cannot read {path}: {problem.strerror}") from None


def add(path: Path, new: bytes) -> bool:
    """Appends a line; False when the store has that run already. Raises ResultsError.

    Safe beside other writers: each holds the file's lock while it looks and writes.
    """
    run_id = json.loads(new)["run_id"]
    try:
        handle = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as problem:
        raise ResultsError(f"cannot write {path}: {problem.strerror}") from None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        known = {document["run_id"] for _, document in lines(path) if document is not None}
        if run_id in known:
            return False
        size = os.fstat(handle).st_size
        if size and os.pread(handle, 1, size - 1) != b"\n":
            new = b"\n" + new
        if os.write(handle, new) != len(new):
            raise OSError(28, "disk full")
        os.fsync(handle)
        return True
    except OSError as problem:
        raise ResultsError(
            f"cannot write {path}: {problem.strerror}; free space, add again"
        ) from None
    finally:
        os.close(handle)


def _digest(path: Path) -> tuple[int, str]:
    content = hashlib.sha256()
    size = 0
    with open(path, "rb") as store:
        while part := store.read(1 << 20):
            size += len(part)
            content.update(part)
    return size, content.hexdigest()


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def _fill(index: sqlite3.Connection, path: Path, size: int, digest: str) -> None:
    index.executescript(_TABLES)
    torn = 0
    for number, document in lines(path):
        if document is None:
            torn += 1
            continue
        depth = document.get("depth")
        about = (
            number,
            document["run_id"],
            document.get("commit"),
            depth if isinstance(depth, int) else None,
            document["subject"],
            bool(document.get("dirty")),
            document["started_at"],
            document["fingerprint"],
            json.dumps(document["facts"], sort_keys=True),
        )
        added = index.execute("INSERT OR IGNORE INTO run VALUES (?,?,?,?,?,?,?,?,?)", about)
        if not added.rowcount:
            continue
        names = ("series", "metric", "unit", "better")
        index.executemany(
            "INSERT INTO value VALUES (?,?,?,?,?,?,?,?,?)",
            (
                (
                    number,
                    *(str(row.get(name, "")) for name in names),
                    *(_number(row.get(name)) for name in ("value", "lo", "hi")),
                    bool(row.get("exact")),
                )
                for row in document["figures"]
                if _number(row.get("value")) is not None
            ),
        )
    index.execute("INSERT INTO meta VALUES (?,?,?,?)", (_LAYOUT, size, digest, torn))
    index.commit()


def _open(index: Path, wanted: tuple[int, str]) -> sqlite3.Connection | None:
    """The index there is, None when it is missing, damaged or of other lines."""
    if not index.is_file():
        return None
    try:
        found = sqlite3.connect(index)
        row = found.execute("SELECT layout, size, digest FROM meta").fetchone()
        if row == (_LAYOUT, *wanted):
            return found
        found.close()
    except sqlite3.Error:
        pass
    return None


def connect(path: Path) -> sqlite3.Connection:
    """The store's index, made anew where it has to be. Raises ResultsError."""
    try:
        size, digest = _digest(path)
    except FileNotFoundError:
        next(lines(path))
        raise
    except OSError as problem:
        raise ResultsError(f"cannot read {path}: {problem.strerror}") from None
    target = path.with_name(path.name + INDEX_SUFFIX)
    found = _open(target, (size, digest))
    if found is not None:
        return found
    try:
        handle, draft = tempfile.mkstemp(dir=path.parent, prefix=f".{target.name}.")
        os.close(handle)
    except OSError:
        # Where nothing can be written the index lives as long as it is needed.
        memory = sqlite3.connect(":memory:")
        _fill(memory, path, size, digest)
        return memory
    try:
        made = sqlite3.connect(draft)
        _fill(made, path, size, digest)
        made.close()
        os.chmod(draft, 0o644)
        os.replace(draft, target)
    except BaseException:
        Path(draft).unlink(missing_ok=True)
        raise
    return sqlite3.connect(target)


def _ordered(runs: list[Entry]) -> list[Entry]:
    """First-parent order where every run knows its place in it, else by start."""
    if all(run.commit.depth is not None for run in runs):
        return sorted(runs, key=lambda r: (r.commit.depth or 0, r.started_at, r.run_id))
    return sorted(runs, key=lambda r: (r.started_at, r.run_id))


def load(path: Path) -> History:
    """Everything in a store. Raises ResultsError."""
    index = connect(path)
    try:
        runs = [
            Entry(
                row[0],
                row[1],
                Commit(row[2], row[3], row[4], bool(row[5])),
                row[6],
                row[7],
                json.loads(row[8]),
            )
            for row in index.execute("SELECT * FROM run")
        ]
        order = {run.number: place for place, run in enumerate(_ordered(runs))}
        grouped: dict[tuple[str, str, str, str], list[Value]] = {}
        for row in index.execute("SELECT * FROM value ORDER BY series, metric, unit, better"):
            key = (row[1], row[2], row[3], row[4])
            value = Value(order[row[0]], row[5], row[6], row[7], bool(row[8]))
            grouped.setdefault(key, []).append(value)
        torn = int(index.execute("SELECT torn FROM meta").fetchone()[0])
    except (sqlite3.Error, TypeError, ValueError) as problem:
        raise ResultsError(f"{path}{INDEX_SUFFIX} cannot be used ({problem}): remove it") from None
    finally:
        index.close()
    series = [
        Series(name, metric, unit, better, tuple(sorted(values, key=lambda v: v.run)))
        for (name, metric, unit, better), values in grouped.items()
    ]
    return History(path, tuple(_ordered(runs)), tuple(series), torn)
