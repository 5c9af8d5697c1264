#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""A slice worker that speaks the protocol and measures nothing: figures follow a cost model.

Tests steer it by environment: KVB_FAKE_DIE=MECHANISM+VARIANT ends that worker at its third slice,
KVB_FAKE_UNEQUAL=... loses one message of its second slice, KVB_FAKE_ABSENT=... is not available,
KVB_FAKE_MUTE=... never answers a slice, KVB_FAKE_FACTOR=X multiplies every cost, which scatters by
KVB_FAKE_NOISE (0.03, as a logarithm), KVB_FAKE_CALLS=N makes so many more calls an operation.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import signal
import sys
import time
from typing import Any

COSTS = {
    "null+null": (9, 0.0),
    "select+select": (820, 14.0),
    "poll+poll": (790, 21.0),
    "epoll+lt": (640, 0.0),
    "epoll+et": (690, 0.0),
    "epoll+oneshot": (905, 0.0),
    "io_uring+multishot": (730, 0.0),
    "io_uring+completion": (600, 0.0),
    "io_uring+completion+defer": (520, 0.0),
}


def _number(default: int, low: int, high: int) -> dict[str, Any]:
    return {"default": default, "min": low, "max": high, "choices": None}


def _choice(*names: str) -> dict[str, Any]:
    return {"default": names[0], "min": None, "max": None, "choices": list(names)}


SOURCES = _choice("unix", "eventfd", "pipe", "tcp")
PLACEMENT = _choice("split-cpu", "same-cpu", "free")
WORKLOADS: dict[str, dict[str, Any]] = {
    "idle_scan": {
        "registered": _number(1000, 1, 100_000),
        "source": SOURCES,
        "checks": _choice("on", "off"),
    },
    "active_ratio": {
        "registered": _number(1000, 1, 100_000),
        "active": _number(100, 1, 100_000),
        "source": SOURCES,
        "checks": _choice("on", "off"),
    },
    "source_pingpong": {
        "payload": _number(1, 1, 16_384),
        "source": SOURCES,
        "placement": PLACEMENT,
    },
    "tcp_rr": {
        "connections": _number(10, 1, 10_000),
        "payload": _number(1, 1, 16_384),
        "mode": _choice("closed", "open"),
        "rate": _number(0, 0, 1_000_000),
        "placement": PLACEMENT,
    },
    "ctl_churn": {"registered": _number(1000, 1, 100_000), "batch": _number(1, 1, 64)},
    "http_one_byte": {
        "rate": _number(1000, 1, 100_000),
        "connections": _number(64, 1, 1000),
        "port": _number(0, 0, 65_535),
    },
    "kevent_2006": {
        "rate": _number(2000, 1, 1_000_000),
        "burst": _number(1, 1, 65_535),
        "requests": _number(1, 1, 1_000_000),
        "connections": _number(1000, 1, 100_000),
        "idle": _number(0, 0, 100_000),
        "reply": _number(2737, 128, 1 << 24),
        "style": _choice("plain", "naive", "optimistic"),
        "accept": _choice("all", "one"),
        "watch_limit": _number(0, 0, 1 << 20),
        "backlog": _number(1024, 1, 65_535),
        "batch": _number(64, 1, 4096),
    },
}
#: Listed by every build, and not available on a host without the module.
KEVENT = ("get", "mapped", "mapped-et", "mapped+batch")
NO_MODULE = "kevent.ko is not loaded: measure with --where guest, or load it"
REQUESTS = ("tcp_rr", "http_one_byte", "kevent_2006")


def list_document() -> dict[str, Any]:
    """The kvb.list document."""
    absent = os.environ.get("KVB_FAKE_ABSENT", "")
    return {
        "schema": "kvb.list",
        "mechanisms": [
            {
                "name": name.split("+", 1)[0],
                "variant": name.split("+", 1)[1],
                "available": name != absent,
                "reason": "made absent for a test" if name == absent else None,
            }
            for name in COSTS
        ]
        + [
            {"name": "kevent", "variant": name, "available": False, "reason": NO_MODULE}
            for name in KEVENT
        ],
        "workloads": [
            {
                "name": name,
                "available": True,
                "reason": None,
                "params": params,
                "operation": "request" if name in REQUESTS else "event",
                "timed": name != "ctl_churn",
                "external_load": name in ("http_one_byte", "kevent_2006"),
            }
            for name, params in WORKLOADS.items()
        ],
    }


