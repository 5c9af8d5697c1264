# SPDX-License-Identifier: MIT
"""Why a figure has nothing to show, from what the run says it left out."""

from collections.abc import Sequence

from plots import text
from plots.model import Run


def why_missing(run: Run, what: str, workloads: Sequence[str] = ()) -> str:
    """One line: the stored reason of a skip, else that the run did not measure it."""
    reasons = dict.fromkeys(
        row.reason
        for row in run.rows
        if row.reason and (row.metric == what or row.cell.workload in workloads)
    )
    reasons |= dict.fromkeys(
        skip.reason
        for skip in run.skips
        if skip.side is None and skip.cell is not None and skip.cell.workload in workloads
    )
    if reasons:
        return "not measured: " + "; ".join(list(reasons)[:3])
    if workloads and not any(row.cell.workload in workloads for row in run.rows):
        which = text.listing(workloads)
        return f"not measured: this run ({run.profile} profile) did not include {which}"
    return f"not measured: this run holds no {what}"
