# SPDX-License-Identifier: MIT
"""What every importer returns, and how it becomes a run directory."""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, NoReturn

from results import summary
from results.errors import ResultsError
from results.histogram import Histogram
from results.identity import new_run_id
from results.keys import case_key, parse_case_key
from results.metrics import METRICS
from results.reader import FILE_NAME, read
from results.writer import ResultWriter

#: Longer names are no names, and numbers beyond this are no measurements.
_NAME_LIMIT = 500
_VALUE_LIMIT = 1e18
_PLACE = {"where": "host", "kernel": None, "accel": "none"}
_UNTOLD = "the imported file does not tell"
_NO_INTERVAL = "imported: repetitions of an unknown protocol give no interval"


@dataclass(frozen=True)
class Options:
    """What a file does not tell and the user may."""

    #: Name of the case where the format has none.
    case: str = "imported"
    #: Operations behind a count, to divide it by.
    operations: int | None = None
    #: Unit of the values of a histogram.
    unit: str = "ns"


@dataclass(frozen=True)
class Figure:
    """One metric of one case; `repeats` are its repetitions, if the format has any."""

    case: str
    metric: str
    value: float
    repeats: tuple[float, ...] = ()
    exact: bool = False


@dataclass(frozen=True)
class Counted:
    """One count of a tool; per operation where the number of operations is known."""

    case: str
    tool: str
    name: str
    value: float | None
    function: str | None = None
    tool_version: str | None = None
    reason: str | None = None


@dataclass(frozen=True)
class Imported:
    """Everything of a file."""

    figures: tuple[Figure, ...] = ()
    counts: tuple[Counted, ...] = ()
    histograms: dict[str, Histogram] = field(default_factory=dict)
    #: What was left out, one line each.
    notes: tuple[str, ...] = ()


def number(text: object, what: str) -> float:
    """A finite number that a measurement can have. Raises ResultsError naming `what`."""
    try:
        value = float(text)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        raise ResultsError(f"{what} is {str(text)[:40]!r}, which is no number") from None
    if not math.isfinite(value) or abs(value) > _VALUE_LIMIT:
        raise ResultsError(f"{what} is {str(text)[:40]}, which is no measurement")
    return value


def name_of(text: object, what: str) -> str:
    """A name that can be shown. Raises ResultsError naming `what`."""
    if not isinstance(text, str) or not text.strip() or len(text) > _NAME_LIMIT:
        raise ResultsError(f"{what} has no usable name: {str(text)[:40]!r}")
    # Control characters would forge lines of tables; everything else is the renderer's to escape.
    return re.sub(r"[\x00-\x1f\x7f\u2028\u2029]", "?", text.strip())


def _no_constant(text: str) -> NoReturn:
    raise ValueError(f"{text} is not JSON")


def parse_json(text: str, what: str) -> Any:
    """The document of a text. Raises ResultsError for anything that is not JSON."""
    try:
        return json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError) as problem:
        raise ResultsError(f"{what} is not JSON: {str(problem)[:100]}") from None


def names(case: str) -> tuple[str, str, str, dict[str, str]]:
    """Workload, mechanism, variant and parameters; another program's name is a workload."""
    try:
        workload, mechanism, variant, params = parse_case_key(case)
    except ResultsError:
        return case.replace("/", ":"), "external", "", {}
    known = bool(re.fullmatch(r"[a-z][a-z_]*\+[a-z0-9+_-]+", case.split("/")[1]))
    return (
        (workload, mechanism, variant, params)
        if known
        else (case.replace("/", ":"), "external", "", {})
    )


def _named(case: str) -> dict[str, Any]:
    workload, mechanism, variant, params = names(case)
    return {
        "case_key": case_key(workload, mechanism, variant, params),
        "workload": workload,
        "mechanism": mechanism,
        "variant": variant,
        "params": params,
        "side": f"{mechanism}+{variant}" if variant else mechanism,
    }


def _interval(exact: bool, repeats: int) -> dict[str, Any]:
    return {
        "kind": "exact" if exact else "none",
        "level": None,
        "n": repeats,
        "n_unit": "repeats",
        "reason": None if exact else _NO_INTERVAL,
    }


