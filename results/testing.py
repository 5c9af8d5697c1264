# SPDX-License-Identifier: MIT
"""A complete synthetic run for tests: every record kind, every metric, no measurement.

The figures follow a simple cost model with noise from a seeded generator; intervals are drawn around
them, not computed. Nothing here may be shown as a result: the run says so in its labels.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from results import summary
from results.identity import new_run_id
from results.keys import case_key
from results.metrics import METRICS, cost
from results.reader import read
from results.testing_model import CELLS, VARIANTS, Cell, Model, cost_ns, latencies
from results.testing_raw import write_counts, write_slices
from results.writer import ResultWriter

PLACE = {"where": "host", "kernel": "6.1.0-37-amd64", "accel": "none"}
PAIRS, BLOCKS = 8, 4
_EXACT = (
    "syscalls_per_event",
    "user_instr_per_event",
    "bytes_per_fd",
    "floor_instr_per_event",
    "floor_percent_of_cheapest_event",
)


class _Run:
    """Writes one synthetic run."""

    def __init__(self, writer: ResultWriter, seed: int, variants: Sequence[Model]) -> None:
        self.writer = writer
        self.rng = random.Random(seed)
        self.seed = seed
        self.variants = variants
        self.hist_number = 0

    def opening(self) -> None:
        """The run and env records."""
        self.writer.append(
            "run",
            {
                "started_at": "2026-01-01T12:00:00Z",
                "argv": ["kevbench", "run"],
                "cwd_rel": ".",
                "seed": self.seed,
                "tool_version": "0.1.0",
                "purpose": "bench",
                "profile": "quick",
                "protocol": {
                    "pairs": PAIRS,
                    "blocks": BLOCKS,
                    "slice_target_ns": 12_000_000,
                    "warmup_slices": 2,
                    "resamples": 10_000,
                    "level": 0.95,
                },
                "parent_run_id": None,
                "labels": {"synthetic": "yes"},
                "fingerprint": "0123456789abcdef",
            },
        )
        facts = {
            "cpu": {"model": "Synthetic CPU", "threads": 2, "cores": 2, "sockets": 1, "smt": False},
            "kernel": {"release": PLACE["kernel"], "mitigations": {"spectre_v2": "Mitigation: x"}},
            "memory": {"total_bytes": 8 << 30},
            "machine": {"hypervisor": "kvm", "host_hash": "9f86d081884c7d65"},
            "load": {"average": [0.2, 0.3, 0.1]},
            "microcode": None,
        }
        self.writer.append(
            "env",
            {
                **PLACE,
                "facts": facts,
                "reasons": {"microcode": "not shown to guests"},
                "collected_at": "2026-01-01T12:00:00Z",
            },
        )

    def cell(self, model: Model, cell: Cell) -> None:
        """Every record of one variant in one cell."""
        workload, params, purpose, per_wait, timed = cell
        key = case_key(workload, model.mechanism, model.variant, params)
        named = {
            **PLACE,
            "case_key": key,
            "workload": workload,
            "params": params,
            "mechanism": model.mechanism,
            "variant": model.variant,
            "side": model.name,
            "purpose": purpose,
        }
        nanoseconds = cost_ns(model, workload, params, per_wait)
        self.writer.append(
            "case",
            {
                **named,
                "unit": "request" if workload in ("tcp_rr", "http_one_byte") else "event",
                "better": "lower",
                "trigger": model.trigger,
                "calibration": {
                    "operations": 2000,
                    "target_ns": 12_000_000,
                    "limit_ns": 48_000_000,
                    "bound_by": "reference",
                    "ns_per_operation": {model.name: nanoseconds},
                },
                "setup_ns": 1_000_000,
            },
        )
        write_slices(self.writer, self.rng, named, nanoseconds, per_wait)
        for name, value in self._values(model, cell, nanoseconds):
            self._metric(named, name, value, cell)
        if timed:
            self._latency(named, nanoseconds)
        write_counts(self.writer, named, model)

    def _values(self, model: Model, cell: Cell, nanoseconds: float) -> Iterator[tuple[str, float]]:
        workload, params, _, per_wait, _ = cell
        yield "cpu_ns_per_event", nanoseconds
        yield "cpu_user_ns_per_event", nanoseconds * 0.3
        yield "cpu_sys_ns_per_event", nanoseconds * 0.7
        yield "wall_ns_per_event", nanoseconds * 1.12
        yield "ctxsw_per_event", 0.002
        yield "syscalls_per_event", sum(calls for _, calls in model.syscalls)
        yield "user_instr_per_event", model.instructions
        if per_wait:
            yield "events_per_wait", per_wait
        if workload in ("tcp_rr", "http_one_byte"):
            yield "requests_per_s", 1e9 / (nanoseconds * 1.12)
        if "registered" in params and model.bytes_per_fd is not None:
            yield "bytes_per_fd", model.bytes_per_fd

    def _metric(
        self,
        named: dict[str, Any],
        name: str,
        value: float,
        cell: Cell,
    ) -> None:
        declared = METRICS[name]
        exact = name in _EXACT
        interval = {
            "kind": "exact" if exact else "bootstrap-percentile",
            "level": None if exact else 0.95,
            "n": 2 if exact else PAIRS,
            "n_unit": "repeats" if exact else "pairs",
            "resamples": None if exact else 10_000,
            "reason": None,
        }
        noise = 0.0 if exact else 0.02
        value *= self.rng.lognormvariate(0, noise / 2) if noise else 1.0
        ratio, reference, best, best_name = self._ratios(named, name, value, cell)
        known = ratio is not None
        self.writer.append(
            "metric",
            {
                **named,
                "metric": name,
                "unit": declared.unit,
                "better": declared.better,
                "value": value,
                "lo": value * (1 - noise),
                "hi": value * (1 + noise),
                "interval": interval,
                "ratio_to_epoll": ratio,
                "ratio_lo": ratio * (1 - noise) if ratio is not None else None,
                "ratio_hi": ratio * (1 + noise) if ratio is not None else None,
                "ratio_interval": (
                    interval
                    if known
                    else {"kind": "none", "level": None, "n": 0, "reason": "epoll's value is 0"}
                ),
                "reference": reference,
                "ratio_to_best_epoll": best,
                "best_epoll": best_name,
                "resolution_percent": 0.0 if exact else 2.8,
                "pair_values": [] if exact else self._spread(value),
                "pair_ratios": [] if exact or ratio is None else self._spread(ratio),
                "pairs": 0 if exact else PAIRS,
                "dropped_pairs": 0,
                "blocks": 0 if exact else PAIRS * BLOCKS,
                "checks": [{"name": "equal work", "state": "passed", "text": "same on all sides"}],
                "detail": declared.detail,
                "distribution": [0.0, 0.9, 0.1] if name == "events_per_wait" else None,
                "sparse": False,
                "basis": None,
                "reason": None,
            },
        )
        if name in ("cpu_ns_per_event", "wall_ns_per_event") and ratio is not None:
            self._verdict(named, name, ratio, reference)

    def _spread(self, centre: float) -> list[float]:
        return [centre * self.rng.lognormvariate(0, 0.02) for _ in range(PAIRS)]

    def _ratios(
        self,
        named: dict[str, Any],
        name: str,
        value: float,
        cell: Cell,
    ) -> tuple[float | None, str | None, float | None, str | None]:
        """Cost ratios to epoll in the same trigger mode and to epoll's cheapest variant."""
        model = next(one for one in self.variants if one.name == named["side"])
        workload, params, _, per_wait, _ = cell
        others: dict[str, float] = {}
        for other in self.variants:
            if other.mechanism == "epoll":
                nanoseconds = cost_ns(other, workload, params, per_wait)
                others[other.name] = dict(self._values(other, cell, nanoseconds)).get(name, 0.0)
        reference = f"epoll+{model.trigger}"
        if METRICS[name].better == "neither" or not others.get(reference) or not value:
            return None, None, None, None
        costs = {other: cost(name, amount) for other, amount in others.items() if amount}
        best = min(costs, key=lambda other: costs[other])
        mine = cost(name, value)
        ratio = 1.0 if model.name == reference else mine / costs[reference]
        return ratio, reference, 1.0 if model.name == best else mine / costs[best], best

    def _verdict(
        self, named: dict[str, Any], name: str, ratio: float, reference: str | None
    ) -> None:
        percent = (ratio - 1) * 100
        if named["side"] == reference:
            return
        state = "inconclusive" if abs(percent) < 3 else "dearer" if percent > 0 else "cheaper"
        self.writer.append(
            "verdict",
            {
                **PLACE,
                "case_key": named["case_key"],
                "side": named["side"],
                "reference": reference,
                "metric": name,
                "estimate_percent": percent,
                "intervals": {"95": [percent - 2, percent + 2], "99": [percent - 3, percent + 3]},
                "p": 0.0078125,
                "holm_p": 0.05,
                "pairs": PAIRS,
                "blocks": PAIRS * BLOCKS,
                "band_percent": 3.0,
                "resolution_percent": 2.8,
                "state": state,
                "checks": [],
                "confirmed_by": None,
                "reason": None,
            },
        )

    def _latency(self, named: dict[str, Any], nanoseconds: float) -> None:
        kinds = ["latency"]
        if named["workload"] in ("tcp_rr", "http_one_byte"):
            kinds.append("uncorrected")
        for kind in kinds:
            histogram = latencies(self.rng, nanoseconds * (1.3 if kind == "latency" else 1.1), 4000)
            self.hist_number += 1
            self.writer.append(
                "hist",
                {
                    "hist_id": f"h{self.hist_number}",
                    "case_key": named["case_key"],
                    "side": named["side"],
                    "scope": "case",
                    "kind": kind,
                    "corrected": kind == "latency",
                    "unit": "ns",
                    **histogram.fields(),
                    "interval_ns": None,
                },
            )
            if kind == "latency":
                for name, q in (("p50_ns", 0.5), ("p99_ns", 0.99), ("p999_ns", 0.999)):
                    value = histogram.quantile(q)
                    assert value is not None
                    fake = (named["workload"], named["params"], named["purpose"], 1.0, True)
                    self._metric(named, name, float(value), fake)

    def slopes(self) -> None:
        """Cost against registered descriptors, per variant."""
        params = {"source": "eventfd"}
        for model in self.variants:
            named = {
                **PLACE,
                "case_key": case_key("idle_scan", model.mechanism, model.variant, params),
                "workload": "idle_scan",
                "params": params,
                "mechanism": model.mechanism,
                "variant": model.variant,
                "side": model.name,
                "purpose": "scaling",
            }
            cell = ("idle_scan", params, "scaling", 1.0, False)
            self._metric(named, "cpu_ns_per_registered", model.per_fd_ns + 0.001, cell)

    def closing(self) -> None:
        """Floor, skips and the end record."""
        null = next((one for one in self.variants if one.mechanism == "null"), None)
        if null is not None:
            workload, params, purpose, per_wait, timed = CELLS[6]
            named = {
                **PLACE,
                "case_key": case_key(workload, "null", null.variant, params),
                "workload": workload,
                "params": params,
                "mechanism": "null",
                "variant": null.variant,
                "side": null.name,
                "purpose": purpose,
            }
            for name, value in (
                ("floor_instr_per_event", 31.0),
                ("floor_percent_of_cheapest_event", 1.3),
            ):
                self._metric(named, name, value, (workload, params, purpose, per_wait, timed))
        for variant in ("get", "mapped", "mapped-et", "mapped+batch"):
            self.writer.append(
                "skip",
                {
                    **PLACE,
                    "workload": "idle_scan",
                    "params": {"registered": "1000", "source": "eventfd"},
                    "mechanism": "kevent",
                    "variant": variant,
                    "kind": "unavailable",
                    "phase": None,
                    "reason": "kevent.ko is not loaded on this machine",
                },
            )
        self.writer.append(
            "end",
            {
                "ended_at": "2026-01-01T12:03:00Z",
                "duration_s": 180.0,
                "status": "complete",
                "errors": [],
                "after": {"load": {"average": [1.1, 0.6, 0.3]}},
            },
        )


def synthetic_run(
    directory: Path, seed: int = 1, variants: Sequence[Model] = VARIANTS, complete: bool = True
) -> Path:
    """Creates `directory` with results.jsonl and summary.json of a made-up run; returns it.

    The same seed gives the same figures. With complete=False the run has no slopes, floor or end,
    as after a kill.
    """
    directory.mkdir(parents=True)
    run_id = new_run_id(1_767_268_800_000 + seed, seed.to_bytes(10, "big"))
    with ResultWriter(directory / "results.jsonl", run_id) as writer:
        run = _Run(writer, seed, variants)
        run.opening()
        for cell in CELLS:
            for model in variants:
                # select stops at FD_SETSIZE; the null adapter serves no outside load.
                if model.mechanism == "select" and cell[1].get("registered") == "10000":
                    continue
                if model.mechanism == "null" and cell[0] == "http_one_byte":
                    continue
                run.cell(model, cell)
        if complete:
            run.slopes()
            run.closing()
    summary.write(summary.build(read(directory)), directory)
    return directory