class Cell:
    """The open cell: its cost and how many slices it has run."""

    def __init__(self, request: dict[str, Any], cost_ns: float | None = None) -> None:
        self.name = f"{request['mechanism']}+{request['variant']}"
        self.workload = str(request["workload"])
        self.params = {str(key): str(value) for key, value in request["params"].items()}
        self.slices = 0
        base, each = COSTS[self.name] if cost_ns is None else (cost_ns, 0.0)
        size = int(self.params.get("registered", "1"))
        active = int(self.params.get("active", "1"))
        self.cost_ns = (base + each * size / active) * (8 if self.workload in REQUESTS else 1)
        self.noise = random.Random(len(os.environ.get("KEVBENCH_PADDING", "")))

    def opened(self) -> dict[str, Any]:
        """The answer to open."""
        values = "/".join(f"{key}={self.params[key]}" for key in sorted(self.params))
        return {
            "ok": True,
            "case_key": f"{self.workload}/{self.name}/{values}",
            "operation": "request" if self.workload in REQUESTS else "event",
            "setup_ns": 1000 * int(self.params.get("registered", "1")),
            "kernel_bytes_per_watch": 208.0 if self.name.startswith("epoll") else None,
        }

    def slice(self, operations: int, timed: bool) -> dict[str, Any]:
        """The answer to slice."""
        self.slices += 1
        if self.slices == 3 and os.environ.get("KVB_FAKE_DIE") == self.name:
            print("made to die for a test", file=sys.stderr, flush=True)
            os._exit(7)
        if os.environ.get("KVB_FAKE_MUTE") == self.name:
            signal.pause()  # until the controller loses patience
        scatter = float(os.environ.get("KVB_FAKE_NOISE", "0.03"))
        factor = float(os.environ.get("KVB_FAKE_FACTOR", "1"))
        factor *= self.noise.lognormvariate(0, scatter)
        wall = int(operations * self.cost_ns * factor) + 1
        lost = self.slices == 2 and os.environ.get("KVB_FAKE_UNEQUAL") == self.name
        active = int(self.params.get("active", "1"))
        waits = -(-operations // active)
        batches = [0] * 24
        batches[min(23, active.bit_length())] = waits
        digest = hashlib.sha256(f"{self.workload}{self.slices}{operations}".encode()).digest()
        fields = {
            "ok": True,
            "t_start_ns": time.monotonic_ns(),
            "ops": operations,
            "wall_ns": wall,
            "cpu_user_ns": wall * 3 // 10,
            "cpu_sys_ns": wall * 6 // 10,
            "vcsw": operations // 500,
            "ivcsw": 1,
            "minflt": 0,
            "steal_ticks": 0,
            "messages": operations - lost,
            "bytes": operations,
            "order": str(int.from_bytes(digest[:8], "big")),
            "events": operations,
            "waits": waits,
            "would_block": 0,
            "spurious": 0,
            "deliveries": 0,
            "errors": {},
            "batches": batches,
        }
        if timed:
            count = min(operations, 2000)
            low = int(self.cost_ns)
            fields["hist"] = {
                "layout": "loglin2^10",
                "min": low,
                "max": low,
                "sum": low * count,
                "count": count,
                "buckets": [[_bucket(low), count]],
            }
        return fields

    def counts(self, operations: int) -> dict[str, Any]:
        """The answer to counts."""
        fields = self.slice(operations, False)
        calls = 0 if self.name == "null+null" else operations
        more = operations * int(os.environ.get("KVB_FAKE_CALLS", "0"))
        fields["syscalls"] = {"epoll_wait": calls, "read": calls + more, "total": 2 * calls + more}
        fields["perf"] = {}
        return fields


def _bucket(value: int) -> int:
    shift = max(0, value.bit_length() - 11)
    return (shift << 10) + (value >> shift)


def serve() -> None:
    """Answers requests until the input ends."""
    cell: Cell | None = None
    for line in sys.stdin:
        request = json.loads(line)
        answer: dict[str, Any]
        if request["do"] == "open":
            name = f"{request['mechanism']}+{request['variant']}"
            registered = int(request["params"].get("registered", "1"))
            if name == "select+select" and registered > 1000:
                text = "not applicable: descriptor limit"
                answer = {"ok": False, "kind": "skipped", "error": text}
            else:
                cell = Cell(request)
                answer = cell.opened()
        elif request["do"] == "slice" and cell is not None:
            answer = cell.slice(request["operations"], request["timed"])
        elif request["do"] == "counts" and cell is not None:
            answer = cell.counts(request["operations"])
        elif request["do"] == "exit":
            return
        else:
            answer = {"ok": True, "teardown_ns": 1}
        print(json.dumps(answer), flush=True)


def about() -> dict[str, Any]:
    """What it would say of its build."""
    return {
        "schema": "kvb.about",
        "compiler": "none",
        "flags": "-O2",
        "optimized": True,
        "sanitizer": "none",
        "clock": {"name": "none", "cost_ns": 1.0, "resolution_ns": 1},
    }


if __name__ == "__main__":
    if sys.argv[1] == "list":
        print(json.dumps(list_document()))
    elif sys.argv[1] == "about":
        print(json.dumps(about()))
    elif sys.argv[1] == "serve":
        serve()