def _metric(figure: Figure) -> dict[str, Any]:
    declared = METRICS[figure.metric]
    none = {"kind": "none", "level": None, "n": 0, "reason": _UNTOLD}
    return {
        **_PLACE,
        **_named(figure.case),
        "metric": figure.metric,
        "unit": declared.unit,
        "better": declared.better,
        "value": figure.value,
        "lo": figure.value if figure.exact else None,
        "hi": figure.value if figure.exact else None,
        "interval": _interval(figure.exact, len(figure.repeats)),
        "ratio_to_epoll": None,
        "ratio_lo": None,
        "ratio_hi": None,
        "ratio_interval": none,
        "reference": None,
        "ratio_to_best_epoll": None,
        "best_epoll": None,
        "resolution_percent": None,
        "pair_values": list(figure.repeats),
        "pair_ratios": [],
        "pairs": len(figure.repeats),
        "dropped_pairs": 0,
        "blocks": 0,
        "checks": [],
        "detail": declared.detail,
        "purpose": "headline",
        "sparse": False,
        "distribution": None,
        "basis": "imported",
        "reason": None,
    }


def _count(count: Counted, operations: int | None) -> dict[str, Any]:
    named = _named(count.case)
    per_op = None if count.value is None or not operations else count.value / operations
    return {
        "case_key": named["case_key"],
        "side": named["side"],
        "tool": count.tool,
        "name": count.name,
        "function": count.function,
        "value": count.value,
        "per_op": per_op,
        "ops": operations,
        "repeats": [] if count.value is None else [count.value],
        "spread": None if count.value is None else 0,
        "tool_version": count.tool_version,
        "reason": count.reason,
    }


def _hist(number_: int, case: str, histogram: Histogram) -> dict[str, Any]:
    named = _named(case)
    return {
        "hist_id": f"h{number_}",
        "case_key": named["case_key"],
        "side": named["side"],
        "scope": "case",
        "kind": "latency",
        "corrected": False,
        "unit": "ns",
        **histogram.fields(),
        "interval_ns": None,
    }


def _cases(imported: Imported) -> list[str]:
    found = [one.case for one in imported.figures] + [one.case for one in imported.counts]
    return list(dict.fromkeys([*found, *imported.histograms]))


def write_run(
    imported: Imported,
    directory: Path,
    source: str,
    text: str,
    argv: Sequence[str],
    options: Options,
) -> Path:
    """A run directory with results.jsonl and summary.json. Raises ResultsError.

    The fingerprint is made of the source's name alone: imported runs compare with one another, and
    with measured ones only when asked to, since nothing is known of their machine.
    """
    if not (imported.figures or imported.counts or imported.histograms):
        raise ResultsError(f"the file holds no figure that {source} is known to write")
    try:
        directory.mkdir(parents=True)
    except FileExistsError:
        raise ResultsError(f"{directory} exists: name a folder that does not") from None
    except OSError as problem:
        raise ResultsError(f"cannot create {directory}: {problem.strerror}") from None
    now = datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
    with ResultWriter(directory / FILE_NAME, new_run_id()) as writer:
        writer.append(
            "run",
            {
                "started_at": now,
                "argv": list(argv),
                "cwd_rel": None,
                "seed": 0,
                "tool_version": "imported",
                "purpose": "bench",
                "profile": None,
                "protocol": {},
                "parent_run_id": None,
                "labels": {
                    "imported_from": source,
                    "sha256": hashlib.sha256(text.encode(errors="replace")).hexdigest(),
                },
                "fingerprint": hashlib.sha256(f"imported {source}".encode()).hexdigest()[:32],
            },
        )
        reasons = {"machine": _UNTOLD, "kernel": _UNTOLD, "software": _UNTOLD}
        facts = {"facts": {}, "reasons": reasons, "collected_at": now}
        writer.append("env", {**_PLACE, **facts})
        for case in _cases(imported):
            writer.append(
                "case",
                {
                    **_PLACE,
                    **_named(case),
                    "unit": "event",
                    "better": "lower",
                    "trigger": "lt",
                    "purpose": "headline",
                    "calibration": None,
                    "setup_ns": None,
                },
            )
        for index, (case, histogram) in enumerate(imported.histograms.items(), start=1):
            writer.append("hist", _hist(index, case, histogram))
        for count in imported.counts:
            writer.append("count", _count(count, options.operations))
        for figure in imported.figures:
            writer.append("metric", _metric(figure))
        writer.append(
            "end",
            {
                "ended_at": now,
                "duration_s": 0,
                "status": "complete",
                "errors": list(imported.notes),
                "after": {},
            },
        )
    summary.write(summary.build(read(directory)), directory)
    return directory
