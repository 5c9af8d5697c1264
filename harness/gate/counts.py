# SPDX-License-Identifier: MIT
"""Stages 1 and 2: what is exact. System calls by tracepoint, user instructions by callgrind.

The same fixed number of operations on both sides, so that a count depends on the code alone.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from harness.controller.calibrate import granule_of
from harness.controller.callgrind import OPERATIONS, count_one, version
from harness.gate.cells import BASE, CHANGE
from harness.gate.rows import SKIPPED, Row
from harness.plan import Cell, Side, cpus
from harness.stats.verdict import EQUIVALENT, IMPROVED, INCONCLUSIVE, REGRESSED
from harness.worker import Worker, WorkerDied, WorkerRefused, padded_environment
from results import budget
from results.compare import EXACT, state_of

SYSCALLS, USER, TOTAL = "syscalls_per_event", "user_instr_per_event", "instr_per_event"
_REPEATS = 2
_WORDS = {"regressed": REGRESSED, "improved": IMPROVED, "same": EQUIVALENT}
#: A count that was not taken: no value, and why.
Taken = tuple["float | None", str]


def band_text(metric: str) -> str:
    """What a count may grow by."""
    percent, absolute = EXACT[metric]
    return f"{percent:g} % and {absolute:g}" if percent or absolute else "none"


def count_row(
    case: str,
    metric: str,
    base: Taken,
    change: Taken,
    budgets: Iterable[budget.Budget],
    details: Sequence[str] = (),
    slack_percent: float = 0.0,
) -> Row:
    """The row of two exact counts. One that is missing on either side is inconclusive, aloud.

    `slack_percent` is how much two counts of the same code may differ.
    """
    for side, (value, reason) in ((BASE, base), (CHANGE, change)):
        if value is None:
            return Row(
                case, metric, INCONCLUSIVE, band=band_text(metric), reason=f"{side}: {reason}"
            )
    assert base[0] is not None and change[0] is not None
    state = _WORDS[state_of(metric, base[0], change[0], slack_percent=slack_percent)]
    percent = 100.0 * (change[0] / base[0] - 1.0) if base[0] else None
    excuse = None
    if state == REGRESSED:
        excuse = budget.excuse(budgets, case, metric, change[0])
    return Row(
        case,
        metric,
        state,
        base[0],
        change[0],
        percent,
        band=band_text(metric),
        excuse=None if excuse is None else f"budget: {excuse}",
        confirmed_by="exact",
        details=tuple(details) if state in (REGRESSED, IMPROVED) else (),
    )


def operations_of(cell: Cell) -> int:
    """Whole rounds, at least as many as a count needs."""
    granule = granule_of(cell.params)
    return -(-OPERATIONS // granule) * granule


def count_syscalls(
    program: Path, cell: Cell, side: Side, environment: Mapping[str, str]
) -> dict[str, float] | str:
    """Calls per operation by name with their total, or the reason why there is no exact count."""
    operations = operations_of(cell)
    seen: list[dict[str, int]] = []
    try:
        with Worker(program, {**padded_environment(random.Random(0)), **environment}) as worker:
            worker.open(cell.workload, side.variant, cell.params)
            worker.ask(do="slice", operations=operations, timed=False)
            for _ in range(_REPEATS):
                answer = worker.ask(do="counts", operations=operations)
                if answer.get("syscalls") is None:
                    return str(answer.get("syscalls_reason") or "the worker gave no reason")
                seen.append({name: int(number) for name, number in answer["syscalls"].items()})
    except (WorkerDied, WorkerRefused) as problem:
        return f"the worker {problem}"
    if any(one != seen[0] for one in seen):
        totals = ", ".join(str(one.get("total")) for one in seen)
        return f"two counts of the same work differ ({totals}): this case is not exact here"
    return {name: number / operations for name, number in seen[0].items()}


def syscall_rows(
    named: Mapping[str, Cell],
    programs: Mapping[str, Path],
    environments: Mapping[str, Mapping[str, str]],
    budgets: Sequence[budget.Budget],
    tell: Callable[[str], None],
) -> list[Row]:
    """Stage 1. `named` maps the names of gated cells to cells, `programs` sides to workers."""
    rows = []
    for name, cell in named.items():
        tell(f"system calls: {name}")
        side = cell.sides[0]
        found = {
            label: count_syscalls(program, cell, side, environments.get(label, {}))
            for label, program in programs.items()
        }
        rows.append(_syscall_row(name, found[BASE], found[CHANGE], budgets))
    return rows


def _syscall_row(
    name: str,
    base: dict[str, float] | str,
    change: dict[str, float] | str,
    budgets: Sequence[budget.Budget],
) -> Row:
    details = []
    if isinstance(base, dict) and isinstance(change, dict):
        for call in sorted((set(base) | set(change)) - {"total"}):
            before, after = base.get(call, 0.0), change.get(call, 0.0)
            if before != after:
                details.append(f"{call}: {before:.4f} -> {after:.4f}")
    taken = [(one["total"], "") if isinstance(one, dict) else (None, one) for one in (base, change)]
    return count_row(name, SYSCALLS, taken[0], taken[1], budgets, details)


def instruction_rows(
    named: Mapping[str, Cell],
    programs: Mapping[str, Path],
    environments: Mapping[str, Mapping[str, str]],
    budgets: Sequence[budget.Budget],
    tell: Callable[[str], None],
) -> list[Row]:
    """Stage 2. Counts of one variant take seconds each and disturb nothing: two at a time."""
    tool = version()
    tasks = [
        (name, label, cell, program)
        for name, cell in named.items()
        for label, program in programs.items()
    ]

    def taken(task: tuple[str, str, Cell, Path]) -> Taken:
        name, label, cell, program = task
        count = count_one(
            program,
            cell,
            cell.sides[0],
            operations_of(cell),
            tool,
            environment=environments.get(label),
        )
        tell(f"instructions: {name}, {label}")
        return count.per_operation, count.reason or ""

    with ThreadPoolExecutor(min(2, cpus())) as pool:
        found = dict(zip([task[:2] for task in tasks], pool.map(taken, tasks)))
    return [
        count_row(name, USER, found[(name, BASE)], found[(name, CHANGE)], budgets) for name in named
    ]


def confirmed(rows: Sequence[Row], again: Callable[[set[str]], Sequence[Row]]) -> list[Row]:
    """The rows after a second count of the red cases, by new processes.

    What is exact comes out the same; what does not was no exact count, and is no finding.
    """
    red = {row.case for row in rows if row.state == REGRESSED}
    second = {row.case: row for row in again(red)} if red else {}
    return [_confirmed(row, second.get(row.case)) if row.case in red else row for row in rows]


def _confirmed(row: Row, other: Row | None) -> Row:
    if other is None or other.state == REGRESSED:
        return row
    said = other.state if other.change is None else f"{other.state} ({other.change:.1f})"
    return replace(
        row, state=INCONCLUSIVE, excuse=None, reason=f"red once, but a second count was {said}"
    )


def skipped_row(name: str, metric: str, reason: str) -> Row:
    """A cell that one side cannot run at all."""
    return Row(name, metric, SKIPPED, reason=reason)
