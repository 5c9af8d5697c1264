# SPDX-License-Identifier: MIT
"""Appends records to results.jsonl.

Durability: each record is one line handed to the kernel by one write() on a descriptor opened with
O_APPEND, so whatever kills this process (kill -9 included) at most the line being written is torn.
fsync(), which costs milliseconds and protects only against a power failure or a kernel crash, is
called after the records that open and close a run and whenever the caller says `durable=True` (the
controller: after each finished cell), never between slices, where it would disturb the measurement.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

from results.errors import ResultsError
from results.version import SCHEMA, SCHEMA_VERSION

_INT_LIMIT = 1 << 64
_DURABLE = frozenset({"run", "env", "end"})


def _clean(value: Any, path: str, reasons: dict[str, str]) -> Any:
    """The value as JSON can carry it: NaN and infinities become null with a reason."""
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return value
    if isinstance(value, int):
        if abs(value) >= _INT_LIMIT:
            raise ResultsError(f"{path} = {value} does not fit 64 bit: store it as text")
        return value
    if isinstance(value, float):
        if math.isfinite(value):
            return value
        reasons[path] = "not a finite number"
        return None
    if isinstance(value, Mapping):
        return {
            str(key): _clean(item, f"{path}.{key}" if path else str(key), reasons)
            for key, item in value.items()
        }
    if isinstance(value, (list, tuple)):
        return [_clean(item, f"{path}[{n}]", reasons) for n, item in enumerate(value)]
    if hasattr(value, "item"):  # numpy scalars
        return _clean(value.item(), path, reasons)
    raise ResultsError(f"{path} has type {type(value).__name__}: results hold JSON values only")


def encode(record: str, run_id: str, fields: Mapping[str, Any]) -> bytes:
    """One complete line for the record, ready to append.

    A number that is not finite is stored as null, named in `not_finite`, and explained in `reason`
    where the record has that field and left it empty.
    """
    whole = {
        "schema": SCHEMA,
        "schema_version": SCHEMA_VERSION,
        "record": record,
        "run_id": run_id,
        **fields,
    }
    reasons: dict[str, str] = {}
    cleaned = _clean(whole, "", reasons)
    if reasons:
        cleaned["not_finite"] = sorted(reasons)
        if "reason" in cleaned and not cleaned["reason"]:
            cleaned["reason"] = f"not a finite number: {', '.join(sorted(reasons))}"
    return (json.dumps(cleaned, allow_nan=False, separators=(",", ":")) + "\n").encode()


class ResultWriter:
    """Creates a result file and appends to it. Use as a context manager; not thread-safe."""

    def __init__(self, path: Path, run_id: str) -> None:
        """Creates the file. Raises ResultsError when it exists or cannot be created."""
        self.path = path
        self.run_id = run_id
        try:
            self._fd = os.open(
                path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644
            )
        except FileExistsError:
            raise ResultsError(f"{path} exists: results are never overwritten") from None
        except OSError as problem:
            raise ResultsError(f"cannot create {path}: {problem.strerror}") from None

    def append(self, record: str, fields: Mapping[str, Any], durable: bool = False) -> None:
        """Appends one record. Raises ResultsError when the disk does not take it."""
        line = encode(record, self.run_id, fields)
        try:
            written = os.write(self._fd, line)
            if written != len(line):
                raise OSError(28, "disk full")
            if durable or record in _DURABLE:
                os.fsync(self._fd)
        except OSError as problem:
            raise ResultsError(
                f"cannot write {self.path}: {problem.strerror}; free space and run again"
            ) from None

    def close(self) -> None:
        """Closes the file; further appends fail."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def __enter__(self) -> ResultWriter:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
