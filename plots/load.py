# SPDX-License-Identifier: MIT
"""From a run directory to plots.model.Run. The one module that knows the record format."""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from plots import environment, slice_table
from plots.model import (
    Batches,
    Calls,
    Cell,
    Check,
    Histogram,
    Params,
    Place,
    Row,
    Run,
    Side,
    Skip,
    Verdict,
)
from plots.raw import Condenser, histograms, profiles
from results import bars, reader, safe
from results.histogram import bucket_bounds
from results.histogram import Histogram as Stored
from results.keys import parse_case_key

Record = Mapping[str, Any]
Identity = tuple[Place, Cell, Side]

#: Phases whose slices the metrics are made of; others count calls or record latencies.
_MEASURED = ("time", "load")
_FLOOR = ("floor_instr_per_event", "floor_percent_of_cheapest_event")


def load(run_dir: Path, seen: Callable[[reader.ResultFile], None] | None = None) -> Run:
    """Reads a run directory. Raises results.errors.ResultsError with a one-line remedy.

    `seen` is called with all but the slices, once they are known to be sound.
    """
    path = reader.locate(run_dir)
    with ThreadPoolExecutor(1) as aside:
        # Beside the rest, since the module does not hold the interpreter.
        slices = aside.submit(slice_table.compiled, path)
        raw, found = _read(path, slice_table.is_compiled())
        if slices.result() is None and slice_table.is_compiled():
            raw, found = _read(path, False)
        raw.take(slices.result())
        if seen is not None:
            seen(found)
        files = aside.submit(_files, run_dir, path)
        return replace(_run(path, raw, found), data_files=files.result())


def _run(path: Path, raw: Condenser, found: reader.ResultFile) -> Run:
    # The others were made harmless when they were read.
    records: list[dict[str, Any]] = [safe.whole(found.records[0]), *found.records[1:]]
    placed = [(identity, r) for identity, r in raw.placed if not _is_floor(identity[2])]
    traces = [one for one in raw.traces if not _is_floor(one.side)]
    whole = {(i, str(r["kind"])) for i, r in placed if r["record"] == "hist" and r.get("count")}
    heats, sums = histograms(path, raw, traces, whole)
    opening = records[0]
    end: Record = next((record for record in records if record["record"] == "end"), {})
    environments = tuple(
        (_whose(r), dict(r.get("facts") or {})) for r in records if r["record"] == "env"
    )
    reasons = tuple(
        (f"{_whose(record)}: {name}", str(reason))
        for record in records
        if record["record"] == "env"
        for name, reason in sorted((record.get("reasons") or {}).items())
    )
    errors = tuple(str(text) for text in end.get("errors", ()))
    if found.torn:
        errors += (f"results file was cut short: {found.torn}",)
    metrics = [record for record in records if record["record"] == "metric"]
    # The guest's floor, which is by instructions of user and kernel, before this machine's.
    metrics.sort(key=lambda r: bool(r["where"] == "guest"))
    floor = {r["metric"]: r for r in metrics if r["metric"] in _FLOOR}
    every = list(_rows(records))
    return Run(
        run_id=str(opening["run_id"]),
        started_at=str(opening.get("started_at", "")),
        profile=str(opening.get("profile") or "unnamed"),
        purpose=str(opening.get("purpose", "")),
        status=str(end.get("status", "cut short")),
        rows=tuple(row for row in every if not _is_floor(row.side)),
        floor=tuple(row for row in every if _is_floor(row.side)),
        histograms=tuple(_histograms(placed, sums)),
        calls=tuple(_calls(placed, raw)),
        batches=tuple(_batches(records, raw)),
        verdicts=tuple(_verdicts(records)),
        traces=tuple(traces),
        heats=tuple(heats),
        profiles=tuple(profiles(path.parent, raw.placed)),
        skips=tuple(_skips(records)),
        checks=tuple(_checks(records)),
        bars=tuple((_place(r), one) for r in metrics for one in bars.judge([r])),
        errors=errors,
        commands=_commands(opening, end),
        environments=environments,
        unknown_facts=reasons,
        machine=environment.one_line(environments[0][1]) if environments else "",
        floor_instructions=_value(floor.get(_FLOOR[0])),
        floor_percent=_value(floor.get(_FLOOR[1])),
        floor_reason=str(next((r["reason"] for r in floor.values() if r.get("reason")), "")),
        load_after=environment.first(safe.whole(end), "after.load.average"),
    )


