# SPDX-License-Identifier: MIT
"""The guest's figures as text: a line a mechanism, a column a cell, made of stored records alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from harness.textfigure import figure
from results import bars
from results.keys import variant_name
from results.reader import Record, ResultFile

#: The count that speaks for a cell, in order of preference.
_COUNTS = ("instr_per_event", "instr_per_request", "bytes_per_fd")
_COLUMNS = 6
_LABEL, _WIDTH = 27, 16
_ABOUT = {
    "tcg": "instructions an event, user and kernel; emulated, so counts and no times",
    "kvm": "CPU time in ns an event",
}


def guest_lines(result: ResultFile) -> list[str]:
    """All tables of the guest; empty where the run has no figure from one."""
    lines: list[str] = []
    for kernel, accel in _places(result):
        records = [
            record
            for record in result.of("metric", where="guest", kernel=kernel, accel=accel)
            if record["purpose"] == "headline" and record["value"] is not None
        ]
        cells = _cells(records, _COUNTS if accel == "tcg" else ("cpu_ns_per_event",))
        names = result.run.get("shown_params") or {}
        lines += [f"guest, kernel {kernel}: {_ABOUT.get(accel, accel)}", ""]
        order = list(cells)
        for start in range(0, len(order), _COLUMNS):
            part = order[start : start + _COLUMNS]
            lines += [*_part(part, cells, names), ""]
    if lines:
        lines += ["figure and, after it, its ratio to epoll in the same trigger mode", ""]
    return lines


def bar_lines(result: ResultFile) -> list[str]:
    """kevent against its bars: how many are met, and every one that is not."""
    judged = bars.judge(result.of("metric"))
    if not judged:
        return []
    names = result.run.get("shown_params") or {}
    lines = ["kevent against epoll, by exact counts in the guest:"]
    for bar in dict.fromkeys(one.bar for one in judged):
        mine = [one for one in judged if one.bar == bar]
        met = sum(one.met for one in mine)
        lines.append(f"  {bar.name}, at most {bar.limit:.2f}: {met} of {len(mine)} met")
        for one in mine:
            if not one.met:
                shown = [
                    f"{n}={v}"
                    for n, v in sorted(one.params.items())
                    if n in names.get(one.workload, ())
                ]
                lines.append(
                    f"    {one.workload} {' '.join(shown)} {one.variant}: {one.ratio:.2f} of "
                    f"{one.against}, {bars.in_words(one)}"
                )
    return [*lines, ""]


def _places(result: ResultFile) -> list[tuple[str, str]]:
    found = dict.fromkeys(
        (str(one["kernel"]), str(one["accel"])) for one in result.of("metric", where="guest")
    )
    return list(found)


def _cells(
    records: Sequence[Record], wanted: Sequence[str]
) -> dict[tuple[str, tuple[tuple[str, str], ...]], dict[str, Record]]:
    """Cell -> variant -> the record that speaks for it."""
    found: dict[tuple[str, tuple[tuple[str, str], ...]], dict[str, Record]] = {}
    for metric in wanted:
        for record in records:
            if record["metric"] != metric:
                continue
            key = (record["workload"], tuple(sorted(record["params"].items())))
            name = variant_name(record["mechanism"], record["variant"])
            found.setdefault(key, {}).setdefault(name, record)
    order = {
        name: place for place, name in enumerate(dict.fromkeys(r["workload"] for r in records))
    }
    return dict(sorted(found.items(), key=lambda item: order[item[0][0]]))


def _part(
    part: Sequence[tuple[str, tuple[tuple[str, str], ...]]],
    cells: Mapping[tuple[str, tuple[tuple[str, str], ...]], Mapping[str, Record]],
    names: Mapping[str, Sequence[str]],
) -> list[str]:
    """One table of a few columns, whose heads have a line a parameter."""
    heads = []
    for workload, params in part:
        shown = [f"{n}={v}" for n, v in params if n in names.get(workload, ()) and n != "placement"]
        heads.append([workload, *shown])
    deepest = max(map(len, heads))
    lines = []
    for row in range(deepest):
        words = [head[row] if row < len(head) else "" for head in heads]
        lines.append(_line("variant" if row == 0 else "", words))
    variants = list(dict.fromkeys(name for key in part for name in cells[key]))
    for name in variants:
        lines.append(_line(name, [_cell(cells[key].get(name)) for key in part]))
    return lines


def _cell(record: Record | None) -> str:
    if record is None:
        return "-"
    ratio = record["ratio_to_epoll"]
    return f"{figure(record['value'])} {'-' if ratio is None else format(ratio, '.2f'):>5}"


def _line(label: str, words: Sequence[str]) -> str:
    return ("  " + f"{label:<{_LABEL}}" + "".join(f" {word:>{_WIDTH}}" for word in words)).rstrip()
