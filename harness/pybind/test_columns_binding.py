# SPDX-License-Identifier: MIT
"""Stored results as columns: the same as reading record by record, without copies."""

from __future__ import annotations

import gc
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from _kevbench import Column, DataError, read_columns
from results.reader import FILE_NAME, Record, read
from results.testing import synthetic_run


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "one"
    synthetic_run(folder, seed=3)
    return folder


def nested(record: Record, name: str) -> Any:
    found: Any = record
    for part in name.split("."):
        found = found.get(part) if isinstance(found, dict) else None
    return found


def decoded(column: Column, row: int) -> Any:
    if column.present is not None and not column.present[row]:
        return None
    if column.kind == "list":
        start = column.ends[row - 1] if row else 0
        return column.values[start : column.ends[row]].tolist()
    value = column.values[row].item()
    return column.texts[value] if column.kind == "text" else value


@pytest.mark.parametrize("kind", ["slice", "metric", "case", "count", "run"])
def test_columns_hold_what_the_records_say(run: Path, kind: str) -> None:
    records = list(read(run).of(kind))
    columns = read_columns(run, kind)
    assert columns.rows == len(records) > 0
    assert columns.file_records == len(read(run).records)
    assert columns.torn_bytes == 0
    checked = 0
    for name in columns:
        column = columns[name]
        if column.kind in ("mixed", "empty"):
            continue
        for row, record in enumerate(records):
            assert decoded(column, row) == nested(record, name), (name, row)
            checked += 1
    assert checked > columns.rows


def test_only_the_fields_that_are_asked_for_are_held(run: Path) -> None:
    whole, some = read_columns(run), read_columns(run, "slice", ["wall_ns", "batches", "none"])
    assert some.names() == ["batches", "wall_ns"] and some.rows == whole.rows
    for name in some:
        assert list(some[name].values) == list(whole[name].values)


def test_a_file_and_its_directory_are_the_same(run: Path) -> None:
    file = read_columns(run / FILE_NAME)
    assert file.names() == read_columns(str(run), "slice").names()
    assert "wall_ns" in file and "colour" not in file and len(file) == len(file.names())
    with pytest.raises(KeyError, match="no field 'colour'"):
        file["colour"]


def test_arrays_are_the_columns_own_memory(run: Path) -> None:
    columns = read_columns(run)
    for name in ("wall_ns", "case_key"):
        values = columns[name].values
        assert len(values) == columns.rows
        assert np.shares_memory(values, columns[name].values)
        assert not values.flags.writeable and not values.flags.owndata
        with pytest.raises(ValueError, match="read-only"):
            values[0] = 1


def test_arrays_outlive_the_columns_they_come_from(run: Path) -> None:
    columns = read_columns(run)
    values = columns["wall_ns"].values
    expected = values.copy()
    del columns
    gc.collect()
    churn = [read_columns(run) for _ in range(5)]  # would take freed memory
    assert np.array_equal(values, expected) and len(churn) == 5


def write(path: Path, *records: dict[str, Any], tail: str = "") -> Path:
    lines = [
        json.dumps({"schema": "kvb.result", "schema_version": "1.0", "record": "slice", **record})
        for record in records
    ]
    path.write_text("\n".join(lines) + "\n" + tail)
    return path


def test_every_kind_has_its_arrays(tmp_path: Path) -> None:
    path = write(
        tmp_path / "all.jsonl",
        {"i": 1, "r": 1, "b": True, "t": "é", "l": [1, 2], "n": None, "m": 1, "o": {"x": 1}},
        {"i": 2, "r": 0.5, "b": False, "t": "b", "l": [], "n": None, "m": "one"},
        {},
        tail='{"schema": "kvb.res',
    )
    columns = read_columns(path)
    kinds = {name: columns[name].kind for name in columns}
    assert kinds.items() >= {
        "i": "integer", "r": "real", "b": "boolean", "t": "text", "l": "list",
        "n": "empty", "m": "mixed", "o.x": "integer",
    }.items()  # fmt: skip
    assert columns["i"].values.tolist() == [1, 2, 0]
    assert columns["r"].values.tolist()[:2] == [1.0, 0.5] and math.isnan(columns["r"].values[2])
    assert columns["b"].values.tolist() == [1, 0, 0]
    assert columns["t"].values.dtype == np.int32 and columns["t"].texts == ["é", "b"]
    assert columns["t"].values.tolist() == [0, 1, -1]
    assert columns["l"].values.tolist() == [1, 2] and columns["l"].ends.tolist() == [2, 2, 2]
    present = columns["i"].present
    assert present is not None and present.dtype == np.bool_
    assert present.tolist() == [True, True, False]
    assert columns["schema"].present is None
    assert columns.torn_bytes == len('{"schema": "kvb.res')
    for name in ("n", "m"):
        with pytest.raises(ValueError, match=f"field '{name}' is"):
            columns[name].values
    with pytest.raises(ValueError, match="holds no lists"):
        columns["i"].ends


def test_unusable_files_say_why(tmp_path: Path, run: Path) -> None:
    with pytest.raises(DataError, match="nowhere.jsonl"):
        read_columns(tmp_path / "nowhere.jsonl")
    damaged = tmp_path / "damaged.jsonl"
    damaged.write_text('{"schema": "kvb.result"\n' + (run / FILE_NAME).read_text())
    with pytest.raises(DataError, match="damaged.jsonl:1|damaged.jsonl.*1"):
        read_columns(damaged)
    newer = write(tmp_path / "newer.jsonl", {"schema_version": "2.0"})
    with pytest.raises(ValueError, match="2.0"):
        read_columns(newer)
