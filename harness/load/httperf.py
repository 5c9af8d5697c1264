# SPDX-License-Identifier: MIT
"""Driver of httperf 0.9: open-loop connections at a given rate.

What httperf can and cannot tell. It uses select(), so one process holds at most about 1020
connections and the rest appear as `fd-unavail`: a limit of the client, not of the server. It spins,
so its CPU time says nothing. It exits 0 even when every connection was refused, and its own reply
rate is sampled each 5 seconds, so a short run shows 0: the counts are what we judge by, and rates
are computed here from replies and duration.
"""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Mapping, Sequence

from harness.load.namespaces import Client
from harness.load.point import LoadPoint, Loop, RawOutput, Status, combine
from harness.load.process import find_tool, pinned, run_together

CONNECTIONS_PER_PROCESS = 1000
"""Descriptors one process can hold, with room for its own."""

ERROR_CLASSES = (
    "client-timo",
    "socket-timo",
    "connrefused",
    "connreset",
    "fd-unavail",
    "addrunavail",
    "ftab-full",
    "other",
)
_NOTICE_S = 0.01
"""Connection timeouts are seen when httperf next looks at its timers, some milliseconds late."""
_CLIENT_SIDE = ("fd-unavail", "addrunavail", "ftab-full")


@dataclasses.dataclass(frozen=True, slots=True)
class Report:
    """The figures of one output. None = the line is absent or not a number."""

    connections: int | None
    requests: int | None
    replies: int | None
    duration_s: float | None
    longest_connection_ms: float | None
    response_ms: float | None
    """Mean time to the first byte of a reply, from the actual send; successful calls only."""
    content_bytes: float | None
    """Mean length of a reply's body."""
    statuses: Mapping[str, int]
    error_total: int | None
    errors: Mapping[str, int]


def _float(text: str | None) -> float | None:
    """A finite, non-negative number, or None: httperf prints nan, inf and negatives at times."""
    if text is None:
        return None
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) and value >= 0 else None


def parse(stdout: str) -> Report:
    """Reads an output of httperf; never raises, whatever is missing."""

    def fields(pattern: str) -> dict[str, str]:
        found = re.search(pattern, stdout, re.MULTILINE)
        return {} if found is None else found.groupdict()

    def count(found: Mapping[str, str], name: str) -> int | None:
        return int(found[name]) if name in found else None

    total = fields(
        r"^Total: connections (?P<connections>\d+) requests (?P<requests>\d+) "
        r"replies (?P<replies>\d+) test-duration (?P<duration>\S+) s\b"
    )
    times = fields(r"^Connection time \[ms\]: min \S+ avg \S+ max (?P<max>\S+) ")
    reply = fields(r"^Reply time \[ms\]: response (?P<response>\S+) ")
    size = fields(r"^Reply size \[B\]: header \S+ content (?P<content>\S+) ")
    causes: dict[str, int] = {}
    error_total: int | None = None
    for line in re.findall(r"^Errors: ((?:[a-z-]+ \d+ ?)+)\n", stdout, re.MULTILINE):
        words = line.split()
        for name, value in zip(words[::2], words[1::2]):
            if name == "total":
                error_total = int(value)
            else:
                causes[name] = int(value)
    status_line = re.search(r"^Reply status: (.*)$", stdout, re.MULTILINE)
    statuses = re.findall(r"(\dxx)=(\d+)", status_line.group(1)) if status_line else []
    return Report(
        connections=count(total, "connections"),
        requests=count(total, "requests"),
        replies=count(total, "replies"),
        duration_s=_float(total.get("duration")),
        longest_connection_ms=_float(times.get("max")),
        response_ms=_float(reply.get("response")),
        content_bytes=_float(size.get("content")),
        statuses={name: int(value) for name, value in statuses},
        error_total=error_total,
        errors=causes,
    )


