# SPDX-License-Identifier: MIT
"""How tables on a terminal print a number."""

from __future__ import annotations


def figure(value: float | None, digits: int = 4) -> str:
    """A number with a fixed count of significant digits and no exponent; "-" for none."""
    if value is None:
        return "-"
    if value == 0:
        return "0"
    size = abs(value)
    places = 0
    while size < 10 ** (digits - 1) and places < digits:
        size *= 10
        places += 1
    return f"{value:,.{places}f}"
