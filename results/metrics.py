# SPDX-License-Identifier: MIT
"""Every metric, declared once: name, unit, direction and how tables print it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Better = Literal["lower", "higher", "neither"]


@dataclass(frozen=True)
class Metric:
    """One column of results.

    A `detail` metric explains others and is stored and drawn, but is no row of summary.json.
    `precision` is the number of digits after the point in tables.
    """

    name: str
    unit: str
    better: Better
    title: str
    precision: int = 1
    detail: bool = False


_ALL = (
    Metric("wall_ns_per_event", "ns", "lower", "wall time per event"),
    Metric("cpu_ns_per_event", "ns", "lower", "CPU time per event"),
    Metric("cpu_user_ns_per_event", "ns", "lower", "user CPU time per event", 1, True),
    Metric("cpu_sys_ns_per_event", "ns", "lower", "system CPU time per event", 1, True),
    Metric("user_instr_per_event", "instructions", "lower", "user instructions per event"),
    Metric("instr_per_event", "instructions", "lower", "user and kernel instructions per event"),
    Metric("dispatch_instr_per_event", "instructions", "lower", "dispatch instructions per event"),
    Metric(
        "unused_instr_per_event",
        "instructions",
        "lower",
        "instructions added where unused",
        1,
        True,
    ),
    Metric("syscalls_per_event", "calls", "lower", "system calls per event", 3),
    Metric("ctxsw_per_event", "switches", "lower", "context switches per event", 3),
    Metric("events_per_wait", "events", "higher", "events per wait", 2),
    Metric("wakeups_per_event", "wake-ups", "lower", "threads woken per event", 3),
    Metric(
        "spurious_per_event", "events", "lower", "events that found nothing, per event", 3, True
    ),
    Metric("share_index", "of 1", "higher", "Jain's index of the threads' shares", 3),
    Metric("messages_per_delivery", "messages", "neither", "messages per delivery", 2, True),
    Metric("bytes_per_fd", "bytes", "lower", "kernel memory per watched descriptor"),
    Metric("requests_per_s", "1/s", "higher", "requests per second", 0),
    Metric("instr_per_request", "instructions", "lower", "instructions per request", 0),
    Metric("replies", "replies", "neither", "replies counted", 0),
    Metric("errors", "errors", "lower", "requests that failed", 0),
    Metric(
        "user_instr_per_request",
        "instructions",
        "lower",
        "user instructions per request",
        0,
        True,
    ),
    Metric("p50_ns", "ns", "lower", "median latency", 0),
    Metric("p99_ns", "ns", "lower", "99th percentile latency", 0),
    Metric("p999_ns", "ns", "lower", "99.9th percentile latency", 0),
    Metric("setup_ns_per_watch", "ns", "lower", "set-up time per watched descriptor", 0, True),
    Metric(
        "cpu_ns_per_registered", "ns", "lower", "CPU time per event and idle descriptor", 3, True
    ),
    Metric("floor_instr_per_event", "instructions", "lower", "harness floor", 1, True),
    Metric("floor_percent_of_cheapest_event", "%", "lower", "harness floor, relative", 2, True),
    Metric("errors_per_s", "1/s", "lower", "failed requests per second", 2, True),
    Metric("achieved_rate_percent", "%", "higher", "achieved against offered rate", 2, True),
    Metric("saturation_requests_per_s", "1/s", "higher", "requests per second by wrk", 0, True),
    Metric("h2load_requests_per_s", "1/s", "higher", "requests per second by h2load", 0, True),
    Metric("httperf_requests_per_s", "1/s", "higher", "requests per second by httperf", 0, True),
    Metric("client_cpu_ns_per_event", "ns", "lower", "CPU time per event of the client", 1, True),
    Metric("client_headroom", "x", "higher", "null server's rate over the server's", 1, True),
)

METRICS: dict[str, Metric] = {metric.name: metric for metric in _ALL}


def metric(name: str) -> Metric:
    """The declaration of a metric; KeyError for a name that was never declared."""
    return METRICS[name]


def cost(name: str, value: float) -> float:
    """The value turned so that plus means worse: a higher-is-better figure becomes its reciprocal.

    Raises ValueError for a value that has no cost (zero or negative throughput).
    """
    if METRICS[name].better != "higher":
        return value
    if value <= 0:
        raise ValueError(f"{name} = {value} has no cost")
    return 1.0 / value
