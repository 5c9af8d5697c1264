# SPDX-License-Identifier: MIT
"""Slices and their histograms, condensed while they are read: a run may hold a million of them."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from plots import grouping, headline
from plots.model import Cell, Heat, Place, Side, Trace
from results import reader
from results.histogram import Histogram as Stored
from results.histogram import bucket_bounds

Record = Mapping[str, Any]
Identity = tuple[Place, Cell, Side]
Identify = Callable[[Record], Identity]

#: Cells of a place whose latencies are drawn over time, one a workload at most.
HEAT_CELLS = 3
#: Where our writers put the scope of a histogram: behind its case, of at most this many bytes.
_SCOPE, _HEAD = b'"scope":"slice"', 2048
_NAN = float("nan")


def is_slice_histogram(line: bytes) -> bool:
    """Whether a line is the histogram of one slice, which is read only where it is drawn."""
    return reader.kind_of(line) == "hist" and _SCOPE in line[:_HEAD].replace(b" ", b"")


@dataclass
class Columns:
    """What is kept of the slices of one side, cell and phase."""

    start: array[float] = field(default_factory=lambda: array("d"))
    wall: array[float] = field(default_factory=lambda: array("d"))
    cpu: array[float] = field(default_factory=lambda: array("d"))
    took: array[float] = field(default_factory=lambda: array("d"))
    steal: array[float] = field(default_factory=lambda: array("d"))
    pair: array[int] = field(default_factory=lambda: array("q"))
    block: array[int] = field(default_factory=lambda: array("q"))


class Condenser:
    """Takes the records of a run in order; keep() is the `keep` of results.reader.read."""

    def __init__(self, identify: Identify, tick_s: float = 0.01) -> None:
        self.identity = identify
        self._tick_s = tick_s
        self._cases: dict[tuple[str, str], Identity] = {}
        self.columns: dict[tuple[Identity, str], Columns] = {}
        self.batches: dict[tuple[Identity, str], list[int]] = {}
        self.calls: dict[Identity, tuple[dict[str, float], list[int]]] = {}
        self.placed: list[tuple[Identity, Record]] = []
        #: identity and name of a latency histogram -> when its slice began.
        self.began: dict[tuple[Identity, str], float] = {}
        self.zero: float | None = None

    def keep(self, record: Record) -> bool:
        """False for a slice, whose figures were taken over."""
        kind = record["record"]
        key = (str(record.get("case_key")), str(record.get("side")))
        if kind == "case":
            self._cases[key] = self.identity(record)
        if kind not in ("slice", "hist", "count", "profile"):
            return True
        identity = self._cases.get(key)
        if identity is None:
            return bool(kind != "slice")
        if kind != "slice":
            self.placed.append((identity, record))
        elif not record["warmup"]:
            self._slice(identity, record)
        return bool(kind != "slice")

    def _slice(self, identity: Identity, record: Record) -> None:
        phase, ops = str(record.get("phase")), int(record["ops"])
        began = float(record["t_start_ns"])
        self.zero = began if self.zero is None else min(self.zero, began)
        columns = self.columns.setdefault((identity, phase), Columns())
        wall, user, system = (record.get(f"{n}_ns") for n in ("wall", "cpu_user", "cpu_sys"))
        cpu = _NAN if user is None or system is None or not ops else (user + system) / ops
        columns.start.append(began)
        columns.wall.append(wall / ops if wall is not None and ops else _NAN)
        columns.cpu.append(cpu)
        columns.took.append(_NAN if wall is None else wall / 1e9)
        steal = record.get("steal_ticks")
        columns.steal.append(_NAN if steal is None else steal * self._tick_s)
        columns.pair.append(int(record["pair"]))
        columns.block.append(int(record["block"]))
        counts = record.get("batches")
        if counts:
            sums = self.batches.setdefault((identity, phase), [])
            sums.extend([0] * (len(counts) - len(sums)))
            for index, count in enumerate(counts):
                sums[index] += int(count)
        if record.get("syscalls"):
            names, operations = self.calls.setdefault(identity, ({}, [0]))
            operations[0] += ops
            for name, count in record["syscalls"].items():
                if name != "total" and count is not None:
                    names[name] = names.get(name, 0.0) + float(count)
        if phase == "latency":
            for name in record.get("hist_ref") or ():
                self.began[(identity, str(name))] = began

    def traces(self) -> list[Trace]:
        """Every side, cell and phase in order of time."""
        zero = self.zero or 0.0
        found = []
        for (identity, phase), one in self.columns.items():
            order = sorted(range(len(one.start)), key=one.start.__getitem__)
            starts = array("d", ((one.start[i] - zero) / 1e9 for i in order))
            rest = (one.wall, one.cpu, one.took, one.steal, one.pair, one.block)
            found.append(Trace(*identity, phase, starts, *(_sorted(v, order) for v in rest)))
        return found


def _sorted(values: Any, order: Sequence[int]) -> Any:
    return array(values.typecode, (values[index] for index in order))


def _wanted(traces: Iterable[Trace]) -> set[Identity]:
    """Whose latencies are drawn over time: loaded cells first, one variant of each mechanism."""
    timed = [one for one in traces if one.phase == "latency"]
    chosen: set[Identity] = set()
    for place in {one.place for one in timed}:
        here = [one for one in timed if one.place == place]
        by_workload: dict[tuple[bool, str], list[Cell]] = {}
        for cell in headline.cell_order(one.cell for one in here):
            loaded = (cell.number("rate") or 0.0) > 0
            by_workload.setdefault((not loaded, cell.workload), []).append(cell)
        ranked = sorted(by_workload, key=lambda k: (k[0], headline.cell_rank(by_workload[k][0])))
        for key in ranked[:HEAT_CELLS]:
            cells = sorted(by_workload[key], key=lambda c: c.number("rate") or 0.0)
            cell = cells[len(cells) // 2]
            group = grouping.overview(one.side for one in here if one.cell == cell)
            chosen |= {(place, cell, side) for side in group.sides}
    return chosen


def histograms(
    path: Path, condenser: Condenser, traces: Iterable[Trace], summed: set[tuple[Identity, str]]
) -> tuple[list[Heat], dict[tuple[Identity, str], Stored]]:
    """Latencies over time, and sums where the run holds no histogram of the whole case.

    A second pass over the file: of the histograms of slices, far more than all else, few are needed.
    `summed` names identity and kind of those that have a sum already.
    """
    wanted = _wanted(traces)
    zero = condenser.zero or 0.0
    points: dict[Identity, list[tuple[float, float, int]]] = {one: [] for one in wanted}
    sums: dict[tuple[Identity, str], Stored] = {}
    cases: dict[tuple[str, str], Identity] = {}
    known = {name for (_, name) in condenser.began}
    for line in reader.lines_of(path):
        kind = reader.kind_of(line)
        if not line.endswith(b"\n") or kind not in ("case", "hist", None):
            continue
        if kind != "case" and not is_slice_histogram(line):
            continue
        try:
            record = reader.parse(line.decode())
        except (ValueError, RecursionError):
            continue  # the first pass said what is wrong with it
        key = (str(record.get("case_key")), str(record.get("side")))
        if record.get("record") == "case":
            cases[key] = condenser.identity(record)
        identity = cases.get(key)
        if identity is None or record.get("record") != "hist" or not record.get("count"):
            continue
        whole = (identity, str(record["kind"]))
        if whole not in summed:
            sums.setdefault(whole, Stored()).merge(Stored.from_fields(record))
        name = str(record.get("hist_id"))
        if identity in wanted and record["kind"] == "latency" and name in known:
            began = condenser.began.get((identity, name))
            if began is not None:
                points[identity] += _points((began - zero) / 1e9, record)
    return [Heat(*one, tuple(found)) for one, found in points.items() if found], sums


def _points(second: float, record: Record) -> list[tuple[float, float, int]]:
    return [
        (second, float(sum(bucket_bounds(int(index))) // 2), int(count))
        for index, count in record["buckets"]
    ]
