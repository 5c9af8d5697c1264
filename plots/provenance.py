# SPDX-License-Identifier: MIT
"""The provenance page (19): how the numbers were made, on what, and how to make them again."""

from collections.abc import Sequence
from dataclasses import replace

from plots import cells, environment, grouping, text
from plots.figure import Table, table
from plots.model import Check, Run, Side, Skip

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


def _grouped(checks: Sequence[Check]) -> list[tuple[str, str, str, str]]:
    """One row for checks that say the same of several metrics of one side in one cell."""
    among = cells.Among(check.cell for check in checks if check.cell)
    places = {check.place for check in checks}
    metrics: dict[Check, list[str]] = {}
    for check in checks:
        metrics.setdefault(replace(check, metric=""), []).append(check.metric)
    lines = []
    for check, names in metrics.items():
        about = check.side.label if check.side else ""
        about += f" in {among.title(check.cell)}" if check.cell else ""
        about += f", {check.place.label}" if check.place and len(places) > 1 else ""
        named = [text.metric_words(name) for name in names if name]
        what = f"{len(named)} metrics" if len(named) > 3 else text.listing(named)
        lines.append((check.name, check.state, f"{about}: {what}" if what else about, check.detail))
    return lines


def _skips(skips: Sequence[Skip]) -> Table:
    """Variants that were left out of the same cell for the same reason share a row."""
    together: dict[tuple[str, str, str, str, str], list[Side]] = {}
    for skip in skips:
        key = (
            skip.place.label,
            skip.cell.workload if skip.cell else "all",
            ", ".join(f"{n} {v}" for n, v in skip.cell.params) if skip.cell else "",
            skip.kind,
            skip.reason,
        )
        together.setdefault(key, []).extend([skip.side] if skip.side else [])
    lines = [
        (key[0], text.listing(side.label for side in grouping.ordered(sides)) or "all", *key[1:])
        for key, sides in together.items()
    ]
    columns = ("place", "mechanism", "workload", "parameters", "kind", "reason")
    return table("Skipped, in full", columns, lines)


def _checks(checks: tuple[Check, ...]) -> Table:
    """Failed and warned checks by what they are about; passed ones counted by name."""
    lines: list[tuple[str, str, str, str]] = []
    for state in ("failed", "warned"):
        lines += _grouped([check for check in checks if check.state == state])
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
    result.append(_skips(run.skips))
    for where in run.places:
        floor = [row for row in run.floor if row.place == where]
        result.append(cells.rows_table(f"Harness floor, the null adapter: {where.label}", floor))
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
