# SPDX-License-Identifier: MIT
"""Numbers as text: the same figure reads alike in captions, tables and labels."""

import math
from collections.abc import Iterable

MISSING = "–"

UNIT_WORDS = {
    "wall_ns_per_event": "wall-clock time",
    "cpu_ns_per_event": "CPU time",
    "cpu_user_ns_per_event": "user CPU time",
    "cpu_sys_ns_per_event": "system CPU time",
    "user_instr_per_event": "user instructions",
    "instr_per_event": "instructions, user and kernel",
    "dispatch_instr_per_event": "dispatch instructions",
    "syscalls_per_event": "system calls",
    "ctxsw_per_event": "context switches",
    "events_per_wait": "events per wait",
    "bytes_per_fd": "kernel memory",
    "requests_per_s": "throughput",
    "instr_per_request": "instructions per request",
    "replies": "replies",
    "errors": "failed requests",
    "p50_ns": "latency, median",
    "p99_ns": "latency, 99th percentile",
    "p999_ns": "latency, 99.9th percentile",
}


def metric_words(metric: str) -> str:
    """A metric in words; an unknown one by its own name."""
    return UNIT_WORDS.get(metric, metric)


def number(value: float | None, digits: int = 4) -> str:
    """`digits` significant digits, thousands grouped, no exponent between 1e-4 and 1e12."""
    if value is None or not math.isfinite(value):
        return MISSING
    if value == 0:
        return "0"
    if abs(value) < 1e-4 or abs(value) >= 1e12:
        return f"{value:.{digits - 1}e}"
    before = math.floor(math.log10(abs(value))) + 1
    text = f"{value:,.{max(0, digits - before)}f}"
    return text.rstrip("0").rstrip(".") if "." in text and float(value).is_integer() else text


def ratio(value: float | None) -> str:
    """A cost ratio: two decimals, more where it is small, fewer where it is large."""
    if value is None or not math.isfinite(value):
        return MISSING
    if value >= 100:
        return f"{value:,.0f}"
    if value >= 10:
        return f"{value:.1f}"
    return f"{value:.2f}" if value >= 0.1 else f"{value:.3f}"


def between(lo: float | None, hi: float | None, digits: int = 4) -> str:
    """An interval of a value."""
    if lo is None or hi is None:
        return MISSING
    return f"{number(lo, digits)} to {number(hi, digits)}"


def ratio_between(lo: float | None, hi: float | None) -> str:
    """An interval of a ratio."""
    if lo is None or hi is None:
        return MISSING
    return f"{ratio(lo)} to {ratio(hi)}"


def ratio_range(lo: float | None, hi: float | None) -> str:
    """An interval of a ratio in narrow columns, e.g. 0.80–0.86; nothing where there is none."""
    return "" if lo is None or hi is None else f"{ratio(lo)}–{ratio(hi)}"


def percent(value: float | None) -> str:
    """A percentage with two significant digits."""
    if value is None or not math.isfinite(value):
        return MISSING
    if value == 0:
        return "0 %"
    if abs(value) < 0.01:
        return "< 0.01 %"
    return f"{value:.0f} %" if abs(value) >= 10 else f"{value:.2g} %"


def count_tick(value: float) -> str:
    """Tick label of a count: 1, 10, 1k, 100k, 1M."""
    for limit, suffix in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= limit:
            return f"{value / limit:g}{suffix}"
    return f"{value:g}"


def time_tick(nanoseconds: float) -> str:
    """Tick label of a time."""
    for limit, unit in ((1e9, "s"), (1e6, "ms"), (1e3, "µs")):
        if abs(nanoseconds) >= limit:
            return f"{nanoseconds / limit:g} {unit}"
    return f"{nanoseconds:g} ns"


def short(words: str, limit: int = 30) -> str:
    """At most `limit` characters, the last an ellipsis where something was left out."""
    return words if len(words) <= limit else words[: limit - 1] + "…"


def share(fraction: float) -> str:
    """A share as a whole percentage, with "<1" for what would round to nothing."""
    if fraction <= 0:
        return ""
    value = 100 * fraction
    if value < 1:
        return "<1"
    if 99.5 <= value < 100:
        return ">99"
    return f"{value:.0f}"


def listing(words: Iterable[str]) -> str:
    """a, b and c."""
    items = list(words)
    if len(items) < 2:
        return "".join(items)
    return ", ".join(items[:-1]) + " and " + items[-1]


def span(values: Iterable[int]) -> str:
    """ "8" or "6 to 8"; empty for no values."""
    known = sorted(values)
    if not known:
        return ""
    low, high = f"{known[0]:,}", f"{known[-1]:,}"
    return low if low == high else f"{low} to {high}"


def sample_size(pairs: Iterable[tuple[int | None, int | None]]) -> str:
    """ "n = 8 process pairs, 32 blocks" from stored (pairs, blocks); ranges where they differ."""
    known = [pair for pair in pairs if pair[0] is not None]
    if not known:
        return "n not stored"
    processes = span({n for n, _ in known if n is not None})
    blocks = {b for _, b in known if b is not None}
    text = f"n = {processes} process pair{'' if processes == '1' else 's'}"
    return f"{text}, {span(blocks)} blocks in all" if blocks else text
