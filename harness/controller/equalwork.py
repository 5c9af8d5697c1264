# SPDX-License-Identifier: MIT
"""Did every side do the same work? If not, no figure of the cell means anything."""

from __future__ import annotations

from collections.abc import Iterable

from harness.celldata import Slice


def unequal_work(slices: Iterable[Slice]) -> str | None:
    """The first difference between sides, or error inside a side; None when all is equal.

    The n-th slice of each process of a pair does the same operations in the same flows, so messages,
    bytes and the order checksum of slices with the same phase, pair and number must agree.
    """
    first: dict[tuple[str, int, int], Slice] = {}
    number: dict[tuple[str, int, str], int] = {}
    for one in slices:
        failed = {name: count for name, count in one["errors"].items() if count}
        if failed:
            texts = ", ".join(f"{count} x {name}" for name, count in sorted(failed.items()))
            return f"{one['side']} reported errors: {texts}"
        process = (one["phase"], one["pair"], one["side"])
        number[process] = number.get(process, 0) + 1
        other = first.setdefault((one["phase"], one["pair"], number[process]), one)
        for field in ("ops", "messages", "bytes", "order"):
            if one[field] != other[field]:
                return (
                    f"unequal work: {one['side']} has {field} {one[field]}, "
                    f"{other['side']} has {other[field]}"
                )
    return None