def _read(path: Path, without_slices: bool) -> tuple[Condenser, reader.ResultFile]:
    raw = Condenser(_identity, without_slices)
    return raw, reader.read(path, keep=raw.keep, passing=raw.passing)


def _is_floor(side: Side) -> bool:
    return side.mechanism == "null"


def _value(record: Record | None) -> float | None:
    return None if record is None else _number(record.get("value"))


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def _place(record: Record) -> Place:
    return Place(
        str(record.get("where") or "host"),
        str(record.get("kernel") or "unknown"),
        str(record.get("accel") or "none"),
    )


def _whose(record: Record) -> str:
    """Whose environment a record holds."""
    place = _place(record).label
    return f"{record['role']} {record['host']}, {place}" if record.get("role") else place


def _cell(record: Record) -> Cell:
    return _known_cell(str(record.get("workload") or ""), _params(record.get("params") or {}))


@lru_cache(maxsize=4096)
def _known_cell(workload: str, params: Params) -> Cell:
    # The same cell as the same object: it is looked up in tables a million times.
    return Cell(workload, params)


def _params(params: Mapping[str, object]) -> Params:
    return tuple(sorted((str(name), str(value)) for name, value in params.items()))


def _side(record: Record) -> Side:
    # A variant entered twice for an A/A test is stored as side "...#2".
    _, mark, entry = str(record.get("side") or "").rpartition("#")
    return Side(
        str(record.get("mechanism") or ""),
        str(record.get("variant") or ""),
        f"entry {entry}" if mark else "",
    )


def _identity(case: Record) -> Identity:
    """Slices, histograms and counts name their case by key and side only. Host and guest records of
    one run share keys, so the case record that came last before them in the file is theirs."""
    clean = safe.whole(case)
    return _place(clean), _cell(clean), _side(clean)


def _interval(stored: Mapping[str, Any] | None) -> str:
    """The interval's type in words, empty where there is none."""
    if not stored or stored.get("kind") == "none":
        return ""
    if stored.get("kind") == "exact":
        return "exact"
    level = _number(stored.get("level"))
    share = f"{100 * level:g} % " if level else ""
    unit = str(stored.get("n_unit") or "processes")
    return f"{share}percentile bootstrap over {unit}"


def _rows(records: Iterable[Record]) -> Iterator[Row]:
    known = list(records)
    verdicts = {
        (_place(r), r["case_key"], r["side"], r["metric"]): r
        for r in known
        if r["record"] == "verdict"
    }
    for record in known:
        if record["record"] != "metric" or record["metric"] in _FLOOR:
            continue
        name = (_place(record), record["case_key"], record["side"], record["metric"])
        judged: Record = verdicts.get(name, {})
        interval = record.get("interval") or {}
        value = _number(record["value"])
        pairs = int(record.get("pairs") or 0)
        yield Row(
            place=_place(record),
            cell=_cell(record),
            side=_side(record),
            metric=str(record["metric"]),
            unit=str(record["unit"]),
            value=value,
            lo=_number(record["lo"]),
            hi=_number(record["hi"]),
            ratio=_number(record["ratio_to_epoll"]),
            ratio_lo=_number(record["ratio_lo"]),
            ratio_hi=_number(record["ratio_hi"]),
            ratio_best=_number(record["ratio_to_best_epoll"]),
            reference=str(record.get("reference") or ""),
            resolution_percent=_number(record.get("resolution_percent")),
            band_percent=_number(judged.get("band_percent")),
            state=str(judged.get("state") or ""),
            interval=_interval(interval) or _interval(record.get("ratio_interval")),
            no_interval=str(interval.get("reason") or ""),
            n=pairs or int(interval.get("n") or 0) or None,
            blocks=int(record.get("blocks") or 0) or None,
            headline=record.get("purpose") != "scaling",
            status="ok" if value is not None else "skipped",
            reason=str(record.get("reason") or judged.get("reason") or ""),
        )


