# SPDX-License-Identifier: MIT
"""`selftest power`: slow-downs of known size are injected, and the gate must judge them right.

In user space the change is the same padded worker as the base, told by its environment to turn an
empty loop for each message; how many turns make so many percent is measured first. In the kernel
one guest runs a padded module, whose parameter is the number of turns, and the counts are judged.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.catalogue import load_from
from harness.errors import MeasurementFault, UsageError
from harness.gate import counts, guest
from harness.gate.cells import BASE, CHANGE, GUEST_CELLS, GateCell, plan_cell
from harness.gate.timing import Timer
from harness.controller.cellrun import Build
from harness.plan import Cell
from harness.protocol import Protocol
from harness.selftest.padded import PARAMETER, VARIABLE
from harness.stats.verdict import EQUIVALENT, INCONCLUSIVE, REGRESSED, confirm
from results.compare import EXACT

if TYPE_CHECKING:
    from harness.guest.kernels import Kernel

SIZES = (0, 2, 5, 10)
KERNEL_SIZES = (0, 1, 2, 5, 10)
_TURNS = 1_000


@dataclass(frozen=True)
class Case:
    """One injected slow-down and what was said of it."""

    place: str
    case: str
    metric: str
    injected: float
    #: What the gate must say.
    wanted: tuple[str, ...]
    said: str
    measured: float | None
    base: float | None = None
    change: float | None = None
    reason: str | None = None

    @property
    def right(self) -> bool:
        """Judged as it must be."""
        return self.said in self.wanted

    def fields(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "place": self.place,
            "case": self.case,
            "metric": self.metric,
            "injected_percent": self.injected,
            "wanted": list(self.wanted),
            "said": self.said,
            "right": self.right,
            "measured_percent": self.measured,
            "base": self.base,
            "change": self.change,
            "reason": self.reason,
        }


def wanted(injected: float, band: float) -> tuple[str, ...]:
    """What the gate must say of a slow-down, for a metric with such a band.

    Below the band red is wrong, and so is "improved"; whether the rest is called equivalent or
    inconclusive depends on the machine, except for no change at all on a count.
    """
    if injected >= band:
        return (REGRESSED,)
    return (EQUIVALENT, INCONCLUSIVE)


def turns_per_percent(
    planned: Cell, timer: Timer, builds: Callable[[int], dict[str, Build]]
) -> float:
    """Turns of the empty loop that add one percent of CPU time.

    Measured by a round like those that judge: between slices of other processes the same operation
    finds colder caches and costs more than alone, so that as many turns are fewer percent.
    Raises MeasurementFault when the padding does not show, since then nothing is injected.
    """
    verdicts = timer.round({planned.title: planned}, builds(_TURNS), "power calibration", looks=1)
    cpu = next(one for one in verdicts if one.evidence.metric == "cpu_ns_per_event")
    added = cpu.estimate_percent
    if added is None:
        raise MeasurementFault(f"the padding was not measured: {cpu.reason}")
    if added < 5.0:
        raise MeasurementFault(
            f"{_TURNS} turns added {added:.1f} % of CPU time to {planned.title}: no padding shows"
        )
    return _TURNS / added


def user_space(
    program: Path,
    cell: GateCell,
    timer: Timer,
    protocol: Protocol,
    sizes: Sequence[int],
    repeats: int,
    tell: Callable[[str], None],
) -> list[Case]:
    """Every size `repeats` times: a round, and for a red a confirmation, as the gate does it."""
    catalogue = load_from(program)
    planned = plan_cell(replace(cell, latency=False), catalogue, protocol)

    def builds_for(turns: int) -> dict[str, Build]:
        return {
            BASE: Build((program,), {VARIABLE: "0"}),
            CHANGE: Build((program,), {VARIABLE: str(turns)}),
        }

    tell("calibrating the padding in user space")
    each = turns_per_percent(planned, timer, builds_for)
    found = []
    for repeat in range(repeats):
        for size in sizes:
            builds = builds_for(round(size * each))
            tell(f"{size} % in user space, {repeat + 1} of {repeats}")
            named = {cell.name: planned}
            verdicts = timer.round(named, builds, f"power {size} {repeat}")
            if any(one.state == REGRESSED for one in verdicts):
                longer = replace(planned, protocol=replace(protocol, pairs=2 * protocol.pairs))
                label = f"power {size} {repeat} again"
                again = timer.round({cell.name: longer}, builds, label)
                verdicts = confirm(verdicts, again, "new processes")
            for verdict in verdicts:
                evidence = verdict.evidence
                if evidence.metric == "cpu_ns_per_event":
                    found.append(
                        Case(
                            "user space",
                            cell.name,
                            evidence.metric,
                            float(size),
                            wanted(size, evidence.band_percent),
                            verdict.state,
                            verdict.estimate_percent,
                            evidence.base,
                            evidence.change,
                            verdict.reason,
                        )
                    )
    return found


def kernel_cells(module: bool, preload: bool) -> tuple[GateCell, ...]:
    """Cells that pass the padded function."""
    return tuple(
        cell
        for cell in GUEST_CELLS
        if cell.needs_module and module and (preload or not cell.preload)
    )


def sweep_script(side: guest.GuestSide, cells: Sequence[GateCell], turns: Sequence[int]) -> str:
    """The cells once for each number of turns, in one guest."""
    parts = []
    for number in turns:
        parts.append(f"echo kevbench-power {number}; echo {number} > {PARAMETER}")
        parts.append(guest.script(side, cells))
    return "; ".join(parts)


def read_sweep(text: str, cells: Sequence[GateCell]) -> dict[int, dict[str, counts.Taken]]:
    """Counts by number of turns and name of the cell."""
    found = {}
    for part in text.split("kevbench-power ")[1:]:
        number, _, body = part.partition("\n")
        if number.strip().isdigit():
            found[int(number)] = guest.read_counts(body, cells)
    return found


def _sweep(
    side: guest.GuestSide, cells: Sequence[GateCell], turns: Sequence[int], kernel: str
) -> dict[int, dict[str, counts.Taken]]:
    from harness.guest.errors import GuestError
    from harness.guest.run import run_in_guest
    from harness.guest.spec import GuestSpec

    spec = GuestSpec(
        ["sh", "-c", sweep_script(side, cells, turns)],
        kernel=kernel,
        add=[side.worker, *([side.preload] if side.preload else [])],
        module=side.module,
        icount=True,
        deadline_s=400.0,
    )
    try:
        result = run_in_guest(spec, tell=lambda text: None)
    except GuestError as problem:
        raise UsageError(f"no guest to count in: {problem}") from None
    if result.status != 0:
        raise MeasurementFault(f"the guest failed: {result.reason or f'status {result.status}'}")
    return read_sweep(result.stdout.decode(errors="replace"), cells)


def kernel_space(
    worker: Path,
    sources: Path,
    kernel: Kernel,
    flags: str,
    sizes: Sequence[int],
    tell: Callable[[str], None],
) -> list[Case]:
    """Every size on every cell that a guest can count, judged as stage 3 does.

    Raises UsageError without a guest, and MeasurementFault when the padded module does not build or
    no cell passes the padding.
    """
    tell("building the padded module")
    side = guest.make_side(worker, sources, "kmod-selftest", kernel, flags)
    if side.module is None:
        raise MeasurementFault(f"the padded module: {side.reason}")
    cells = kernel_cells(True, side.preload is not None)
    tell("calibrating the padding in the guest")
    first = _sweep(side, cells, (0, _TURNS), kernel.series)
    slopes = {cell.name: _slope(first[0][cell.name], first[_TURNS][cell.name]) for cell in cells}
    usable = [cell for cell in cells if isinstance(slopes[cell.name], float)]
    if not usable:
        reasons = "; ".join(f"{name}: {why}" for name, why in slopes.items())
        raise MeasurementFault(f"no cell shows the padding of the module: {reasons}")
    found = []
    for cell in usable:
        base = first[0][cell.name]
        slope = slopes[cell.name]
        assert base[0] is not None and isinstance(slope, float)
        # One turn more than the size asks for: whole turns must not fall short of it.
        turns = {size: int(size / 100 * base[0] / slope) + (1 if size else 0) for size in sizes}
        tell(f"{', '.join(map(str, sizes))} % in the module: {cell.name}")
        counted = _sweep(side, [cell], sorted(set(turns.values())), kernel.series)
        for size in sizes:
            row = guest.total_row(cell.name, base, counted[turns[size]][cell.name])
            limit = EXACT[counts.TOTAL][0]
            right = (REGRESSED,) if size >= limit else (EQUIVALENT,)
            found.append(
                Case(
                    "module",
                    cell.name,
                    counts.TOTAL,
                    float(size),
                    right,
                    row.state,
                    row.percent,
                    row.base,
                    row.change,
                    row.reason,
                )
            )
    return found


def _slope(plain: counts.Taken, padded: counts.Taken) -> float | str:
    """Instructions per turn and operation, or why there is none."""
    if plain[0] is None or padded[0] is None:
        return plain[1] or padded[1]
    slope = (padded[0] - plain[0]) / _TURNS
    return slope if slope > 0.1 else "the padding is not passed"


def document(cases: Sequence[Case], notes: Sequence[str]) -> dict[str, Any]:
    """For programs."""
    return {
        "schema": "kvb.selftest.power",
        "cases": [case.fields() for case in cases],
        "right": sum(case.right for case in cases),
        "wrong": sum(not case.right for case in cases),
        "notes": list(notes),
    }
