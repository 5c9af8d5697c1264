# SPDX-License-Identifier: MIT
"""What was measured in one cell, as the controller collects it and the analysis reads it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from harness.plan import Cell, Side
from results.histogram import Histogram

Slice = dict[str, Any]


@dataclass
class Count:
    """An exact count over `operations`, repeated; None = could not be counted, for `reason`."""

    tool: str
    name: str
    operations: int
    repeats: list[float]
    function: str | None = None
    tool_version: str | None = None
    reason: str | None = None

    @property
    def per_operation(self) -> float | None:
        """The median repeat per operation."""
        if not self.repeats:
            return None
        return sorted(self.repeats)[len(self.repeats) // 2] / self.operations


@dataclass
class CellData:
    """Everything known about one cell. `slices` are the fields of slice records."""

    cell: Cell
    unit: str = "event"
    #: Operations of a slice by side.
    operations: dict[str, int] = field(default_factory=dict)
    calibration: dict[str, Any] | None = None
    case_keys: dict[str, str] = field(default_factory=dict)
    #: side -> how its sources reach the mechanism, where there is a choice.
    ways: dict[str, str] = field(default_factory=dict)
    slices: list[Slice] = field(default_factory=list)
    #: (side, pair, kind) -> histogram of that process; kind as in hist records.
    histograms: dict[tuple[str, int, str], Histogram] = field(default_factory=dict)
    #: (side, pair, block) -> latency histograms of its slices.
    slice_histograms: dict[tuple[str, int, int], list[Histogram]] = field(default_factory=dict)
    #: side -> pair -> value, from opening the cell.
    setup_ns: dict[str, dict[int, float]] = field(default_factory=dict)
    kernel_bytes: dict[str, dict[int, float]] = field(default_factory=dict)
    counts: dict[str, list[Count]] = field(default_factory=dict)
    #: Sides that were lost, with the reason.
    lost: dict[str, str] = field(default_factory=dict)
    #: (phase, pair, side) that drifted, with the reason.
    drifted: dict[tuple[str, int, str], str] = field(default_factory=dict)
    #: Why no figure of this cell may be used; None when sound.
    void: str | None = None
    #: Facts of outside load by side and pair: metric name -> value.
    load: dict[str, dict[int, dict[str, float]]] = field(default_factory=dict)
    load_remarks: dict[str, str] = field(default_factory=dict)

    def alive(self) -> list[Side]:
        """Sides that are still measured, in the plan's order."""
        return [side for side in self.cell.sides if side.label not in self.lost]

    def measured(self, phase: str, side: str) -> Iterator[Slice]:
        """Slices of a side that count: no warm-up, no drifting pair."""
        for one in self.slices:
            if (
                one["side"] == side
                and one["phase"] == phase
                and not one["warmup"]
                and (phase, one["pair"], side) not in self.drifted
            ):
                yield one
