# SPDX-License-Identifier: MIT
"""Stage 3: user and kernel instructions per operation, counted in a guest with kevent.ko.

Each side runs its own worker with its own module in a guest whose clock counts instructions, on the
same kernel. Both guests run at once: what they count does not depend on how long it takes.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.gate.cells import BASE, CHANGE, GateCell
from harness.gate.counts import TOTAL, Taken, count_row, skipped_row
from harness.gate.rows import Row
from harness.plan import cpus
from results import budget

if TYPE_CHECKING:
    from harness.guest.kernels import Kernel

NO_SOURCES = "has no kevent sources"
_MARK = "kevbench-gate-cell"
_OPERATIONS, _SLICES = 2_000, 9
DEADLINE_S = 240.0
#: A guest's middle half of slices that scatters more than this is no count. The slices beyond it
#: may hold what the kernel does on its own account: the second one of a boot once read 5 % more.
_SPREAD_LIMIT = 0.005
#: Percent by which two boots of the same code differ at most, where two processes take turns.
_BOOTS_DIFFER = 0.05


@dataclass(frozen=True)
class GuestSide:
    """What one side brings into its guest. Without a module its kevent cells cannot run."""

    worker: Path
    module: Path | None
    #: Why there is no module.
    reason: str = ""
    #: The preload library of the same sources.
    preload: Path | None = None


def touches_module(changed: Iterable[str]) -> bool:
    """Whether one of these files goes into the module, libkevent or the preload library."""
    return any(
        path.startswith("kmod/")
        and not path.startswith(("kmod/tests/", "kmod/man/"))
        and not path.endswith(".md")
        for path in changed
    )


def script(side: GuestSide, cells: Sequence[GateCell]) -> str:
    """Shell text that prints a marker and a JSON document, or an error, for each cell."""
    lines = []
    for number, cell in enumerate(cells):
        words = ["env", f"LD_PRELOAD={side.preload}"] if cell.preload else []
        words += [str(side.worker), "run", cell.workload, cell.variant.name]
        words += [word for k, v in sorted(cell.params.items()) for word in ("--param", f"{k}={v}")]
        words += ["--operations", str(_OPERATIONS), "--slices", str(_SLICES), "--json"]
        lines.append(f"echo {_MARK} {number}; {shlex.join(words)} 2>&1")
    return "; ".join([*lines, "true"])


def read_counts(text: str, cells: Sequence[GateCell]) -> dict[str, Taken]:
    """Instructions per operation by cell name; in a counting guest one ns is one instruction."""
    found: dict[str, Taken] = {}
    for part in text.split(_MARK)[1:]:
        number, _, body = part.strip().partition("\n")
        if number.isdigit() and int(number) < len(cells):
            found[cells[int(number)].name] = _count(body)
    return {cell.name: found.get(cell.name, (None, "the guest said nothing")) for cell in cells}


def _count(body: str) -> Taken:
    """The median of the slices after the first, which warms up."""
    try:
        document: dict[str, Any] = json.loads(body)
        costs = sorted(float(one["wall_ns"]) / float(one["ops"]) for one in document["slices"][1:])
        if any(one["errors"] for one in document["slices"]):
            return None, "the worker reported errors"
    except (ValueError, KeyError, TypeError, ZeroDivisionError):
        said = [line for line in body.strip().splitlines() if line.strip()]
        return None, (said[-1].removeprefix("kevbench-worker: ") if said else "no answer")[:200]
    if not costs:
        return None, "no slice"
    middle = costs[len(costs) // 2]
    low, high = costs[len(costs) // 4], costs[-1 - len(costs) // 4]
    if high - low > _SPREAD_LIMIT * middle:
        return None, f"slices of {low:.1f} to {high:.1f} instructions are no exact count"
    return middle, ""


def count(
    side: GuestSide, cells: Sequence[GateCell], kernel: str, deadline_s: float = DEADLINE_S
) -> dict[str, Taken] | str:
    """The counts of one side, or the reason why its guest gave none."""
    from harness.guest.errors import GuestError
    from harness.guest.run import run_in_guest
    from harness.guest.spec import GuestSpec

    spec = GuestSpec(
        ["sh", "-c", script(side, cells)],
        kernel=kernel,
        add=[side.worker, *([side.preload] if side.preload else [])],
        module=side.module,
        icount=True,
        deadline_s=deadline_s,
    )
    try:
        result = run_in_guest(spec, tell=lambda text: None)
    except GuestError as problem:
        return str(problem)
    if result.status != 0:
        fault = result.faults[0] if result.faults else f"status {result.status}"
        return f"the guest failed: {result.reason or fault}"
    return read_counts(result.stdout.decode(errors="replace"), cells)


def rows(
    sides: Mapping[str, GuestSide],
    cells: Sequence[GateCell],
    kernel: str,
    budgets: Sequence[budget.Budget],
    tell: Callable[[str], None],
    deadline_s: float = DEADLINE_S,
) -> list[Row]:
    """Stage 3. What the base cannot run, since it is new, is skipped aloud."""
    labels = (BASE, CHANGE)
    tell(f"instructions in the guest, kernel {kernel}")
    with ThreadPoolExecutor(min(2, cpus())) as pool:
        counted = pool.map(lambda one: count(sides[one], cells, kernel, deadline_s), labels)
        found = dict(zip(labels, counted))
    made = []
    for cell in cells:
        absent = _absent(cell, sides)
        if absent is not None:
            made.append(skipped_row(cell.name, TOTAL, absent))
            continue
        taken = {label: _taken(found[label], cell) for label in labels}
        new = taken[BASE][0] is None and taken[CHANGE][0] is not None and _unknown(taken[BASE][1])
        both = all(taken[label][0] is None and _unknown(taken[label][1]) for label in labels)
        if new or both:
            whose = "both sides" if both else "the base"
            made.append(skipped_row(cell.name, TOTAL, f"{whose}: {taken[BASE][1]}"))
        else:
            made.append(total_row(cell.name, taken[BASE], taken[CHANGE], budgets))
    return made


def total_row(case: str, base: Taken, change: Taken, budgets: Sequence[budget.Budget] = ()) -> Row:
    """The row of two counts from two boots."""
    return count_row(case, TOTAL, base, change, budgets, slack_percent=_BOOTS_DIFFER)


def _taken(found: dict[str, Taken] | str, cell: GateCell) -> Taken:
    return (None, found) if isinstance(found, str) else found[cell.name]


def _absent(cell: GateCell, sides: Mapping[str, GuestSide]) -> str | None:
    """Why a kevent cell has no module, or no preload library, on one side."""
    if not cell.needs_module:
        return None
    for label, side in sides.items():
        if side.module is None:
            return f"{label}: {side.reason}"
        if cell.preload and side.preload is None:
            return f"{label}: has no preload library"
    return None


def _unknown(reason: str) -> bool:
    """Whether a worker says that it has no such workload, mechanism or parameter."""
    return any(
        word in reason for word in ("unknown", "no variant", "no parameter", "not available")
    )


def make_side(worker: Path, source: Path, name: str, kernel: Kernel, flags: str = "") -> GuestSide:
    """A side with the module and preload library built from a source tree, as far as it has them.

    `name` keeps what is built apart from other trees'; `flags` are further ones of the module's
    compiler.
    """
    from harness.guest.errors import GuestError
    from harness.guest.module import build_module, build_preload

    if not (source / "kmod" / "Makefile").is_file():
        return GuestSide(worker, None, NO_SOURCES)
    try:
        module = build_module(kernel, source / "kmod", name, flags)
        preload = build_preload(source / "kmod", name)
    except GuestError as problem:
        return GuestSide(worker, None, f"its module does not build: {problem}")
    return GuestSide(worker, module, "", preload)
