# SPDX-License-Identifier: MIT
"""What the gate measures: few cells, chosen to run every kind of loop and fit six minutes.

Together at most 25 rows of time: ten pairs can say p = 2/1024 at best, and Holm's correction over
more rows would put a regression out of their reach.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from harness.catalogue import Catalogue
from harness.errors import UsageError
from harness.names import Variant
from harness.plan import Cell, Side
from harness.protocol import Protocol
from results.keys import params_text, variant_name

BASE, CHANGE = "base", "change"


@dataclass(frozen=True)
class GateCell:
    """One workload at one set of parameters with one variant, on both sides."""

    workload: str
    variant: Variant
    params: Mapping[str, str] = field(default_factory=dict)
    latency: bool = False
    #: In the guest: epoll calls that the preload library serves from kevent.ko.
    preload: bool = False
    #: Why its counts on this machine's kernel depend on time; such a cell is only timed.
    uncounted: str = ""

    @property
    def name(self) -> str:
        """How budgets, trailers and tables name it."""
        words = [self.workload, params_text(self.params), self.variant.name]
        return " ".join([*filter(None, words), *(["by-preload"] if self.preload else [])])

    @property
    def needs_module(self) -> bool:
        """Whether it measures kevent.ko."""
        return self.preload or self.variant.mechanism == "kevent"


_EVENTFD = {"source": "eventfd", "registered": "1000"}

#: On this machine's kernel.
HOST_CELLS = (
    GateCell("idle_scan", Variant("epoll", "lt"), _EVENTFD),
    GateCell("active_ratio", Variant("epoll", "et"), {**_EVENTFD, "active": "100"}),
    GateCell(
        "active_ratio", Variant("io_uring", "completion+defer"), {**_EVENTFD, "active": "100"}
    ),
    GateCell("source_pingpong", Variant("epoll", "lt"), {"source": "unix"}, latency=True),
    GateCell(
        "tcp_rr",
        Variant("epoll", "et"),
        {"connections": "10"},
        latency=True,
        uncounted="how many connections are ready at each wait is a matter of time",
    ),
)

#: In the guest, where kevent.ko is loaded; few descriptors, since emulation is slow.
_FEW = {"source": "eventfd", "registered": "100"}
GUEST_CELLS = tuple(
    GateCell("idle_scan", variant, _FEW)
    for variant in (
        Variant("epoll", "lt"),
        Variant("kevent", "get"),
        Variant("kevent", "mapped"),
        Variant("kevent", "mapped-et"),
    )
) + (
    GateCell("idle_scan", Variant("epoll", "lt"), _FEW, preload=True),
    GateCell(
        "source_pingpong",
        Variant("kevent", "mapped-et"),
        {"source": "unix", "placement": "same-cpu"},
    ),
)

#: A, A again and B in every block; latency in blocks of its own, since it reads clocks.
PROTOCOL = Protocol(
    pairs=10,
    blocks=8,
    warmup_slices=1,
    limit_ns=48_000_000,
    latency_pairs=10,
    latency_blocks=4,
    count_repeats=0,
)
CONFIRMING_PAIRS = 20
EXTRA_PAIRS = 10
LINK_ORDERS = 3


def choose(names: Iterable[str], cells: Iterable[GateCell] = HOST_CELLS) -> tuple[GateCell, ...]:
    """The cells whose name contains one of the texts; all without a text. Raises UsageError."""
    wanted = tuple(names)
    offered = tuple(cells)
    found = tuple(
        cell for cell in offered if not wanted or any(text in cell.name for text in wanted)
    )
    if not found:
        listed = "; ".join(cell.name for cell in offered)
        raise UsageError(f"no gated cell is named like {wanted[0]}: there are {listed}")
    return found


def complete(cell: GateCell, catalogue: Catalogue) -> dict[str, str]:
    """All parameters of the cell. Raises UsageError when this build does not know it."""
    return catalogue.find_workload(cell.workload).complete(dict(cell.params))


def unavailable(cell: GateCell, catalogue: Catalogue) -> str | None:
    """Why a build cannot run the cell here; None when it can."""
    workload = catalogue.workloads.get(cell.workload)
    if workload is None:
        return f"the workload {cell.workload} is not part of the build"
    if not workload.available:
        return f"{cell.workload}: {workload.reason}"
    if cell.variant not in catalogue.variants:
        return (
            f"{variant_name(cell.variant.mechanism, cell.variant.variant)} is not part of the build"
        )
    return catalogue.variants[cell.variant]


def sides(variant: Variant, trigger: str = "lt") -> tuple[Side, ...]:
    """Base, its control, and change."""
    return (
        Side(variant, 1, trigger, BASE),
        Side(variant, 2, trigger, BASE),
        Side(variant, 1, trigger, CHANGE),
    )


def plan_cell(cell: GateCell, catalogue: Catalogue, protocol: Protocol) -> Cell:
    """The cell as the controller runs it."""
    return Cell(
        cell.workload,
        complete(cell, catalogue),
        "headline",
        cell.latency,
        False,
        protocol,
        sides(cell.variant, catalogue.triggers.get(cell.variant, "lt")),
        frozenset(cell.params),
    )
