# SPDX-License-Identifier: MIT
"""Driver of our own open-loop generator, `kevbench-worker httpload`.

Latency counts from the intended time. Several processes share a load evenly, each with a seed of its
own; independent Poisson streams add up to one. Their histograms merge exactly, so quantiles of the
whole are quantiles of all requests and not averages of quantiles.
"""

from __future__ import annotations

import dataclasses
import json
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

from harness.load.errors import LoadError
from harness.load.point import Latency, LoadPoint, Loop, RawOutput, Status, combine
from harness.load.process import pinned, run_together
from results.errors import ResultsError
from results.histogram import Histogram, merged

SCHEMA = "kvb.httpload"
CLIENT_CPU_LIMIT = 0.7
"""Share of one processor above which a process of the client may have been the bottleneck."""
_CLIENT_SIDE = ("no-address", "no-descriptor", "unsent")


@dataclasses.dataclass(frozen=True, slots=True)
class Plan:
    """One load point. Rates and counts are of the whole point, over all processes."""

    worker: pathlib.Path | str
    port: int
    rate: float
    """Requests a second, above 0."""
    duration_s: float
    connections: int = 512
    """Open at once, at most."""
    requests: int = 1
    """Requests on each connection; above 1 is keep-alive."""
    server: str = "127.0.0.1"
    sources: Sequence[str] = ()
    """Local addresses, shared out among the processes; empty = the kernel's choice."""
    poisson: bool = True
    burst: int = 1
    """Requests that come at the same time, at that rate."""
    seed: int = 1
    timeout_s: float = 5.0
    cpus: Sequence[int] = ()
    """One process on each; empty = one process, not pinned."""
    cpu_limit: float = CLIENT_CPU_LIMIT
    """1 where client and server share a processor: being busy proves nothing there."""

    @property
    def processes(self) -> int:
        return max(1, len(self.cpus))


@dataclasses.dataclass(frozen=True, slots=True)
class Load:
    """A point with its distributions."""

    point: LoadPoint
    corrected: Histogram
    uncorrected: Histogram
    seconds: tuple[Mapping[str, int], ...]
    """By second, over all processes: replies, errors and the largest latency."""
    queued: int
    """Requests that found every connection in use."""
    most_open: int


