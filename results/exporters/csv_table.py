# SPDX-License-Identifier: MIT
"""CSV: a row for each figure."""

from __future__ import annotations

import csv
import io

from results.errors import ResultsError
from results.reader import ResultFile

COLUMNS = ("case", "metric", "value", "unit", "lo", "hi", "n")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def _text(value: object) -> object:
    """A name that a spreadsheet will not take for a formula."""
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value


def dump(result: ResultFile) -> str:
    """Every figure that has a value, in the order of the file. Raises ResultsError without any."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    rows = 0
    for record in result.of("metric"):
        if record["value"] is None:
            continue
        twin = "#" + record["side"].rpartition("#")[2] if "#" in record["side"] else ""
        fields = (
            f"{record['case_key']}{twin}",
            record["metric"],
            record["value"],
            record["unit"],
            "" if record["lo"] is None else record["lo"],
            "" if record["hi"] is None else record["hi"],
            record["interval"]["n"],
        )
        writer.writerow([_text(field) for field in fields])
        rows += 1
    if not rows:
        raise ResultsError(f"{result.path} holds no figures")
    return out.getvalue()
