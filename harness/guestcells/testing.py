# SPDX-License-Identifier: MIT
"""Answers of a guest that never ran, for tests: figures follow a cost model."""

from __future__ import annotations

import json
from typing import Any

from harness.guestcells.plan import BATCHES
from results.keys import case_key

#: Instructions an event.
COSTS = {
    "null+null": 40,
    "null+bare": 900,
    "null+bare-drain": 950,
    "select+select": 2600,
    "poll+poll": 2500,
    "epoll+lt": 2000,
    "epoll+et": 2100,
    "epoll+oneshot": 2700,
    "io_uring+multishot": 2400,
    "io_uring+completion": 1900,
    "io_uring+completion+defer": 1700,
    "epoll+exclusive": 2050,
    "kevent+get": 2000,
    "kevent+get+one": 1900,
    "kevent+get+one-et": 1800,
    "kevent+mapped+one-et": 1100,
    "kevent+mapped": 1400,
    "kevent+mapped-et": 1200,
    "kevent+mapped+batch": 1300,
}


def answer(line: str) -> dict[str, Any]:
    """What kevbench-worker batch would say to one line of a plan."""
    request = json.loads(line)
    if request["do"] == "read":
        files = {name: "1\n" for name in request["files"]}
        return {"id": request["id"], "ok": True, "files": files}
    name = f"{request['mechanism']}+{request['variant']}"
    cost = COSTS[name]
    if request["do"] == "http":
        ops = int(request["requests"])
        times = [ops * 10 * cost] * BATCHES
        return {
            "id": request["id"],
            "ok": True,
            "operation": "request",
            "ops": ops,
            "wall_ns": [3 * one for one in times],
            "cpu_ns": times,
            "client_cpu_ns": times,
            "server": None,
        }
    ops = 10 * int(request["granule"])
    batches = [_slice(ops, cost) for _ in range(request["batches"])]
    # One batch with a timer tick inside: a median does not see it.
    batches[0]["wall_ns"] += 9_000
    return {
        "id": request["id"],
        "ok": True,
        "case_key": case_key(
            request["workload"], request["mechanism"], request["variant"], request["params"]
        ),
        "operation": "event",
        "setup_ns": 1000,
        "kernel_bytes_per_watch": 208.0 if request["workload"] == "footprint" else None,
        "check": _slice(int(request["granule"]), cost),
        "ops": ops,
        "wall_ns": [one["wall_ns"] for one in batches],
        "cpu_ns": [one["cpu_ns"] for one in batches],
        "load_cpu_ns": [],
        "slices": batches if request["slices"] else batches[-1:],
        **({"syscalls": {"read": ops, "total": 2 * ops}} if request["counters"] else {}),
    }


def _slice(ops: int, cost: int) -> dict[str, Any]:
    return {
        "t_start_ns": 1,
        "ops": ops,
        "wall_ns": ops * cost,
        "cpu_ns": ops * cost,
        "cpu_user_ns": ops * cost // 4,
        "cpu_sys_ns": ops * cost - ops * cost // 4,
        "vcsw": 0,
        "ivcsw": 0,
        "minflt": 0,
        "steal_ticks": 0,
        "messages": ops,
        "bytes": 8 * ops,
        "order": str(ops),
        "events": ops,
        "waits": ops,
        "would_block": 0,
        "spurious": 0,
        "errors": {},
        "batches": [0, ops],
        "load_cpu_ns": None,
        "pace": None,
    }
