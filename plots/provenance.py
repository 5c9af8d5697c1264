# SPDX-License-Identifier: MIT
"""The provenance page (19): how the numbers were made, on what, and how to make them again."""

from plots import environment, text
from plots.figure import Table, table
from plots.model import Check, Run

DEFINITIONS = (
    ("event", "one notification that led to a consume step; equal work is checked on every side"),
    ("cost ratio", "cost here divided by epoll's in the same block; below 1 is cheaper"),
    (
        "ratio to epoll",
        "against epoll in the same trigger mode, epoll lt where there is no counterpart",
    ),
    ("ratio to best epoll", "against epoll's cheapest variant in the same cell"),
    ("throughput", "turned into a cost (time per request) before it is divided"),
    (
        "interval",
        "how far the value may lie from the one shown; the type is named with each figure; "
        "fewer than 8 process pairs give none",
    ),
    (
        "could have seen",
        "smallest difference the run would have found with 80 % power, two-sided at 5 %",
    ),
    ("process pair, block, slice", "fresh processes; inside them blocks; inside them timed slices"),
    ("cheaper, dearer", "the stored verdict, else the interval lies on one side of 1"),
    ("equivalent", "the interval lies inside the band that counts as no difference"),
    ("not told apart", "neither could be shown; this is not the same as equal"),
    ("not judged", "no interval, no counterpart, or times of an emulated guest"),
    ("harness floor", "the null adapter's instructions an event: what measuring itself costs"),
    ("emulated", "guest run by QEMU's TCG: counts are exact, times are the emulator's"),
)


def _checks(checks: tuple[Check, ...]) -> Table:
    """Failed and warned checks one by one; passed ones counted by name."""
    lines: list[tuple[str, str, str, str]] = []
    for state in ("failed", "warned"):
        lines += [(c.name, state, c.about, c.detail) for c in checks if c.state == state]
    passed: dict[str, list[Check]] = {}
    for check in checks:
        if check.state == "passed":
            passed.setdefault(check.name, []).append(check)
    for name, own in sorted(passed.items()):
        details = list(dict.fromkeys(check.detail for check in own))
        detail = details[0] if len(details) == 1 else f"{len(details)} different details"
        lines.append((name, "passed", f"{len(own)} rows", detail))
    columns = ("check", "state", "about", "detail")
    return table("Self-checks", columns, lines)


def tables(run: Run) -> list[Table]:
    """Every table of the page, in order; a table without rows is left out."""
    result = [table("Run", ("what", "value"), run.commands)]
    result.append(table("Data files", ("file", "sha256"), run.data_files))
    result.append(_checks(run.checks))
    for place, facts in run.environments:
        lines = [
            (f"{subject}.{fact}" if fact else subject, value)
            for subject, fact, value in environment.rows(facts)
        ]
        result.append(table(f"Environment: {place}", ("fact", "value"), lines))
    result.append(table("Facts not known", ("fact", "reason"), run.unknown_facts))
    skips = [
        (
            skip.place.label,
            skip.side.label if skip.side else "all",
            skip.cell.workload if skip.cell else "all",
            ", ".join(f"{n} {v}" for n, v in skip.cell.params) if skip.cell else "",
            skip.kind,
            skip.reason,
        )
        for skip in run.skips
    ]
    columns = ("place", "mechanism", "workload", "parameters", "kind", "reason")
    result.append(table("Skipped, in full", columns, skips))
    result.append(table("Definitions", ("term", "meaning"), DEFINITIONS))
    return [one for one in result if one.rows]


def reproduce(run: Run) -> list[str]:
    """Steps that make the report, or the run, again."""
    command = dict(run.commands).get("command", "kevbench run")
    version = dict(run.commands).get("tool version", "")
    return [
        "The same report from the same data, byte for byte: ./kevbench report RUN, "
        "where RUN is the directory with results.jsonl. Compare the sha256 of the data first.",
        f"The same measurement: version {version or text.MISSING} of Kevbench, then: {command}",
        "Times differ between runs and machines; compare two stored runs with ./kevbench compare A B, "
        "which judges exact counts only.",
    ]
