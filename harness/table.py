# SPDX-License-Identifier: MIT
"""The summary printed at the end of a run: fixed width, made of stored records alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from harness.guestcells.table import bar_lines, guest_lines
from harness.textfigure import figure
from results.keys import FAILED_KIND, variant_name
from results.reader import Record, ResultFile

_COLUMNS = (
    ("variant", 27, "<"),
    ("cpu ns/event", 12, ">"),
    ("95 % interval", 18, ">"),
    ("x epoll", 8, ">"),
    ("95 % interval", 16, ">"),
    ("could see", 9, ">"),
    ("x best", 7, ">"),
    ("wall ns/ev", 11, ">"),
    ("calls/ev", 8, ">"),
)


def _limits(low: float | None, high: float | None, digits: int = 4) -> str:
    return "-" if low is None or high is None else f"{figure(low, digits)}..{figure(high, digits)}"


def _line(cells: Sequence[str]) -> str:
    parts = [f"{cell:{align}{width}}" for cell, (_, width, align) in zip(cells, _COLUMNS)]
    return ("  " + " ".join(parts)).rstrip()


def _shown(params: Mapping[str, str], names: Sequence[str] | None) -> str:
    return " ".join(
        f"{name}={params[name]}" for name in sorted(params) if names is None or name in names
    )


def _title(result: ResultFile, record: Record) -> str:
    names = (result.run.get("shown_params") or {}).get(record["workload"])
    return f"{record['workload']} {_shown(record['params'], names)}".rstrip()


def _groups(result: ResultFile) -> dict[str, dict[str, dict[str, Record]]]:
    """Cell title -> side -> metric -> record of this machine, in the order of measurement."""
    found: dict[str, dict[str, dict[str, Record]]] = {}
    for record in result.of("metric", where="host"):
        if record["metric"].startswith("floor_") or record["purpose"] == "floor":
            continue
        if record["metric"] == "cpu_ns_per_registered":
            continue
        sides = found.setdefault(_title(result, record), {})
        sides.setdefault(record["side"], {})[record["metric"]] = record
    return found


def _row(side: str, metrics: Mapping[str, Record]) -> str:
    def value(name: str) -> float | None:
        return metrics[name]["value"] if name in metrics else None

    cpu = metrics.get("cpu_ns_per_event")
    if cpu is None:
        return _line((side, "-", "-", "-", "-", "-", "-", figure(value("wall_ns_per_event")), "-"))
    resolution = cpu["resolution_percent"]
    return _line(
        (
            side,
            figure(cpu["value"]),
            _limits(cpu["lo"], cpu["hi"]),
            figure(cpu["ratio_to_epoll"], 3),
            _limits(cpu["ratio_lo"], cpu["ratio_hi"], 3),
            "-" if resolution is None else f"{resolution:.1f} %",
            figure(cpu["ratio_to_best_epoll"], 3),
            figure(value("wall_ns_per_event")),
            figure(value("syscalls_per_event"), 3),
        )
    )


def _best_known(result: ResultFile, metric: str) -> Record | None:
    """A floor record; the guest's, which is by instructions, before this machine's."""
    found = sorted(
        result.of("metric", metric=metric), key=lambda one: bool(one["where"] != "guest")
    )
    return found[0] if found else None


def _floor(result: ResultFile) -> str:
    percent = _best_known(result, "floor_percent_of_cheapest_event")
    count = _best_known(result, "floor_instr_per_event")
    if percent is None or percent["value"] is None:
        return "harness floor: not measured in this run (needs the null adapter and its workloads)"
    instructions = (
        "instructions not counted"
        if count is None or count["value"] is None
        else f"{figure(count['value'])} instructions per event"
    )
    return (
        f"harness floor: {percent['value']:.2f} % of the cheapest event "
        f"({percent['basis']}); {instructions}"
    )


def _without_figures(result: ResultFile, failed: bool) -> list[str]:
    """One line for each variant (or workload) and reason, with how many cells it concerns: of those
    that failed, or of those that were left out."""
    found: dict[tuple[str, str], int] = {}
    for record in result.of("skip"):
        if (record["kind"] == FAILED_KIND) != failed:
            continue
        if record["mechanism"] is not None:
            name = variant_name(record["mechanism"], record["variant"] or "")
        else:
            name = record["workload"] or f"everything in the {record['where']}"
        key = (str(name), str(record["reason"]))
        found[key] = found.get(key, 0) + 1
    return [
        f"  {name}: {reason}" + (f" ({count} cells)" if count > 1 else "")
        for (name, reason), count in found.items()
    ]


def _controls(result: ResultFile) -> list[str]:
    lines = ["A/A control (each variant against itself; cost of the second entry):"]
    cases = {(one["case_key"], one["side"]): _title(result, one) for one in result.of("case")}
    for record in result.of("verdict"):
        limits = record["intervals"].get("99")
        text = "-" if limits is None else f"{limits[0]:+.2f}..{limits[1]:+.2f} %"
        title = cases.get((record["case_key"], record["side"]), record["case_key"])
        lines.append(
            f"  {title} | {record['reference']} | {record['metric']}: "
            f"{record['estimate_percent']:+.2f} %, 99 % interval {text}, "
            f"{record['state']} ({record['reason']})"
        )
    return lines


def render(result: ResultFile) -> str:
    """The whole table, ending in the skipped list."""
    lines = [f"run {result.run_id}, profile {result.run.get('profile') or 'unnamed'}", ""]
    header = _line([name for name, _, _ in _COLUMNS])
    groups = _groups(result)
    for title, sides in groups.items():
        lines += [title, header, *(_row(side, metrics) for side, metrics in sides.items()), ""]
    if groups:
        lines += ["x epoll: CPU cost over epoll in the same trigger mode, below 1 is cheaper;"]
        lines += ["x best: the same over epoll's cheapest variant of the cell;"]
        lines += ["could see: the smallest difference this row finds 4 times in 5", ""]
    lines += [*guest_lines(result), *bar_lines(result)]
    if result.run.get("purpose") == "aa":
        lines += [*_controls(result), ""]
    lines.append(_floor(result))
    for title, failed in (("skipped:", False), ("failed:", True)):
        if found := _without_figures(result, failed):
            lines += [title, *found]
    return "\n".join(lines)
