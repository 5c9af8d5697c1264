# SPDX-License-Identifier: MIT
"""Slices and their histograms, condensed while they are read: a run may hold a million of them."""

from __future__ import annotations

import hashlib
import re
from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from plots import grouping, headline
from plots.model import Cell, Heat, Place, Profile, Side, Trace
from plots.slice_table import Collected, SliceTable, Whole
from results import folded, reader, safe
from results.errors import ResultsError
from results.histogram import Histogram as Stored
from results.histogram import bucket_bounds

Record = Mapping[str, Any]
Identity = tuple[Place, Cell, Side]
Identify = Callable[[Record], Identity]

#: Cells of a place whose latencies are drawn over time, one a workload at most.
HEAT_CELLS = 3
#: Where our writers put the case of a record, within so many bytes.
_KEY, _HEAD = b'"case_key":"', 2048
#: How a slice of ours says that it counted calls, and one that it took latencies.
_CALLS, _LATENCY = b'"syscalls":{"', b'"phase":"latency"'
_KINDS = ("latency", "uncorrected", "lateness")
_FOLDED = re.compile(r"raw/flame/[0-9]{1,9}\.folded")


class Condenser:
    """Takes the lines and records of a run in order: passing() and keep() are those of
    results.reader.read; then take() the slices, once."""

    def __init__(self, identify: Identify, sliced: bool, tick_s: float = 0.01) -> None:
        """`sliced`: the slices are read by other means, so that only counted calls are needed."""
        self.identity = identify
        self._sliced = sliced
        self._tick_s = tick_s
        #: The first line calls neither passing() nor keep().
        self._line = 1
        self._plain = True
        self._cases: dict[tuple[str, str], list[tuple[int, Identity]]] = {}
        self._collected = Collected()
        #: identity -> its case key.
        self.keys: dict[Identity, str] = {}
        self.batches: dict[tuple[Identity, str], list[int]] = {}
        self.calls: dict[Identity, tuple[dict[str, float], list[int]]] = {}
        self.placed: list[tuple[Identity, Record]] = []
        self.traces: list[Trace] = []
        #: When the first slice began, in ns.
        self.zero = 0.0

    def passing(self, line: bytes) -> bool:
        """True for a line that is not needed now."""
        self._line += 1
        kind = reader.kind_of(line)
        if kind == "slice" and self._sliced and _CALLS not in line:
            return True
        if reader.is_slice_histogram(line, kind):
            return True
        # Nothing in such a line could need to be made harmless; nearly all are such lines.
        self._plain = line.isascii() and b"\\" not in line and b"\x7f" not in line
        return False

    def keep(self, record: dict[str, Any]) -> bool:
        """False for a slice, whose figures were taken over. Makes the texts of others harmless."""
        if not self._plain:
            clean = safe.whole(record)
            record.clear()
            record.update(clean)
        kind = record["record"]
        key = (str(record.get("case_key")), str(record.get("side")))
        if kind == "case":
            identity = self.identity(record)
            self._cases.setdefault(key, []).append((self._line, identity))
            self.keys[identity] = key[0]
        if kind not in ("slice", "hist", "count", "profile"):
            return True
        if record.get("scope") == "slice":
            return False  # of another writer, so not passed over; histograms() reads it
        known = self._cases.get(key)
        if kind == "slice":
            if not self._sliced:
                self._collected.add(self._line, record)
            if known and not record["warmup"]:
                self._count(known[-1][1], record)
            return False
        if known:
            self.placed.append((known[-1][1], record))
        return True

    def _count(self, identity: Identity, record: Record) -> None:
        """Adds the system calls of a slice that counted them."""
        if not record.get("syscalls"):
            return
        names, operations = self.calls.setdefault(identity, ({}, [0]))
        operations[0] += int(record["ops"])
        for name, count in record["syscalls"].items():
            if name != "total" and count is not None:
                names[name] = names.get(name, 0.0) + float(count)

    def take(self, compiled: SliceTable | None) -> None:
        """Fills traces and batches from the slices, those that were collected unless given."""
        table = self._collected.table() if compiled is None else compiled
        groups = self._groups(table)
        starts = table.numbers["t_start_ns"]
        self.zero = min((float(starts[rows].min()) for _, rows in groups), default=0.0)
        begins = np.roll(table.batch_ends, 1)
        begins[:1] = 0
        for whose, rows in groups:
            self.traces.append(self._trace(*whose, table, rows))
            self._add_batches(whose, table, begins[rows], table.batch_ends[rows])

    def _groups(self, table: SliceTable) -> list[tuple[tuple[Identity, str], Whole]]:
        """Rows that count, by side, cell and phase, in the order of the file."""
        (case, cases), (side, sides), (phase, phases) = table.names.values()
        cases, sides, phases = ([safe.text(one) for one in n] for n in (cases, sides, phases))
        rows = np.flatnonzero(~table.warmup)
        if not rows.size:
            return []
        code = ((case * len(sides) + side) * len(phases) + phase)[rows]
        order = np.argsort(code, kind="stable")
        cuts = np.flatnonzero(np.diff(code[order])) + 1
        found: dict[tuple[Identity, str], list[Whole]] = {}
        for part in sorted(np.split(rows[order], cuts), key=lambda one: int(one[0])):
            first = part[0]
            known = self._cases.get((cases[case[first]], sides[side[first]]), [])
            # A slice belongs to the case record that came last before it.
            ends = np.searchsorted(table.lines[part], [line for line, _ in known])
            for number, (_, identity) in enumerate(known):
                end = ends[number + 1] if number + 1 < len(known) else len(part)
                if ends[number] < end:
                    own = found.setdefault((identity, phases[phase[first]]), [])
                    own.append(part[ends[number] : end])
        return [(whose, np.concatenate(parts)) for whose, parts in found.items()]

    def _trace(self, identity: Identity, phase: str, table: SliceTable, rows: Whole) -> Trace:
        begun = table.numbers["t_start_ns"][rows]
        order = rows[np.argsort(begun, kind="stable")]
        of = {name: values[order] for name, values in table.numbers.items()}
        ops = np.where(of["ops"] == 0, np.nan, of["ops"])
        return Trace(
            *identity,
            phase,
            array("d", (of["t_start_ns"] - self.zero) / 1e9),
            array("d", of["wall_ns"] / ops),
            array("d", (of["cpu_user_ns"] + of["cpu_sys_ns"]) / ops),
            array("d", of["wall_ns"] / 1e9),
            array("d", of["steal_ticks"] * self._tick_s),
            array("q", table.whole["pair"][order]),
            array("q", table.whole["block"][order]),
        )

    def _add_batches(
        self, whose: tuple[Identity, str], table: SliceTable, begins: Whole, ends: Whole
    ) -> None:
        sizes = ends - begins
        if not sizes.any():
            return
        columns = np.arange(int(sizes.max()))
        there = columns < sizes[:, None]
        values = table.batches[np.where(there, begins[:, None] + columns, 0)]
        self.batches[whose] = [int(one) for one in np.where(there, values, 0).sum(axis=0)]


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
    sums: dict[tuple[Identity, str], Stored] = {}
    cases: dict[tuple[str, str], Identity] = {}
    held: dict[Identity, dict[str, Record]] = {one: {} for one in wanted}
    began: dict[tuple[Identity, str], float] = {}
    drawn = {key.encode() for identity, key in condenser.keys.items() if identity in wanted}
    needed = drawn | {
        key.encode()
        for identity, key in condenser.keys.items()
        if not any((identity, kind) in summed for kind in _KINDS)
    }
    for line in reader.lines_of(path):
        if not line.endswith(b"\n") or not _second_look(line, needed, drawn):
            continue
        try:
            record = reader.parse(line.decode())
        except (ValueError, RecursionError):
            continue  # the first pass said what is wrong with it
        key = (safe.text(str(record.get("case_key"))), safe.text(str(record.get("side"))))
        if record.get("record") == "case":
            cases[key] = condenser.identity(record)
        identity = cases.get(key)
        if identity is None:
            continue
        if record.get("record") == "slice" and not record["warmup"]:
            for name in record.get("hist_ref") or ():
                began[(identity, str(name))] = float(record["t_start_ns"])
        if record.get("scope") != "slice" or not record.get("count"):
            continue
        whole = (identity, str(record["kind"]))
        if whole not in summed:
            sums.setdefault(whole, Stored()).merge(Stored.from_fields(record))
        if identity in wanted and record["kind"] == "latency":
            held[identity][str(record.get("hist_id"))] = record
    return list(_heats(held, began, condenser.zero)), sums


