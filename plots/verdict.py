# SPDX-License-Identifier: MIT
"""From a stored verdict or a stored interval to the word and symbol shown for it."""

from plots import style
from plots.model import Row

_STORED = {
    "improved": "cheaper",
    "cheaper": "cheaper",
    "regressed": "dearer",
    "dearer": "dearer",
    "equivalent": "equivalent",
    "inconclusive": "undecided",
    "invalid": "invalid",
    "reference": "reference",
}


def is_clock(metric: str) -> bool:
    """True for metrics that depend on the clock or on CPU time."""
    return metric.endswith("_ns") or "_ns_per_" in metric or metric == "requests_per_s"


def is_exact(metric: str) -> bool:
    """True for metrics that are counted, not sampled."""
    return not is_clock(metric)


def key(row: Row) -> str:
    """Key into style.VERDICTS. A stored state wins; else the stored interval is read against 1."""
    if row.status != "ok" or row.value is None:
        return "skipped"
    if row.is_reference:
        return "reference"
    if row.place.emulated and is_clock(row.metric):
        return "unjudged"
    if row.state in _STORED:
        return _STORED[row.state]
    if row.ratio is None or row.ratio_lo is None or row.ratio_hi is None:
        return "unjudged"
    if row.ratio_hi < 1:
        return "cheaper"
    if row.ratio_lo > 1:
        return "dearer"
    return "equivalent" if row.ratio_lo == row.ratio_hi == 1 else "undecided"


def look(row: Row) -> style.VerdictLook:
    """Word, symbol and colour for a row."""
    return style.VERDICTS[key(row)]


def explain(row: Row) -> str:
    """The word, with the reason where nothing was judged."""
    name = key(row)
    word = style.VERDICTS[name].word
    if name == "skipped":
        return f"{word}: {row.reason or 'no reason stored'}"
    if name == "unjudged" and row.place.emulated and is_clock(row.metric):
        return f"{word}: emulated"
    if name == "unjudged" and row.ratio is not None:
        return f"{word}: no interval"
    if name == "unjudged":
        return f"{word}: no ratio"
    return word
