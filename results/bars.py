# SPDX-License-Identifier: MIT
"""The bars kevent is held against: what it may cost at most, as a share of epoll's cost.

A bar is judged on exact counts of one guest and one run. Which bar a figure falls under is decided
here alone; terminal and report only print it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from results.keys import variant_name
from results.reader import Record

_SOCKETS = frozenset({"unix", "tcp"})
#: Workloads whose consumer finds events waiting: the same thread caused them before.
_WAITING = frozenset({"idle_scan", "active_ratio"})
#: Workloads that are judged by dispatch cost, since they also run without a mechanism.
_BARE = _WAITING | {"source_pingpong", "tcp_rr"}
#: Nothing is waited for there, so no cost of waiting is in the figures.
_UNWATCHED = "bystander"
_EPSILON = 1e-9


@dataclass(frozen=True)
class Bar:
    """A limit with the words it is known by. `best`: against epoll's cheapest variant."""

    name: str
    limit: float
    best: bool = False


SOCKETS = Bar("mapped ring, edge-triggered, events waiting, send and recv", 0.30)
FILES = Bar("mapped ring, edge-triggered, events waiting, read and write", 0.60)
PARITY = Bar("no dearer than epoll's counterpart", 1.0)
KEEP_ALIVE = Bar("server, keep-alive request, against epoll's best", 0.95, best=True)
CONTROL = Bar("ADD and REMOVE at batch 16", 1.0)
MEMORY = Bar("kernel memory per registered descriptor", 1.25)


@dataclass(frozen=True)
class Judged:
    """One figure against its bar. `over` is how far above the limit it is, in percent of it."""

    bar: Bar
    workload: str
    params: Mapping[str, str]
    variant: str
    metric: str
    value: float
    against: str
    ratio: float

    @property
    def met(self) -> bool:
        return self.ratio <= self.bar.limit + _EPSILON

    @property
    def over(self) -> float:
        """Percent of the limit; negative where the bar is met with room."""
        return 100.0 * (self.ratio / self.bar.limit - 1.0)


def bar_of(record: Record) -> Bar | None:
    """The bar a figure of kevent falls under, None for one that is only reported."""
    metric, workload, params = record["metric"], record["workload"], record["params"]
    if workload == _UNWATCHED:
        return None
    if metric == "bytes_per_fd":
        return MEMORY
    if metric == "instr_per_request":
        return KEEP_ALIVE if params.get("keepalive") == "on" else PARITY
    if metric == "dispatch_instr_per_event":
        mapped_edge = record["variant"].startswith("mapped") and record["variant"].endswith("-et")
        if mapped_edge and workload in _WAITING:
            return SOCKETS if params.get("source") in _SOCKETS else FILES
        return PARITY
    if metric == "instr_per_event" and workload not in _BARE:
        adds = workload == "ctl_churn" and params.get("operation") == "add-remove"
        return CONTROL if adds and params.get("batch") == "16" else PARITY
    return None


def judge(records: Iterable[Record]) -> list[Judged]:
    """Every figure of kevent from a counting guest that has a bar and a ratio, in stored order."""
    found = []
    for record in records:
        counted = record["where"] == "guest" and record["interval"]["kind"] == "exact"
        if record["mechanism"] != "kevent" or record["value"] is None or not counted:
            continue
        bar = bar_of(record)
        if bar is None:
            continue
        ratio: Any = record["ratio_to_best_epoll" if bar.best else "ratio_to_epoll"]
        against: Any = record["best_epoll" if bar.best else "reference"]
        if ratio is None:
            continue
        found.append(
            Judged(
                bar,
                record["workload"],
                record["params"],
                variant_name(record["mechanism"], record["variant"]),
                record["metric"],
                float(record["value"]),
                str(against),
                float(ratio),
            )
        )
    return found


def in_words(one: Judged) -> str:
    """ "met", or by how much it was missed."""
    return "met" if one.met else f"not met by {one.over:.0f} %"