def _heats(
    held: Mapping[Identity, Mapping[str, Record]],
    began: Mapping[tuple[Identity, str], float],
    zero: float,
) -> Iterator[Heat]:
    """From histograms by their names, and when the slice of each began."""
    for identity, records in held.items():
        points: list[tuple[float, float, int]] = []
        for name, record in records.items():
            if (identity, name) in began:
                points += _points((began[(identity, name)] - zero) / 1e9, record)
        if points:
            yield Heat(*identity, tuple(points))


def _second_look(line: bytes, histograms: set[bytes], slices: set[bytes]) -> bool:
    """Whether a line is a case, or a histogram or latency slice of one of these case keys."""
    kind = reader.kind_of(line)
    if kind == "hist":
        return reader.is_slice_histogram(line, kind) and _names(line, histograms)
    if kind == "slice":
        return bool(slices) and _LATENCY in line and _names(line, slices)
    return kind in ("case", None)


def _names(line: bytes, keys: set[bytes]) -> bool:
    """Whether a histogram's case is one of `keys`; also where only parsing could tell."""
    start = line.find(_KEY)
    if start < 0 or b"\\" in line[:_HEAD]:
        return True
    start += len(_KEY)
    return line[start : line.find(b'"', start)] in keys


def _points(second: float, record: Record) -> list[tuple[float, float, int]]:
    return [
        (second, float(sum(bucket_bounds(int(index))) // 2), int(count))
        for index, count in record["buckets"]
    ]


def profiles(directory: Path, placed: Iterable[tuple[Identity, Record]]) -> list[Profile]:
    """Sampled stacks, from the files that the records name.

    A file that is missing, altered or damaged costs its own flame graph, with the reason.
    """
    found = []
    for identity, record in placed:
        if record["record"] != "profile":
            continue
        stacks: folded.Stacks = {}
        reason = str(record.get("reason") or "")
        if record.get("folded") is not None:
            try:
                stacks = _stacks(directory, str(record["folded"]), str(record.get("sha256")))
            except ResultsError as problem:
                reason = str(problem)
        order = tuple(sorted(stacks.items()))
        how = (str(record.get("event") or ""), str(record.get("call_graph") or ""))
        found.append(Profile(*identity, *how, order, sum(stacks.values()), reason))
    return found


def _stacks(directory: Path, name: str, digest: str) -> folded.Stacks:
    # A name from a file must not lead out of the run directory.
    if not _FOLDED.fullmatch(name):
        raise ResultsError("the record of a flame graph names a file outside raw/flame")
    path = directory / name
    stacks = folded.load(path)
    if hashlib.sha256(path.read_bytes()).hexdigest() != digest:
        raise ResultsError(f"{name} was altered since it was recorded")
    return stacks
