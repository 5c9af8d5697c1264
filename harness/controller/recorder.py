# SPDX-License-Identifier: MIT
"""Turns what the controller learns into records, and hands out histogram identities."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.celldata import CellData, Count, Slice
from harness.names import Variant
from harness.plan import Side, Skip
from results.histogram import Histogram
from results.writer import ResultWriter

#: Quantiles of each slice, which enter the block ratios.
_QUANTILES = (("p50_ns", 0.5), ("p99_ns", 0.99))
_HISTOGRAMS = {"hist": "latency", "hist_uncorrected": "uncorrected", "hist_lateness": "lateness"}


def _calibration(data: CellData, side: Side) -> dict[str, Any] | None:
    """What was chosen for one side."""
    if data.calibration is None:
        return None
    return {
        **data.calibration,
        "operations": data.operations[side.label],
        "bound_by": (
            "reference"
            if data.operations[side.label] == data.operations[data.calibration["reference"]]
            else "limit"
        ),
    }


class Recorder:
    """Writes the records of one place (host or guest). Not thread-safe."""

    def __init__(self, writer: ResultWriter, place: Mapping[str, Any]) -> None:
        self.writer = writer
        self.place = dict(place)
        self._histograms = 0

    def case(self, data: CellData, side: Side, setup_ns: float | None) -> None:
        """The case record of one side."""
        self.writer.append(
            "case",
            {
                **self.place,
                "case_key": data.case_keys[side.label],
                "workload": data.cell.workload,
                "mechanism": side.variant.mechanism,
                "variant": side.variant.variant,
                "params": data.cell.params,
                "side": side.label,
                "unit": data.unit,
                "better": "lower",
                "trigger": side.trigger,
                "purpose": data.cell.purpose,
                "calibration": _calibration(data, side),
                "via": data.ways.get(side.label),
                "setup_ns": setup_ns,
            },
        )

    def slice(self, data: CellData, fields: Slice, answer: Mapping[str, Any]) -> None:
        """The slice record and those of its histograms, which also enter `data`."""
        references = []
        latencies: list[Histogram] = []
        for name, kind in _HISTOGRAMS.items():
            if not answer.get(name):
                continue
            histogram = Histogram.from_fields(answer[name])
            if kind == "latency":
                fields.update({metric: histogram.quantile(q) for metric, q in _QUANTILES})
            references.append(self.hist(data, fields["side"], "slice", kind, histogram))
            if fields["warmup"]:
                continue
            whole = data.histograms.setdefault((fields["side"], fields["pair"], kind), Histogram())
            whole.merge(histogram)
            if kind == "latency":
                latencies.append(histogram)
        if latencies:
            place = (fields["side"], fields["pair"], fields["block"])
            data.slice_histograms.setdefault(place, []).extend(latencies)
        fields["hist_ref"] = references
        data.slices.append(fields)
        self.writer.append("slice", fields)

    def hist(self, data: CellData, side: str, scope: str, kind: str, histogram: Histogram) -> str:
        """A hist record; returns its identity."""
        self._histograms += 1
        identity = f"h{self._histograms}"
        self.writer.append(
            "hist",
            {
                "hist_id": identity,
                "case_key": data.case_keys[side],
                "side": side,
                "scope": scope,
                "kind": kind,
                "corrected": kind == "latency" and data.cell.open_loop,
                "unit": "ns",
                **histogram.fields(),
                "interval_ns": None,
            },
        )
        return identity

    def count(self, data: CellData, side: str, count: Count) -> None:
        """A count record."""
        per_operation = count.per_operation
        self.writer.append(
            "count",
            {
                "case_key": data.case_keys[side],
                "side": side,
                "tool": count.tool,
                "name": count.name,
                "function": count.function,
                "value": None if per_operation is None else per_operation * count.operations,
                "per_op": per_operation,
                "ops": count.operations,
                "repeats": count.repeats,
                "spread": max(count.repeats) - min(count.repeats) if count.repeats else None,
                "tool_version": count.tool_version,
                "reason": count.reason,
            },
        )

    def skip(
        self,
        workload: str | None,
        params: Mapping[str, str],
        variant: Variant | None,
        kind: str,
        reason: str,
        phase: str | None = None,
    ) -> None:
        """A skip record."""
        self.writer.append(
            "skip",
            {
                **self.place,
                "workload": workload,
                "params": dict(params),
                "mechanism": None if variant is None else variant.mechanism,
                "variant": None if variant is None else variant.variant,
                "kind": kind,
                "phase": phase,
                "reason": reason,
            },
        )

    def planned_skip(self, skip: Skip) -> None:
        """A skip that was known before the run."""
        if skip.where != self.place["where"]:
            place = self.place
            self.place = {"where": skip.where, "kernel": None, "accel": "none"}
            self.skip(skip.workload, skip.params, skip.variant, skip.kind, skip.reason)
            self.place = place
        else:
            self.skip(skip.workload, skip.params, skip.variant, skip.kind, skip.reason)
