# SPDX-License-Identifier: MIT
"""Checks documents against the JSON Schemas beside this file. Slow: for tests and imports."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import jsonschema

from results.errors import ResultsError

_FOLDER = Path(__file__).parent / "schema"


@functools.lru_cache(maxsize=None)
def validator(name: str) -> Any:
    """The validator for "result", "summary" or "list"."""
    schema = json.loads((_FOLDER / f"kvb.{name}.schema.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def check(name: str, document: Mapping[str, Any]) -> None:
    """Raises ResultsError naming the first place where the document breaks the schema."""
    for problem in validator(name).iter_errors(document):
        place = "/".join(str(step) for step in problem.absolute_path) or "document"
        raise ResultsError(f"kvb.{name}: {place}: {problem.message[:300]}")


def check_records(records: Iterable[Mapping[str, Any]]) -> int:
    """Checks every record of a result file; returns how many there were."""
    number = 0
    for number, record in enumerate(records, start=1):
        try:
            check("result", record)
        except ResultsError as problem:
            raise ResultsError(f"record {number} ({record.get('record')}): {problem}") from None
    return number