@dataclasses.dataclass(frozen=True, slots=True)
class Plan:
    """One load point. Rates and counts are of the whole point, over all processes."""

    port: int
    connection_rate: float
    """New connections a second, above 0."""
    duration_s: float
    """Seconds of sending; 30 or more give httperf's own samples a meaning, ours need none."""
    server: str = "127.0.0.1"
    uri: str = "/"
    calls: int = 1
    """Requests on each connection; above 1 is keep-alive."""
    timeout_s: float = 5.0
    """After which a connection counts as client-timo."""
    poisson: bool = False
    cpus: Sequence[int] = ()
    """Processors that the processes are shared out to; empty = not pinned."""
    concurrent: int = 0
    """Connections expected to be open at once: one more process for each thousand."""
    hosts: Sequence[Client] = ()
    """Where the processes run, in turn; empty = here, towards `server`."""

    @property
    def processes(self) -> int:
        return max(1, len(self.cpus), -(-self.concurrent // CONNECTIONS_PER_PROCESS))

    @property
    def connections_each(self) -> int:
        return max(1, round(self.connection_rate * self.duration_s / self.processes))


def command(plan: Plan, tool: str = "httperf", process: int = 0) -> list[str]:
    """The command of one of the plan's processes."""
    server = plan.hosts[process % len(plan.hosts)].server if plan.hosts else plan.server
    rate = plan.connection_rate / plan.processes
    pace = ["--period", f"e{1 / rate:.9f}"] if plan.poisson else ["--rate", f"{rate:g}"]
    return [
        tool,
        "--server",
        server,
        "--port",
        str(plan.port),
        "--uri",
        plan.uri,
        *pace,
        "--num-conns",
        str(plan.connections_each),
        "--num-calls",
        str(plan.calls),
        "--timeout",
        f"{plan.timeout_s:g}",
    ]


def commands(plan: Plan) -> list[list[str]]:
    """The commands of all processes, each where it runs. Raises ToolMissing."""
    tool = find_tool("httperf", "httperf")
    made = []
    for process in range(plan.processes):
        cpu = plan.cpus[process % len(plan.cpus)] if plan.cpus else None
        argv = pinned(command(plan, tool, process), cpu)
        if plan.hosts:
            argv = plan.hosts[process % len(plan.hosts)].inside(argv)
        made.append(argv)
    return made


def deadline_s(plan: Plan) -> float:
    """Seconds after which the processes hang."""
    return 2 * (plan.duration_s + plan.timeout_s) + 10


def run(plan: Plan) -> LoadPoint:
    """Offers the load and judges what came of it; takes duration + timeout, at most twice that.

    Raises ToolMissing, and LoadError when a process does not end in time.
    """
    return judge_all(plan, run_together(commands(plan), deadline_s=deadline_s(plan)))


def judge_all(plan: Plan, outputs: Sequence[RawOutput]) -> LoadPoint:
    """The point that all processes of the plan make."""
    return combine([judge(plan, output) for output in outputs])


def judge(plan: Plan, output: RawOutput) -> LoadPoint:
    """The point that one process of the plan makes."""
    report = parse(output.stdout)
    sent = _achieved_connection_rate(plan, report)
    status, reason = _verdict(plan, report, output, sent)
    replies = report.replies or 0
    return LoadPoint(
        tool="httperf",
        loop=Loop.OPEN,
        connections=report.connections or 0,
        rate_requested=plan.connection_rate * plan.calls / plan.processes,
        rate_achieved=None if sent is None else sent * plan.calls,
        replies=replies,
        replies_per_s=replies / report.duration_s if report.duration_s else None,
        duration_s=report.duration_s,
        errors={name: report.errors.get(name, 0) for name in ERROR_CLASSES},
        status=status,
        reason=reason,
        raw=(output,),
    )


def _achieved_connection_rate(plan: Plan, report: Report) -> float | None:
    """Connections started a second while the process was starting any.

    The printed duration also holds the wait for the last replies, which is the server's doing, so
    that tail is taken off: at most the longest connection, or the timeout where one expired.
    """
    if report.duration_s is None or not report.connections:
        return None
    tail = (report.longest_connection_ms or 0.0) / 1000
    if report.errors.get("client-timo", 0):
        tail = max(tail, plan.timeout_s)
    gaps = report.connections + sum(report.errors.get(name, 0) for name in _CLIENT_SIDE) - 1
    planned = gaps * plan.processes / plan.connection_rate
    if plan.poisson:  # the sum of the gaps is itself random
        planned = 0.0
    sending = max(planned, report.duration_s - tail - _NOTICE_S)
    return gaps / sending if sending > 0 else plan.connection_rate / plan.processes


def _pace_limit(plan: Plan) -> float:
    """Share of the requested rate below which the client has not kept up."""
    if not plan.poisson:
        return 0.99
    return 0.99 - 3 / math.sqrt(plan.connections_each)


def _contradiction(report: Report) -> str | None:
    """Why the output cannot be believed, or None."""
    if report.requests is None or report.replies is None or not report.duration_s:
        return "httperf's output is incomplete: no usable 'Total:' line"
    if report.error_total is None or any(name not in report.errors for name in ERROR_CLASSES):
        return "httperf's output is incomplete: not both 'Errors:' lines"
    if sum(report.errors.values()) != report.error_total:
        return f"error causes sum to {sum(report.errors.values())}, total is {report.error_total}"
    if report.requests < report.replies:
        return f"{report.replies} replies to {report.requests} requests"
    return None


def _verdict(
    plan: Plan, report: Report, output: RawOutput, sent: float | None
) -> tuple[Status, str]:
    if output.exit_status != 0:
        last = (output.stderr.strip().splitlines() or ["no message"])[-1]
        return Status.INVALID, f"httperf ended with status {output.exit_status}: {last}"
    contradiction = _contradiction(report)
    if contradiction is not None:
        return Status.INVALID, contradiction
    errors = report.errors
    replies = report.replies or 0
    if replies == 0 and errors["connrefused"] == report.error_total and errors["connrefused"]:
        return Status.INVALID, f"all connections refused: nothing listens on port {plan.port}"
    if errors["other"]:
        return Status.INVALID, f"{errors['other']} errors of kind 'other': see httperf's output"
    limits = [f"{errors[name]} {name}" for name in _CLIENT_SIDE if errors[name]]
    if limits:
        return (
            Status.CLIENT_LIMITED,
            f"httperf ran out of descriptors or ports: {', '.join(limits)}",
        )
    wrong = sum(n for name, n in report.statuses.items() if name != "2xx")
    if wrong:
        return Status.INVALID, f"{wrong} replies were not 2xx"
    per_process = plan.connection_rate / plan.processes
    if sent is not None and sent < _pace_limit(plan) * per_process:
        share = 100 * sent / per_process
        return (
            Status.CLIENT_LIMITED,
            f"httperf started {share:.1f} % of the requested connections/s",
        )
    due = plan.connections_each * plan.calls
    if replies < 0.99 * due:
        return Status.SATURATED, f"{replies} replies to {due} requests that were due"
    return Status.VALID, ""
