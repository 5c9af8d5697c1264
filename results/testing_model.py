# SPDX-License-Identifier: MIT
"""The made-up costs behind results.testing: variants, cells and the model of a cost."""

from __future__ import annotations

import random
from dataclasses import dataclass

from results.histogram import Histogram
from results.keys import variant_name


@dataclass(frozen=True)
class Model:
    """What a variant costs: fixed and per registered descriptor (ns), calls per event, memory."""

    mechanism: str
    variant: str
    trigger: str
    base_ns: float
    per_fd_ns: float
    syscalls: tuple[tuple[str, float], ...]
    instructions: float
    bytes_per_fd: float | None

    @property
    def name(self) -> str:
        """ "epoll+lt"."""
        return variant_name(self.mechanism, self.variant)


VARIANTS: tuple[Model, ...] = (
    Model("null", "null", "lt", 9.0, 0.0, (), 31.0, 0.0),
    Model("select", "select", "lt", 820.0, 14.0, (("pselect6", 1), ("read", 1)), 410.0, 0.0),
    Model("poll", "poll", "lt", 790.0, 21.0, (("poll", 1), ("read", 1)), 390.0, 8.0),
    Model("epoll", "lt", "lt", 640.0, 0.0, (("epoll_wait", 1), ("read", 1)), 265.0, 208.0),
    Model("epoll", "et", "et", 690.0, 0.0, (("epoll_wait", 1), ("read", 2)), 301.0, 208.0),
    Model(
        "epoll",
        "oneshot",
        "oneshot",
        905.0,
        0.0,
        (("epoll_wait", 1), ("read", 1), ("epoll_ctl", 1)),
        330.0,
        208.0,
    ),
    Model(
        "io_uring", "multishot", "et", 730.0, 0.0, (("io_uring_enter", 1), ("read", 1)), 345, 256
    ),
    Model("io_uring", "completion", "lt", 600.0, 0.0, (("io_uring_enter", 1),), 322.0, 300.0),
    Model("io_uring", "completion+defer", "lt", 520.0, 0.0, (("io_uring_enter", 1),), 310, 300),
)

Cell = tuple[str, dict[str, str], str, float, bool]

#: Workload, parameters, role of the cell, events delivered per wait, whether latencies are recorded.
CELLS: tuple[Cell, ...] = (
    ("idle_scan", {"registered": "1", "source": "eventfd"}, "headline", 1.0, False),
    ("idle_scan", {"registered": "100", "source": "eventfd"}, "headline", 1.0, True),
    ("idle_scan", {"registered": "1000", "source": "eventfd"}, "headline", 1.0, False),
    ("idle_scan", {"registered": "10", "source": "eventfd"}, "scaling", 1.0, False),
    ("idle_scan", {"registered": "10000", "source": "eventfd"}, "scaling", 1.0, False),
    ("active_ratio", {"active": "1", "registered": "1000"}, "headline", 1.0, False),
    ("active_ratio", {"active": "100", "registered": "1000"}, "headline", 9.5, False),
    ("active_ratio", {"active": "1000", "registered": "1000"}, "headline", 58.0, False),
    ("source_pingpong", {"payload": "1", "source": "unix"}, "headline", 1.0, True),
    ("source_pingpong", {"payload": "1", "source": "tcp"}, "headline", 1.0, True),
    ("tcp_rr", {"connections": "1"}, "scaling", 1.0, False),
    ("tcp_rr", {"connections": "10"}, "headline", 3.0, True),
    ("tcp_rr", {"connections": "100"}, "scaling", 14.0, False),
    ("ctl_churn", {"operation": "add_remove", "registered": "1000"}, "scaling", 0.0, False),
    ("http_one_byte", {"rate": "1000"}, "headline", 1.1, True),
    ("kevent_2006", {"rate": "3400", "style": "plain"}, "scaling", 1.1, False),
)

_SOURCE_FACTOR = {"eventfd": 1.0, "unix": 2.4, "tcp": 7.5}


def cost_ns(model: Model, workload: str, params: dict[str, str], per_wait: float) -> float:
    """CPU ns per event of the model."""
    factor = {
        "tcp_rr": 8.0,
        "http_one_byte": 60.0,
        "kevent_2006": 64.0,
        "source_pingpong": 3.0,
    }.get(workload, 1.0)
    factor *= _SOURCE_FACTOR.get(params.get("source", ""), 1.0)
    scan = model.per_fd_ns * float(params.get("registered", params.get("connections", "1")))
    return model.base_ns * factor * (0.35 + 0.65 / max(per_wait, 1.0)) + scan / max(per_wait, 1.0)


def latencies(rng: random.Random, centre_ns: float, count: int) -> Histogram:
    whole = Histogram()
    for _ in range(count):
        value = centre_ns * rng.lognormvariate(0.0, 0.12)
        if rng.random() < 0.01:
            value *= rng.lognormvariate(1.5, 0.8)
        whole.record(max(1, int(value)))
    return whole
