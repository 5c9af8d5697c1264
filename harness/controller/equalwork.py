# SPDX-License-Identifier: MIT
"""Did every side do the same work? If not, no figure of the cell means anything."""

from __future__ import annotations

from collections.abc import Iterable

from harness.celldata import Slice


def unequal_work(slices: Iterable[Slice]) -> str | None:
    """The first difference between sides, or error inside a side; None when all is equal.

    Two slices that begin after the same number of operations of their process and are equally long
    do the same operations in the same flows: messages, bytes and the order checksum must agree. In
    every other slice of the cell the messages and bytes per operation must.
    """
    twins: dict[tuple[str, int, int, int], Slice] = {}
    done: dict[tuple[str, int, str], int] = {}
    first: Slice | None = None
    for one in slices:
        failed = {name: count for name, count in one["errors"].items() if count}
        if failed:
            texts = ", ".join(f"{count} x {name}" for name, count in sorted(failed.items()))
            return f"{one['side']} reported errors: {texts}"
        process = (one["phase"], one["pair"], one["side"])
        start = done.get(process, 0)
        done[process] = start + one["ops"]
        twin = twins.setdefault((one["phase"], one["pair"], start, one["ops"]), one)
        for field in ("messages", "bytes", "order"):
            if one[field] != twin[field]:
                return _difference(one, twin, field)
        first = one if first is None else first
        for field in ("messages", "bytes"):
            if one[field] * first["ops"] != first[field] * one["ops"]:
                return _difference(one, first, field)
    return None


def _difference(one: Slice, other: Slice, field: str) -> str:
    return (
        f"unequal work: {one['side']} has {field} {one[field]} in {one['ops']} operations, "
        f"{other['side']} has {other[field]} in {other['ops']}"
    )
