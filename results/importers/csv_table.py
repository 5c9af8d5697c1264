# SPDX-License-Identifier: MIT
"""CSV with a heading: case, metric and value; further columns are ignored aloud."""

from __future__ import annotations

import csv
import io

from results.errors import ResultsError
from results.importers.imported import Figure, Imported, Options, name_of, number
from results.metrics import METRICS

_NEEDED = ("case", "metric", "value")
_KNOWN = {*_NEEDED, "unit", "lo", "hi", "n"}


def load(text: str, options: Options) -> Imported:
    """Rows of one case and metric are repetitions; their median is the value. Raises ResultsError."""
    reader = csv.DictReader(io.StringIO(text.lstrip("\ufeff")), strict=True)
    try:
        heading = reader.fieldnames or []
        rows = list(reader)
    except csv.Error as problem:
        raise ResultsError(f"line {reader.line_num} is no CSV: {problem}") from None
    missing = [name for name in _NEEDED if name not in heading]
    if missing:
        raise ResultsError(f"the CSV has no column {missing[0]}: it needs {', '.join(_NEEDED)}")
    values: dict[tuple[str, str], list[float]] = {}
    for line, row in enumerate(rows, start=2):
        metric = row["metric"]
        if metric not in METRICS:
            raise ResultsError(f"line {line}: unknown metric {str(metric)[:40]!r}")
        if row.get("unit") not in (None, "", METRICS[metric].unit):
            raise ResultsError(
                f"line {line}: {metric} is in {METRICS[metric].unit}, not {row['unit']}"
            )
        if row["value"] == "":
            continue
        case = name_of(row["case"], f"line {line}")
        values.setdefault((case, metric), []).append(number(row["value"], f"line {line}: value"))
    figures = tuple(
        Figure(case, metric, sorted(found)[len(found) // 2], tuple(found) if len(found) > 1 else ())
        for (case, metric), found in values.items()
    )
    extra = sorted(str(name) for name in heading if name not in _KNOWN)
    notes = (f"columns that were not read: {', '.join(extra)[:200]}",) if extra else ()
    return Imported(figures, notes=notes)
