# SPDX-License-Identifier: MIT
"""Driver of h2load 1.52 over HTTP/1.1: a closed loop, like wrk, by other hands.

Two closed loops that agree are worth more than one: where wrk and h2load differ widely, the client
and not the server made the figure. It exits 0 whatever happened, refused connections included, so
the counts are what we judge by. Its latencies, taken in a closed loop, stay in the raw output.
"""

from __future__ import annotations

import dataclasses
import re

from harness.load.point import LoadPoint, Loop, RawOutput, Status
from harness.load.process import find_tool, pinned, run_together

ERROR_CLASSES = ("failed", "errored", "timeout", "3xx", "4xx", "5xx")


@dataclasses.dataclass(frozen=True, slots=True)
class Plan:
    """One load point."""

    port: int
    connections: int
    """Held open all the time; at least `threads`."""
    duration_s: int
    """Whole seconds, at least 1."""
    server: str = "127.0.0.1"
    threads: int = 1
    cpu: int | None = None
    """Processor of all its threads; None = not pinned."""


@dataclasses.dataclass(frozen=True, slots=True)
class Report:
    """The figures of one output. None = the line is absent."""

    seconds: float | None
    total: int | None
    succeeded: int | None
    errors: dict[str, int]
    slowest_rate: float | None
    """Requests a second of the connection that got the fewest."""


_SECONDS = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}


def parse(stdout: str) -> Report:
    """Reads an output of h2load; never raises, whatever is missing."""
    finished = re.search(r"^finished in ([\d.]+)(us|ms|s|m|h), ", stdout, re.MULTILINE)
    requests = re.search(
        r"^requests: (\d+) total, \d+ started, \d+ done, (\d+) succeeded, "
        r"(\d+) failed, (\d+) errored, (\d+) timeout$",
        stdout,
        re.MULTILINE,
    )
    codes = re.search(
        r"^status codes: \d+ 2xx, (\d+) 3xx, (\d+) 4xx, (\d+) 5xx$", stdout, re.MULTILINE
    )
    rates = re.search(r"^req/s +: +([\d.]+) ", stdout, re.MULTILINE)
    counts = [*(requests.groups()[2:] if requests else ()), *(codes.groups() if codes else ())]
    return Report(
        seconds=float(finished[1]) * _SECONDS[finished[2]] if finished else None,
        total=int(requests[1]) if requests else None,
        succeeded=int(requests[2]) if requests else None,
        errors=dict(zip(ERROR_CLASSES, map(int, counts))) if requests and codes else {},
        slowest_rate=float(rates[1]) if rates else None,
    )


def command(plan: Plan, tool: str = "h2load") -> list[str]:
    """The command of the plan."""
    return [
        tool,
        "--h1",
        "--threads",
        str(plan.threads),
        "--clients",
        str(plan.connections),
        "--duration",
        str(plan.duration_s),
        f"http://{plan.server}:{plan.port}/",
    ]


def commands(plan: Plan) -> list[list[str]]:
    """The one command, ready to run. Raises ToolMissing."""
    return [pinned(command(plan, find_tool("h2load", "nghttp2-client")), plan.cpu)]


def deadline_s(plan: Plan) -> float:
    """Seconds after which it hangs."""
    return plan.duration_s + 15.0


def run(plan: Plan) -> LoadPoint:
    """Offers the load for about `duration_s`. Raises ToolMissing and LoadError."""
    return judge(plan, run_together(commands(plan), deadline_s=deadline_s(plan))[0])


def judge(plan: Plan, output: RawOutput) -> LoadPoint:
    """The point that an output makes."""
    report = parse(output.stdout)
    status, reason = _verdict(plan, report, output)
    replies = report.succeeded or 0
    rate = replies / report.seconds if report.seconds else None
    return LoadPoint(
        tool="h2load",
        loop=Loop.CLOSED,
        connections=plan.connections,
        rate_requested=None,
        rate_achieved=rate,
        replies=replies,
        replies_per_s=rate,
        duration_s=report.seconds,
        errors={name: report.errors.get(name, 0) for name in ERROR_CLASSES},
        status=status,
        reason=reason,
        raw=(output,),
    )


def _verdict(plan: Plan, report: Report, output: RawOutput) -> tuple[Status, str]:
    if output.exit_status != 0:
        last = (output.stderr.strip() or output.stdout.strip()).splitlines()[-1:]
        message = last[0] if last else "no message"
        return Status.INVALID, f"h2load ended with status {output.exit_status}: {message}"
    if None in (report.seconds, report.total, report.slowest_rate) or not report.errors:
        return Status.INVALID, "h2load's output is incomplete"
    wrong = {name: number for name, number in report.errors.items() if number}
    if wrong:
        text = ", ".join(f"{number} {name}" for name, number in wrong.items())
        return Status.INVALID, f"not every request was answered with 2xx: {text}"
    if not report.total:
        return Status.INVALID, f"no reply from port {plan.port}: is the server listening?"
    if report.slowest_rate == 0:
        return Status.CLIENT_LIMITED, "some of h2load's connections were never served"
    return Status.VALID, ""
