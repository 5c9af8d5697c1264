# SPDX-License-Identifier: MIT
"""Sentences that captions share: sample sizes, intervals, and what the looks mean."""

from collections.abc import Iterable

from plots import text, verdict
from plots.model import Row

LINES = (
    "Colour, marker and dashes stand for the mechanism, marker fill and line weight for the "
    "variant; epoll lt is repeated faintly as the common reference."
)
EMULATED = "Times of an emulated guest describe the emulator; compare counts there."


def intervals(rows: Iterable[Row]) -> str:
    """n and the interval type of the rows drawn, as stored."""
    drawn = [row for row in rows if row.measured]
    kinds = sorted({row.interval for row in drawn if row.interval})
    sampled = [row for row in drawn if row.lo is not None]
    sentence = text.sample_size((row.n, row.blocks) for row in drawn if row.blocks)
    repeats = text.span(row.n for row in drawn if row.n is not None)
    if repeats and not any(row.blocks for row in drawn):
        sentence = f"n = {repeats} repeats"
    if kinds:
        sentence += f"; interval: {text.listing(kinds)}"
    elif sampled:
        sentence += "; interval as stored, type not named"
    bare = len(drawn) - len(sampled)
    if bare and all(verdict.is_exact(row.metric) for row in drawn if row.lo is None):
        sentence += "; counts without an interval are exact"
    elif bare:
        why = sorted({row.no_interval for row in drawn if row.lo is None and row.no_interval})
        because = f" ({'; '.join(why[:2])})" if why else ""
        sentence += f"; {bare} of {len(drawn)} points have no interval{because}"
    return sentence + "."
