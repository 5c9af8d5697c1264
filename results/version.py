# SPDX-License-Identifier: MIT
"""Versions of the formats, and the steps that bring an older major to the present one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from results.errors import ResultsError

SCHEMA = "kvb.result"
SCHEMA_VERSION = "1.0"
SUMMARY_SCHEMA = "kvb.summary"
SUMMARY_VERSION = "1.0"
LIST_SCHEMA = "kvb.list"

Migration = Callable[[dict[str, Any]], dict[str, Any]]

# Key n brings one record of major n to major n + 1. Major 1 is the first, so there is none yet.
MIGRATIONS: dict[int, Migration] = {}


def major(version: str) -> int:
    """The major of "major.minor"; ResultsError for anything else."""
    head, point, tail = version.partition(".")
    if not point or not head.isdigit() or not tail.isdigit():
        raise ResultsError(f"schema version {version!r} is not MAJOR.MINOR: not a Kevbench result")
    return int(head)


def migrate(
    record: dict[str, Any],
    target: str = SCHEMA_VERSION,
    migrations: dict[int, Migration] | None = None,
) -> dict[str, Any]:
    """The record in the major of `target`. Minor versions only add fields and need no step.

    Raises ResultsError for a newer major, or an older one that no step knows.
    """
    steps = MIGRATIONS if migrations is None else migrations
    found = major(str(record.get("schema_version", "")))
    wanted = major(target)
    if found > wanted:
        raise ResultsError(
            f"written by a newer Kevbench (schema {record['schema_version']}, this one reads "
            f"{wanted}.x): use that version or a later one"
        )
    while found < wanted:
        step = steps.get(found)
        if step is None:
            raise ResultsError(f"schema {found}.x is no longer readable: measure again")
        record = step(record)
        found += 1
    return record
