# SPDX-License-Identifier: MIT
"""Budgets: the shipped file, what one excuses, and every way to spoil the file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from results import budget
from results.errors import ResultsError

ONE: dict[str, Any] = {
    "case": "idle_scan * epoll+lt",
    "metric": "user_instr_per_event",
    "allowed": 120,
    "reason": "close detection looks at every event",
}


def _write(path: Path, *budgets: dict[str, Any], **fields: Any) -> Path:
    document = {
        "schema": budget.SCHEMA,
        "schema_version": "1.0",
        "budgets": list(budgets),
        **fields,
    }
    path.write_text(json.dumps(document))
    return path


def test_the_shipped_file_is_valid() -> None:
    assert budget.FILE.is_file()
    budget.read()


def test_a_missing_file_excuses_nothing(tmp_path: Path) -> None:
    assert budget.read(tmp_path / "none.json") == []


def test_a_budget_excuses_its_case_and_metric_up_to_its_value(tmp_path: Path) -> None:
    found = budget.read(_write(tmp_path / "b.json", ONE))
    case = "idle_scan registered=1000 source=eventfd epoll+lt"
    assert budget.excuse(found, case, "user_instr_per_event", 120.0) == ONE["reason"]
    assert budget.excuse(found, case, "user_instr_per_event", 120.1) is None
    assert budget.excuse(found, case, "syscalls_per_event", 1.0) is None
    assert budget.excuse(found, case.replace("+lt", "+et"), "user_instr_per_event", 1.0) is None


def test_a_bracket_is_no_set_of_characters() -> None:
    one = budget.Budget("a[bc]", "m", 1.0, "")
    assert one.covers("a[bc]", "m", 1.0) and not one.covers("ab", "m", 1.0)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"reason": ""}, ("reason",)),
        ({"reason": "because"}, ("reason",)),
        ({"allowed": "120"}, ("allowed",)),
        ({"allowed": -1}, ("allowed",)),
        ({"allowed": 1e300}, ("allowed",)),
        ({"metric": "wall_ns_per_event"}, ("metric",)),
        ({"case": ""}, ("case",)),
        ({"surplus": 1}, ("surplus",)),
    ],
)
def test_a_bad_entry_is_named(
    tmp_path: Path, change: dict[str, Any], words: tuple[str, ...]
) -> None:
    path = _write(tmp_path / "b.json", {**ONE, **change})
    with pytest.raises(ResultsError) as caught:
        budget.read(path)
    for word in (str(path), "budgets/0", *words):
        assert word in str(caught.value)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", ("not JSON", "line 1")),
        ("{\n\n", ("not JSON", "line 3")),
        ('{"budgets": [NaN]}', ("NaN",)),
        ("[" * 100_000, ("nested",)),
        ("[]", ("kvb.perf-budget",)),
        ('{"schema": "other", "schema_version": "1.0", "budgets": []}', ("schema",)),
        ('{"schema": "kvb.perf-budget", "schema_version": "2.0", "budgets": []}', ("newer",)),
    ],
)
def test_a_bad_file_is_refused_in_one_line(
    tmp_path: Path, content: str, words: tuple[str, ...]
) -> None:
    path = tmp_path / "b.json"
    path.write_text(content)
    with pytest.raises(ResultsError) as caught:
        budget.read(path)
    assert "\n" not in str(caught.value)
    for word in words:
        assert word in str(caught.value)
