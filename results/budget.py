# SPDX-License-Identifier: MIT
"""perf-budget.json: counts that may grow, each with the reason, for review beside the change.

    {"schema": "kvb.perf-budget", "schema_version": "1.0",
     "budgets": [{"case": "idle_scan registered=1000 source=eventfd epoll+lt",
                  "metric": "user_instr_per_event", "allowed": 131.5,
                  "reason": "close detection looks at every event"}]}

`case` may hold the wild cards * and ?. `allowed` is the largest value per operation that passes,
so a budget excuses one step and no further one; once the step is part of the base it can go.
"""

from __future__ import annotations

import fnmatch
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from results import validate
from results.errors import ResultsError
from results.version import major

FILE = Path(__file__).parent / "perf-budget.json"
SCHEMA, VERSION = "kvb.perf-budget", "1.0"


@dataclass(frozen=True)
class Budget:
    """One count that may be as large as `allowed`."""

    case: str
    metric: str
    allowed: float
    reason: str

    def covers(self, case: str, metric: str, value: float) -> bool:
        """Whether it excuses this value."""
        # Names hold no brackets, and fnmatch would take one for a set of characters.
        return (
            metric == self.metric
            and value <= self.allowed
            and fnmatch.fnmatchcase(case, self.case.replace("[", "[[]"))
        )


def _no_constant(text: str) -> float:
    raise ValueError(f"{text} is not JSON")


def _document(path: Path) -> Any:
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as problem:
        raise ResultsError(f"cannot read {path}: {problem.strerror}") from None
    except UnicodeDecodeError:
        raise ResultsError(f"{path} is not text: restore it") from None
    try:
        return json.loads(text, parse_constant=_no_constant)
    except RecursionError:
        raise ResultsError(f"{path} is nested too deeply: correct it") from None
    except json.JSONDecodeError as problem:
        raise ResultsError(
            f"{path} is not JSON (line {problem.lineno}, {problem.msg}): correct it"
        ) from None
    except ValueError as problem:
        raise ResultsError(f"{path} is not JSON ({problem}): correct it") from None


def read(path: Path = FILE) -> list[Budget]:
    """The budgets of a file; none when there is no file.

    Raises ResultsError, naming file and place, for one that cannot be used: a budget that is
    silently ignored would turn a reviewed exception into a red gate, or the reverse.
    """
    if not path.exists():
        return []
    document = _document(path)
    if isinstance(document, dict) and document.get("schema") == SCHEMA:
        found = document.get("schema_version")
        if isinstance(found, str) and major(found) > major(VERSION):
            raise ResultsError(
                f"{path} is written for a newer Kevbench (schema {found}): use that version"
            )
    try:
        validate.check("perf-budget", document)
    except ResultsError as problem:
        raise ResultsError(f"{path}: {problem}; correct it") from None
    return [
        Budget(one["case"], one["metric"], float(one["allowed"]), one["reason"].strip())
        for one in document["budgets"]
    ]


def excuse(budgets: Iterable[Budget], case: str, metric: str, value: float) -> str | None:
    """The reason that lets this value pass; None when no budget covers it."""
    return next((one.reason for one in budgets if one.covers(case, metric, value)), None)
