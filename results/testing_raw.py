# SPDX-License-Identifier: MIT
"""The raw records of a made-up run: slices and counts."""

from __future__ import annotations

import random
from typing import Any

from results.testing_model import Model
from results.writer import ResultWriter


def write_slices(
    writer: ResultWriter,
    rng: random.Random,
    named: dict[str, Any],
    nanoseconds: float,
    per_wait: float,
) -> None:
    """Two pairs of one block only: plots need the shape of slices, not their number."""
    for pair in range(2):
        for position in range(4):
            wall = int(2000 * nanoseconds * 1.1 * rng.lognormvariate(0, 0.05))
            waits = int(2000 / max(per_wait, 1.0))
            writer.append(
                "slice",
                {
                    "case_key": named["case_key"],
                    "side": named["side"],
                    "phase": "time",
                    "build": 0,
                    "pair": pair,
                    "block": -1 if position < 2 else 0,
                    "pos": position,
                    "warmup": position < 2,
                    "t_start_ns": (pair * 4 + position) * 20_000_000,
                    "ops": 2000,
                    "wall_ns": wall,
                    "cpu_user_ns": wall * 3 // 10,
                    "cpu_sys_ns": wall * 6 // 10,
                    "vcsw": 3,
                    "ivcsw": 1,
                    "minflt": 0,
                    "steal_ticks": 0,
                    "messages": 2000,
                    "bytes": 2000,
                    "order": "1234567890123456789",
                    "events": 2000,
                    "waits": waits,
                    "would_block": 0,
                    "spurious": 0,
                    "errors": {},
                    "batches": [0, waits],
                    "hist_ref": [],
                },
            )


def write_counts(writer: ResultWriter, named: dict[str, Any], model: Model) -> None:
    """System calls by name and user instructions."""
    calls = [*model.syscalls, ("total", sum(number for _, number in model.syscalls))]
    for name, number in calls:
        writer.append(
            "count",
            {
                "case_key": named["case_key"],
                "side": named["side"],
                "tool": "tracepoint",
                "name": name,
                "function": None,
                "value": number * 1000,
                "per_op": number,
                "ops": 1000,
                "repeats": [number * 1000, number * 1000],
                "spread": 0,
                "tool_version": None,
                "reason": None,
            },
        )
    writer.append(
        "count",
        {
            "case_key": named["case_key"],
            "side": named["side"],
            "tool": "callgrind",
            "name": "user_instructions",
            "function": "run_counted",
            "value": model.instructions * 1000,
            "per_op": model.instructions,
            "ops": 1000,
            "repeats": [model.instructions * 1000],
            "spread": 0,
            "tool_version": "valgrind-3.19.0",
            "reason": None,
        },
    )