def command(plan: Plan, process: int = 0) -> list[str]:
    """The command of one of the plan's processes."""
    shares = plan.processes
    sources = list(plan.sources)[process::shares] or list(plan.sources)
    words = [
        str(plan.worker),
        "httpload",
        "--address",
        plan.server,
        "--port",
        str(plan.port),
        "--rate",
        f"{plan.rate / shares:.6f}",
        "--duration",
        f"{plan.duration_s:g}",
        "--connections",
        str(max(1, plan.connections // shares)),
        "--requests",
        str(plan.requests),
        "--arrivals",
        "poisson" if plan.poisson else "fixed",
        "--burst",
        str(plan.burst),
        "--seed",
        str(plan.seed + process),
        "--timeout",
        f"{plan.timeout_s:g}",
    ]
    for source in sources:
        words += ["--source", source]
    return words


def commands(plan: Plan) -> list[list[str]]:
    """The commands of all processes."""
    return [
        pinned(command(plan, at), plan.cpus[at] if plan.cpus else None)
        for at in range(plan.processes)
    ]


def deadline_s(plan: Plan) -> float:
    """Seconds after which the processes hang."""
    return plan.duration_s * 1.25 + plan.timeout_s + 15


def run(plan: Plan) -> Load:
    """Offers the load and judges what came of it. Raises LoadError."""
    return judge(plan, run_together(commands(plan), deadline_s=deadline_s(plan)))


def merge(loads: Sequence[Load]) -> Load:
    """One load of those that several hosts offered at the same time; distributions merge exactly."""
    corrected = merged(one.corrected for one in loads)
    return Load(
        dataclasses.replace(
            combine([one.point for one in loads]), latency=_latency(corrected), latency_note=""
        ),
        corrected,
        merged(one.uncorrected for one in loads),
        _seconds([one.seconds for one in loads]),
        sum(one.queued for one in loads),
        sum(one.most_open for one in loads),
    )


def judge(plan: Plan, outputs: Sequence[RawOutput]) -> Load:
    """The load that the plan's processes make. Raises LoadError when one printed no document."""
    documents = [_document(output) for output in outputs]
    try:
        corrected = merged(Histogram.from_fields(one["hist"]) for one in documents)
        uncorrected = merged(Histogram.from_fields(one["hist_uncorrected"]) for one in documents)
        points = [_point(plan, one, output) for one, output in zip(documents, outputs)]
        series = _seconds([one["seconds"] for one in documents])
        queued = sum(int(one["queued"]) for one in documents)
        most_open = sum(int(one["most_open"]) for one in documents)
    except (KeyError, TypeError, ValueError, ResultsError) as error:
        raise LoadError(f"httpload printed an unreadable document: {error!r}") from None
    point = dataclasses.replace(combine(points), latency=_latency(corrected), latency_note="")
    return Load(point, corrected, uncorrected, series, queued, most_open)


def _document(output: RawOutput) -> dict[str, Any]:
    if output.exit_status != 0:
        last = (output.stderr.strip().splitlines() or ["no message"])[-1]
        raise LoadError(last.removeprefix("kevbench-worker: "))
    try:
        document = json.loads(output.stdout)
    except ValueError:
        document = None
    if not isinstance(document, dict) or document.get("schema") != SCHEMA:
        raise LoadError(f"httpload printed something else than a {SCHEMA} document")
    return document


def _latency(histogram: Histogram) -> Latency | None:
    """Quantiles, the outer ones only where a hundred values lie beyond."""
    p50, p99, p999 = (histogram.quantile(q) for q in (0.5, 0.99, 0.999))
    if p50 is None or p99 is None:
        return None
    return Latency(p50, p99, p999 if histogram.count >= 100_000 else None)


def _seconds(series: Sequence[Sequence[Mapping[str, int]]]) -> tuple[Mapping[str, int], ...]:
    whole = []
    for at in range(max((len(one) for one in series), default=0)):
        parts = [one[at] for one in series if at < len(one)]
        whole.append(
            {
                "replies": sum(part["replies"] for part in parts),
                "errors": sum(part["errors"] for part in parts),
                "max_ns": max(part["max_ns"] for part in parts),
            }
        )
    return tuple(whole)


def _point(plan: Plan, document: Mapping[str, Any], output: RawOutput) -> LoadPoint:
    status, reason = _verdict(plan, document)
    replies = int(document["replies"])
    duration = document["duration_ns"] / 1e9
    requested = plan.rate / plan.processes
    return LoadPoint(
        tool="httpload",
        loop=Loop.OPEN,
        connections=int(document["connections"]),
        rate_requested=requested,
        rate_achieved=requested * float(document["pace"]["achieved"]),
        replies=replies,
        replies_per_s=replies / duration if duration > 0 else None,
        duration_s=duration,
        errors={str(name): int(number) for name, number in document["errors"].items()},
        status=status,
        reason=reason,
        raw=(dataclasses.replace(output, stdout=_brief(document)),),
    )


def _brief(document: Mapping[str, Any]) -> str:
    """The document without its distributions, which are kept apart."""
    kept = {name: value for name, value in document.items() if not name.startswith("hist")}
    return json.dumps(kept)


def _verdict(plan: Plan, document: Mapping[str, Any]) -> tuple[Status, str]:
    planned, replies = int(document["planned"]), int(document["replies"])
    errors = {name: int(number) for name, number in document["errors"].items()}
    if replies + sum(errors.values()) != planned:
        return Status.INVALID, f"{replies} replies and {sum(errors.values())} errors of {planned}"
    if errors["refused"] == planned:
        return Status.INVALID, f"all connections refused: nothing listens on port {plan.port}"
    limits = [f"{errors[name]} {name}" for name in _CLIENT_SIDE if errors[name]]
    if limits:
        return Status.CLIENT_LIMITED, f"the client reached its own limits: {', '.join(limits)}"
    pace = document["pace"]
    if not pace["kept"]:
        return (
            Status.CLIENT_LIMITED,
            f"the client took {100 * pace['in_time']:.1f} % of its turns in time",
        )
    busy = document["cpu_ns"] / max(1, document["duration_ns"])
    if busy > plan.cpu_limit:
        return Status.CLIENT_LIMITED, f"the client used {100 * busy:.0f} % of a processor"
    if replies < 0.99 * planned:
        return Status.SATURATED, f"{replies} replies to {planned} requests that were due"
    return Status.VALID, ""