def _histograms(
    placed: Iterable[tuple[Identity, Record]], sums: Mapping[tuple[Identity, str], Stored]
) -> Iterator[Histogram]:
    """One histogram a side and kind: the stored whole-case one, else the sum of its slices'."""
    parts: dict[tuple[Identity, str], Stored] = {}
    for identity, record in placed:
        if record["record"] == "hist" and record.get("count"):
            whole = parts.setdefault((identity, str(record["kind"])), Stored())
            whole.merge(Stored.from_fields(record))
    parts |= {key: one for key, one in sums.items() if not _is_floor(key[0][2])}
    for ((place, cell, side), kind), whole in parts.items():
        order = sorted(whole.buckets)
        yield Histogram(
            place,
            cell,
            side,
            kind,
            tuple(map(_middle, order)),
            tuple(whole.buckets[index] for index in order),
            whole.count,
            float(whole.minimum or 0),
            float(whole.maximum or 0),
        )


@lru_cache(maxsize=1 << 16)
def _middle(index: int) -> float:
    return float(sum(bucket_bounds(index)) // 2)


def _call_name(name: str) -> str:
    for prefix in ("raw_syscalls:", "syscalls:", "sys_enter_"):
        name = name.removeprefix(prefix)
    return name


def _calls(placed: Iterable[tuple[Identity, Record]], raw: Condenser) -> Iterator[Calls]:
    """From count records; where there are none, from the slices of the counting phase."""
    counted: dict[Identity, dict[str, float]] = {}
    for identity, record in placed:
        if record["record"] == "count" and record["tool"] == "tracepoint":
            value, name = _number(record.get("per_op")), _call_name(str(record["name"]))
            if value is not None and name not in ("total", "sys_enter"):
                counted.setdefault(identity, {})[name] = value
    for identity, (names, operations) in raw.calls.items():
        if _is_floor(identity[2]) or identity in counted:
            continue
        for name, count in names.items():
            found = counted.setdefault(identity, {})
            name = _call_name(safe.whole(name))
            found[name] = found.get(name, 0.0) + count / operations[0]
    for identity, values in counted.items():
        ordered = sorted(values.items(), key=lambda item: (-item[1], item[0]))
        yield Calls(*identity, tuple((n, v) for n, v in ordered if v > 0), "kernel tracepoints")


def _batches(records: Iterable[Record], raw: Condenser) -> Iterator[Batches]:
    """The stored distribution; where there is none, the sums over all measured slices."""
    stored: dict[Identity, tuple[float, ...]] = {}
    for record in records:
        if record["record"] == "metric" and record.get("distribution"):
            shares = tuple(float(part) for part in record["distribution"])
            identity = (_place(record), _cell(record), _side(record))
            if not _is_floor(identity[2]):
                stored[identity] = shares
    sums: dict[Identity, list[int]] = {}
    for (identity, phase), counts in raw.batches.items():
        if phase in _MEASURED and not _is_floor(identity[2]):
            known = sums.setdefault(identity, [])
            known.extend([0] * (len(counts) - len(known)))
            for index, count in enumerate(counts):
                known[index] += count
    for identity, counts in sums.items():
        total = sum(counts)
        if total and identity not in stored:
            yield Batches(*identity, tuple(count / total for count in counts), total)
    for identity, shares in stored.items():
        yield Batches(*identity, shares, sum(sums.get(identity, ())) or None)


def _limits(stored: Mapping[str, Any]) -> tuple[tuple[int, float, float], ...]:
    pairs = ((int(level), limits) for level, limits in stored.items() if level.isdigit() and limits)
    return tuple((level, float(one[0]), float(one[1])) for level, one in sorted(pairs))


def _verdicts(records: Iterable[Record]) -> Iterator[Verdict]:
    for record in records:
        if record["record"] != "verdict":
            continue
        workload, mechanism, variant, params = parse_case_key(str(record["case_key"]))
        name, _, entry = str(record.get("reference") or "").partition("#")
        base, _, kind = name.partition("+")
        yield Verdict(
            _place(record),
            Cell(workload, _params(params)),
            _side({**record, "mechanism": mechanism, "variant": variant}),
            Side(base, kind, f"entry {entry}" if entry else ""),
            str(record["metric"]),
            _number(record["estimate_percent"]),
            _limits(record.get("intervals") or {}),
            _number(record.get("band_percent")),
            _number(record.get("resolution_percent")),
            str(record["state"]),
            int(record.get("pairs") or 0),
            int(record.get("blocks") or 0),
            tuple(float(one) for one in record.get("resampled_percent") or ()),
        )


def _skips(records: Iterable[Record]) -> Iterator[Skip]:
    for record in records:
        if record["record"] != "skip":
            continue
        workload = str(record.get("workload") or "")
        yield Skip(
            _place(record),
            _side(record) if record.get("mechanism") else None,
            Cell(workload, _params(record.get("params") or {})) if workload else None,
            str(record.get("kind") or ""),
            str(record["reason"]),
        )


def _checks(records: Iterable[Record]) -> Iterator[Check]:
    """Checks of metrics and verdicts, each with what it was about."""
    known = list(records)
    cells = {
        (record["case_key"], record["side"]): (_cell(record), _side(record))
        for record in known
        if record["record"] == "metric"
    }
    seen = set()
    for record in known:
        cell, side = cells.get((record.get("case_key"), record.get("side")), (None, None))
        place = _place(record) if "where" in record else None
        for stored in record.get("checks") or ():
            check = Check(
                str(stored["name"]),
                str(stored["state"]),
                str(stored["text"]),
                place,
                cell,
                side,
                str(record.get("metric", "")),
                _number(stored.get("value")),
            )
            if check not in seen:
                seen.add(check)
                yield check


def _commands(opening: Record, end: Record) -> tuple[tuple[str, str], ...]:
    argv = [str(word) for word in opening.get("argv") or ()]
    duration = _number(end.get("duration_s"))
    lines = [
        ("command", environment.command_line(argv)),
        ("run in", str(opening.get("cwd_rel") or "")),
        ("started", str(opening.get("started_at") or "")),
        ("ended", str(end.get("ended_at") or "")),
        ("duration", f"{duration:.0f} s" if duration is not None else ""),
        ("profile", str(opening.get("profile") or "")),
        ("purpose", str(opening.get("purpose") or "")),
        ("seed", str(opening.get("seed", ""))),
        ("tool version", str(opening.get("tool_version") or "")),
        ("run id", str(opening.get("run_id") or "")),
        ("parent run", str(opening.get("parent_run_id") or "")),
        ("environment fingerprint", str(opening.get("fingerprint") or "")),
    ]
    protocol = opening.get("protocol") or {}
    lines += [(f"protocol: {n}", environment.flat(v)) for n, v in sorted(protocol.items())]
    labels = opening.get("labels") or {}
    lines += [(f"label: {name}", str(value)) for name, value in sorted(labels.items())]
    return tuple((name, value) for name, value in lines if value)


def _files(run_dir: Path, results: Path) -> tuple[tuple[str, str], ...]:
    """sha256 of what the report was made from."""
    summary = (run_dir if run_dir.is_dir() else run_dir.parent) / "summary.json"
    paths = [results] + ([summary] if summary.is_file() else [])
    return tuple((path.name, _digest(path)) for path in paths)


def _digest(path: Path) -> str:
    found = hashlib.sha256()
    with open(path, "rb") as file:
        while part := file.read(1 << 20):
            found.update(part)
    return found.hexdigest()
