# SPDX-License-Identifier: MIT
"""Driver of wrk 4.1: a closed loop over kept-open connections.

What it measures is saturation throughput, and nothing else: a closed loop waits for each reply
before it sends the next request, so a slow server is asked less and its latencies come out too
good. They are therefore left in the raw output.
"""

from __future__ import annotations

import dataclasses
import json
import pathlib
from typing import Any

from harness.load.point import LoadPoint, Loop, RawOutput, Status
from harness.load.process import find_tool, pinned, run_together

ERROR_CLASSES = ("connect", "read", "write", "status", "timeout")
_MARK = "kevbench-wrk "
_SCRIPT = pathlib.Path(__file__).with_name("done.lua")


@dataclasses.dataclass(frozen=True, slots=True)
class Plan:
    """One load point."""

    port: int
    connections: int
    """Held open all the time; at least `threads`."""
    duration_s: int
    """Whole seconds, at least 1; the real duration is reported and differs a little."""
    server: str = "127.0.0.1"
    threads: int = 1
    cpu: int | None = None
    """Processor of all its threads; None = not pinned."""
    keep_alive: bool = True
    timeout_s: int = 5


def command(plan: Plan, tool: str = "wrk") -> list[str]:
    """The command of the plan."""
    header = [] if plan.keep_alive else ["--header", "Connection: close"]
    return [
        tool,
        "--threads",
        str(plan.threads),
        "--connections",
        str(plan.connections),
        "--duration",
        f"{plan.duration_s}s",
        "--timeout",
        f"{plan.timeout_s}s",
        *header,
        "--script",
        str(_SCRIPT),
        f"http://{plan.server}:{plan.port}/",
    ]


def commands(plan: Plan) -> list[list[str]]:
    """The one command, ready to run. Raises ToolMissing."""
    return [pinned(command(plan, find_tool("wrk", "wrk")), plan.cpu)]


def deadline_s(plan: Plan) -> float:
    """Seconds after which it hangs."""
    return plan.duration_s + plan.timeout_s + 10


def run(plan: Plan) -> LoadPoint:
    """Offers the load for about `duration_s`. Raises ToolMissing and LoadError."""
    return judge(plan, run_together(commands(plan), deadline_s=deadline_s(plan))[0])


def parse(stdout: str) -> dict[str, Any] | None:
    """The JSON line that done.lua prints, or None where it is absent or damaged."""
    for line in stdout.splitlines():
        if line.startswith(_MARK):
            try:
                fields = json.loads(line[len(_MARK) :])
            except ValueError:
                return None
            return fields if isinstance(fields, dict) else None
    return None


def judge(plan: Plan, output: RawOutput) -> LoadPoint:
    """The point that an output makes."""
    fields = parse(output.stdout) or {}
    requests = int(fields.get("requests", 0))
    duration = float(fields.get("duration_us", 0)) / 1e6
    errors = {name: int(fields.get(name, 0)) for name in ERROR_CLASSES}
    status, reason = _verdict(plan, fields, output, requests, errors)
    rate = requests / duration if duration > 0 else None
    return LoadPoint(
        tool="wrk",
        loop=Loop.CLOSED,
        connections=plan.connections,
        rate_requested=None,
        rate_achieved=rate,
        replies=requests,
        replies_per_s=rate,
        duration_s=duration if duration > 0 else None,
        errors=errors,
        status=status,
        reason=reason,
        raw=(output,),
    )


def _verdict(
    plan: Plan,
    fields: dict[str, Any],
    output: RawOutput,
    requests: int,
    errors: dict[str, int],
) -> tuple[Status, str]:
    if output.exit_status != 0:
        last = (output.stderr.strip() or output.stdout.strip()).splitlines()[-1:]
        message = last[0] if last else "no message"
        return Status.INVALID, f"wrk ended with status {output.exit_status}: {message}"
    if not fields:
        return Status.INVALID, "wrk's output is incomplete: no summary line"
    if requests == 0:
        return Status.INVALID, f"no reply from port {plan.port}: is the server listening?"
    if errors["status"]:
        return Status.INVALID, f"{errors['status']} replies were not 2xx or 3xx"
    if errors["connect"]:
        return Status.CLIENT_LIMITED, f"wrk could not open {errors['connect']} of its connections"
    return Status.VALID, ""
