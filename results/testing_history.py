# SPDX-License-Identifier: MIT
"""A made-up history for tests: runs of a few series with known changes. Never results."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from results import history
from results.identity import new_run_id

#: series key -> what multiplies its level, from the run of that number on
STEPS: dict[str, dict[int, float]] = {
    "host/idle_scan/epoll+lt/registered=100": {},
    "host/idle_scan/poll+poll/registered=100": {18: 1.15},
    "host/tcp_rr/io_uring+multishot/connections=10": {12: 0.85, 24: 1.3},
    "guest 6.12 tcg/idle_scan/kevent+mapped/registered=100": {20: 1.012},
}
_LEVEL = 1000.0


def document(number: int, fingerprint: str = "a" * 32, **changes: Any) -> dict[str, Any]:
    """The line of run `number`, as a document; `changes` replace fields."""
    rng = random.Random(number)
    figures: list[dict[str, Any]] = []
    for series, steps in STEPS.items():
        exact = series.startswith("guest")
        factor = 1.0
        for start, change in steps.items():
            factor *= change if number >= start else 1.0
        value = _LEVEL * factor * (1.0 if exact else rng.lognormvariate(0, 0.01))
        figures.append(
            {
                "series": series,
                "metric": "instr_per_event" if exact else "cpu_ns_per_event",
                "unit": "instructions" if exact else "ns",
                "better": "lower",
                "value": value,
                "lo": value if exact else value * 0.99,
                "hi": value if exact else value * 1.01,
                "exact": exact,
            }
        )
    facts: Mapping[str, Any] = {"kernel": {"release": f"6.1-{fingerprint[:4]}"}}
    return {
        "schema": history.SCHEMA,
        "schema_version": history.VERSION,
        "run_id": new_run_id(1_700_000_000_000 + number, bytes(10)),
        "commit": f"{number:040x}"[::-1],
        "depth": number + 1,
        "subject": f"Change number {number}",
        "dirty": False,
        "started_at": f"2026-01-{number % 28 + 1:02}T00:00:00.000Z",
        "fingerprint": fingerprint,
        "facts": facts,
        "figures": figures,
        **changes,
    }


def encoded(one: Mapping[str, Any]) -> bytes:
    """A document as a line of a store."""
    return (json.dumps(one) + "\n").encode()


def made_up(path: Path, runs: int = 36, moved: int | None = None) -> Path:
    """A store of so many runs; from the run `moved` on the set-up is another."""
    with open(path, "wb") as store:
        for number in range(runs):
            other = moved is not None and number >= moved
            store.write(encoded(document(number, ("b" if other else "a") * 32)))
    return path
