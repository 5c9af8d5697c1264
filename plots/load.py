# SPDX-License-Identifier: MIT
"""From a run directory to plots.model.Run. The one module that knows the record format."""

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from plots import environment
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
)
from results import bars, reader
from results.histogram import bucket_bounds
from results.histogram import Histogram as Stored

Record = Mapping[str, Any]
Identity = tuple[Place, Cell, Side]

#: Phases whose slices the metrics are made of; others count calls or record latencies.
_MEASURED = ("time", "load")
_FLOOR = ("floor_instr_per_event", "floor_percent_of_cheapest_event")


def load(run_dir: Path) -> Run:
    """Reads a run directory. Raises results.errors.ResultsError with a one-line remedy."""
    path = reader.locate(run_dir)
    found = reader.read(path)
    records: list[Record] = [_clean(record) for record in found.records]
    placed = [(identity, r) for identity, r in _placed(records) if not _is_floor(identity[2])]
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
    metrics: list[dict[str, Any]] = [
        dict(record) for record in records if record["record"] == "metric"
    ]
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
        histograms=tuple(_histograms(placed)),
        calls=tuple(_calls(placed)),
        batches=tuple(_batches(records, placed)),
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
        data_files=_files(run_dir, path),
    )


_UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff\u202a-\u202e\u2066-\u2069\ufffe\uffff]")


def _is_floor(side: Side) -> bool:
    return side.mechanism == "null"


def _clean(value: Any) -> Any:
    """Replaces what XML, PDF or a terminal could trip over: controls, lone surrogates, overrides."""
    if isinstance(value, str):
        return _UNSAFE.sub("\ufffd", value)
    if isinstance(value, dict):
        return {_clean(name): _clean(part) for name, part in value.items()}
    if isinstance(value, list) and value and not isinstance(value[0], (int, float)):
        # Long lists are bucket pairs and counts: pairs of numbers stay as they are.
        return value if isinstance(value[0], list) else [_clean(part) for part in value]
    return value


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
    return Cell(str(record.get("workload") or ""), _params(record.get("params") or {}))


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


def _placed(records: Iterable[Record]) -> Iterator[tuple[Identity, Record]]:
    """Slices, histograms and counts with the identity of their case.

    They name their case by key and side only. Host and guest records of one run share keys, so the
    case record that came last before them in the file is theirs.
    """
    cases: dict[tuple[str, str], Identity] = {}
    for record in records:
        key = (str(record.get("case_key")), str(record.get("side")))
        if record["record"] == "case":
            cases[key] = (_place(record), _cell(record), _side(record))
        elif record["record"] in ("slice", "hist", "count") and key in cases:
            place, cell, side = cases[key]
            yield (_place(record) if "where" in record else place, cell, side), record


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


def _histograms(placed: Iterable[tuple[Identity, Record]]) -> Iterator[Histogram]:
    """One histogram a side and kind: the stored whole-case one, else the sum of its slices'."""
    parts: dict[tuple[Identity, str], dict[str, list[Stored]]] = {}
    for identity, record in placed:
        if record["record"] == "hist" and record.get("count"):
            scopes = parts.setdefault((identity, str(record["kind"])), {})
            scopes.setdefault(str(record["scope"]), []).append(Stored.from_fields(record))
    for ((place, cell, side), kind), scopes in parts.items():
        whole = Stored()
        for one in scopes.get("case") or scopes["slice"]:
            whole.merge(one)
        order = sorted(whole.buckets)
        yield Histogram(
            place,
            cell,
            side,
            kind,
            tuple(float(sum(bucket_bounds(index)) // 2) for index in order),
            tuple(whole.buckets[index] for index in order),
            whole.count,
            float(whole.minimum or 0),
            float(whole.maximum or 0),
        )


def _call_name(name: str) -> str:
    for prefix in ("raw_syscalls:", "syscalls:", "sys_enter_"):
        name = name.removeprefix(prefix)
    return name


def _calls(placed: Iterable[tuple[Identity, Record]]) -> Iterator[Calls]:
    """From count records; where there are none, from the slices of the counting phase."""
    counted: dict[Identity, dict[str, float]] = {}
    sliced: dict[Identity, dict[str, float]] = {}
    operations: dict[Identity, int] = {}
    for identity, record in placed:
        if record["record"] == "count" and record["tool"] == "tracepoint":
            value, name = _number(record.get("per_op")), _call_name(str(record["name"]))
            if value is not None and name not in ("total", "sys_enter"):
                counted.setdefault(identity, {})[name] = value
        elif record["record"] == "slice" and record.get("syscalls") and not record["warmup"]:
            operations[identity] = operations.get(identity, 0) + int(record["ops"])
            names = sliced.setdefault(identity, {})
            for name, count in record["syscalls"].items():
                if name != "total" and count is not None:
                    names[_call_name(name)] = names.get(_call_name(name), 0.0) + float(count)
    for identity in dict.fromkeys([*counted, *sliced]):
        values = counted.get(identity) or {
            name: count / operations[identity] for name, count in sliced[identity].items()
        }
        ordered = sorted(values.items(), key=lambda item: (-item[1], item[0]))
        yield Calls(*identity, tuple((n, v) for n, v in ordered if v > 0), "kernel tracepoints")


def _batches(
    records: Iterable[Record], placed: Iterable[tuple[Identity, Record]]
) -> Iterator[Batches]:
    """The stored distribution; where there is none, the sums over all measured slices."""
    stored: dict[Identity, tuple[float, ...]] = {}
    for record in records:
        if record["record"] == "metric" and record.get("distribution"):
            shares = tuple(float(part) for part in record["distribution"])
            identity = (_place(record), _cell(record), _side(record))
            if not _is_floor(identity[2]):
                stored[identity] = shares
    sums: dict[Identity, list[int]] = {}
    for identity, record in placed:
        if record["record"] != "slice" or record["warmup"] or not record.get("batches"):
            continue
        if record.get("phase") not in _MEASURED:
            continue
        counts = [int(count) for count in record["batches"]]
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
    return tuple((path.name, hashlib.sha256(path.read_bytes()).hexdigest()) for path in paths)
