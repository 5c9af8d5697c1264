# SPDX-License-Identifier: MIT
"""The profiles: which variants, which workloads, at which parameters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from harness.protocol import FULL, FULL_SCALING, QUICK, QUICK_SCALING, Protocol

#: Stands in a sweep for as many descriptors as the limit of this process allows.
LIMIT = "limit"
#: Shares of what the reference reaches in a closed loop, which only the run finds out; all
#: mechanisms then get the same absolute rates.
LADDER = ("10%", "25%", "50%", "70%", "80%", "90%", "95%")


@dataclass(frozen=True)
class Sweep:
    """Cells of one workload: the product of the values of each parameter."""

    workload: str
    values: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    #: "headline" cells enter the tables; "scaling" cells support a curve.
    purpose: str = "headline"
    #: Also a latency pass, with clocks read around each operation.
    latency: bool = False
    #: Also exact instruction counts, which cost seconds a variant.
    instructions: bool = False
    #: Variants besides the profile's, where the profile names its own.
    also: tuple[str, ...] = ()


@dataclass(frozen=True)
class Profile:
    """A named selection with its repetition plans."""

    name: str
    headline: Protocol
    scaling: Protocol
    #: Names as options give them; empty = every variant.
    variants: tuple[str, ...]
    sweeps: tuple[Sweep, ...]
    #: What the guest measures. Counts are exact, so sizes and sources cost little there.
    guest_sweeps: tuple[Sweep, ...]


QUICK_VARIANTS = (
    "select+select",
    "poll+poll",
    "epoll+lt",
    "epoll+et",
    "epoll+oneshot",
    "io_uring+multishot",
    "io_uring+completion",
    "io_uring+completion+defer",
    "kevent+get",
    "kevent+mapped",
    "kevent+mapped-et",
    "kevent+mapped+batch",
)
#: Without a kernel behind it: what the harness itself costs.
FLOOR_VARIANT = "null+null"
#: Where the floor is measured: the cells with the cheapest events.
FLOOR_WORKLOADS = ("idle_scan", "active_ratio")

#: Event sources beyond connected descriptors: of the full profile. `via` is a choice only where a
#: mechanism has the source natively, so what matters most is measured both ways.
_WAYS = ("native", "descriptor")
SOURCES = (
    Sweep("user_event", {"active": ("1", "64"), "via": _WAYS}, latency=True, instructions=True),
    Sweep("user_event", {"source": ("pipe",), "via": ("descriptor",)}),
    Sweep("user_event", {"threads": ("1", "4"), "active": ("16",)}),
    Sweep(
        "timer_storm",
        {"registered": ("100",), "active": ("1", "100"), "via": _WAYS},
        latency=True,
        instructions=True,
    ),
    Sweep("timer_storm", {"registered": ("1", "10000")}),
    Sweep("timer_storm", {"timer": ("posix",), "via": _WAYS}),
    Sweep("timer_storm", {"mode": ("periodic",), "registered": ("1", "100")}, latency=True),
    Sweep(
        "signal_rate",
        {"signal": ("realtime", "ordinary"), "via": (*_WAYS, "handler")},
        latency=True,
        instructions=True,
    ),
    Sweep("signal_rate", {"active": ("64",), "via": (*_WAYS, "handler")}),
    Sweep("signal_rate", {"handled": ("yes",)}),
    Sweep("fs_events", {"change": ("names", "content")}, latency=True, instructions=True),
    Sweep("fs_events", {"registered": ("1000",), "active": ("1000",)}),
    Sweep("aio_notify", {"active": ("1", "8", "64")}, latency=True, instructions=True),
    Sweep("aio_notify", {"cache": ("off",), "active": ("1", "16")}, latency=True),
    Sweep("mixed_sources", {"via": _WAYS}, latency=True, instructions=True),
    Sweep(
        "mixed_sources",
        {"latency_of": ("socket", "timer", "pipe", "signal", "user")},
        latency=True,
    ),
    Sweep("fan_in", {"threads": ("1", "2", "4", "8", "16"), "via": _WAYS}),
    Sweep("fan_in", {"active": ("256",)}),
)

_QUEUES = ("private", "shared")
#: Variants that tell one of those who watch.
_ONE_IS_TOLD = ("epoll+exclusive", "kevent+get+one", "kevent+get+one-et", "kevent+mapped+one-et")
#: Several threads that wait: of the full profile, as are the streams.
CREWS = (
    Sweep("herd", {"threads": ("2", "8", "32"), "queue": _QUEUES}),
    Sweep("herd", {"source": ("unix", "tcp"), "queue": _QUEUES}),
    Sweep("shared_vs_private_queue", {"threads": ("1", "2", "4", "8"), "queue": _QUEUES}),
    Sweep("shared_vs_private_queue", {"active": ("1", "64"), "queue": _QUEUES}),
)
#: W3 of the 2006 tests: by source and number of streams, by the yields of both threads, by how many
#: events a wait delivers.
STREAMS = (
    Sweep("stream_bench", {"source": ("pipe", "unix", "tcp"), "registered": ("100", "2000")}),
    Sweep("stream_bench", {"source": ("unix",), "few": ("1", "10")}),
    Sweep("stream_bench", {"source": ("unix",), "batch": ("1", "128")}),
)
#: W10: what those pay who do not use a mechanism.
BYSTANDERS = (
    Sweep("bystander", {"source": ("unix", "tcp", "pipe", "eventfd", "signal")}),
    Sweep("bystander", {"source": ("unix", "tcp"), "call": ("write",)}),
)

#: W11: other people's servers as they are, one event at a time and under more than they can take.
REAL_SERVERS = Sweep(
    "real_server",
    {"server": ("nginx", "lighttpd"), "rate": ("1000", "10000"), "requests": ("1", "10")},
)

_PROFILES = (
    Profile(
        "quick",
        QUICK,
        QUICK_SCALING,
        QUICK_VARIANTS,
        (
            Sweep("idle_scan", {"source": ("eventfd",), "registered": ("1",)}),
            Sweep(
                "idle_scan",
                {"source": ("eventfd",), "registered": ("100",)},
                latency=True,
            ),
            Sweep("idle_scan", {"source": ("eventfd",), "registered": ("1000",)}),
            Sweep(
                "active_ratio",
                {"source": ("eventfd",), "registered": ("1000",), "active": ("1", "100")},
            ),
            Sweep(
                "active_ratio",
                {"source": ("eventfd",), "registered": ("1000",), "active": ("1000",)},
                instructions=True,
            ),
            Sweep("source_pingpong", {"source": ("unix", "tcp")}, latency=True),
            Sweep("tcp_rr", {"connections": ("10",)}, latency=True),
            Sweep(
                "tcp_rr",
                {"connections": ("10",), "mode": ("open",), "rate": ("5000",)},
                purpose="scaling",
                latency=True,
            ),
            Sweep("http_one_byte", {"rate": ("1000",)}),
            Sweep(
                "idle_scan",
                {"source": ("eventfd",), "registered": (LIMIT,)},
                purpose="scaling",
            ),
            Sweep("ctl_churn", {"registered": ("1000",)}, purpose="scaling"),
        ),
        (
            Sweep("idle_scan", {"source": ("eventfd",), "registered": ("1", "100", "1000")}),
            Sweep("idle_scan", {"source": ("unix",), "registered": ("1", "1000")}),
            Sweep("idle_scan", {"source": ("pipe", "tcp"), "registered": ("100",)}),
            Sweep(
                "active_ratio",
                {
                    "source": ("eventfd",),
                    "registered": ("1000",),
                    "active": ("1", "100", "1000"),
                },
            ),
            Sweep(
                "active_ratio",
                {"source": ("unix",), "registered": ("100",), "active": ("100",)},
            ),
            Sweep("source_pingpong", {"source": ("unix", "tcp")}),
            Sweep("tcp_rr", {"connections": ("10",)}),
            Sweep("http_one_byte", {"keepalive": ("off", "on")}),
            Sweep("http_one_byte", {"keepalive": ("on",), "in_flight": ("16",)}),
            Sweep("ctl_churn", {"registered": ("1000",), "batch": ("1", "16")}),
            Sweep("footprint", {"registered": ("2000",)}),
            Sweep("kevent_2006", {"style": ("plain", "optimistic"), "in_flight": ("16",)}),
        ),
    ),
    Profile(
        "full",
        FULL,
        FULL_SCALING,
        (),
        (
            Sweep(
                "idle_scan",
                {"source": ("eventfd",), "registered": ("1", "10", "100", "1000", "10000", LIMIT)},
                latency=True,
                instructions=True,
            ),
            Sweep(
                "idle_scan",
                {"source": ("pipe", "unix", "tcp"), "registered": ("1", "100", "1000")},
                instructions=True,
            ),
            Sweep(
                "active_ratio",
                {
                    "source": ("eventfd",),
                    "registered": ("1000",),
                    "active": ("1", "10", "100", "500", "1000"),
                },
                instructions=True,
            ),
            Sweep(
                "active_ratio",
                {
                    "source": ("eventfd",),
                    "registered": ("10000",),
                    "active": ("10", "100", "1000", "5000", "10000"),
                },
            ),
            Sweep("chain", {"registered": ("100", "1000", "10000")}),
            Sweep("harvest", {"batch": ("1", "8", "64", "512")}, instructions=True),
            Sweep("empty_wait", {"registered": ("1", "10", "100", "1000", "10000", LIMIT)}),
            Sweep("ctl_churn", {"registered": ("2", "100", "1000", "10000")}, instructions=True),
            Sweep("wake_latency", latency=True),
            Sweep("footprint", {"registered": ("1000", "10000", LIMIT)}),
            Sweep(
                "source_pingpong",
                {
                    "source": ("eventfd", "pipe", "unix", "tcp"),
                    "payload": ("1", "64", "1024", "16384"),
                },
                latency=True,
                instructions=True,
            ),
            Sweep(
                "tcp_rr",
                {"connections": ("1", "10", "100", "1000")},
                latency=True,
                instructions=True,
            ),
            Sweep(
                "tcp_rr",
                {
                    "connections": ("10", "100"),
                    "mode": ("open",),
                    "rate": LADDER,
                },
                latency=True,
            ),
            Sweep(
                "http_one_byte",
                {"rate": ("500", "1000", "2000", "4000", "6000", "8000", "10000")},
            ),
            *SOURCES,
            *CREWS,
            *STREAMS,
            *BYSTANDERS,
        ),
        (
            Sweep(
                "idle_scan",
                {
                    "source": ("eventfd", "pipe", "unix"),
                    "registered": ("1", "10", "100", "1000", "10000"),
                },
            ),
            Sweep("idle_scan", {"source": ("eventfd",), "registered": ("100000",)}),
            Sweep("idle_scan", {"source": ("tcp",), "registered": ("1", "100", "1000")}),
            Sweep(
                "active_ratio",
                {
                    "source": ("eventfd", "unix"),
                    "registered": ("1000",),
                    "active": ("1", "10", "100", "500", "1000"),
                },
            ),
            Sweep("chain", {"registered": ("100", "1000")}),
            Sweep("harvest", {"batch": ("1", "8", "64", "512")}),
            Sweep("harvest", {"ring": ("16", "256", "4096")}),
            Sweep("empty_wait", {"registered": ("1", "100", "10000")}),
            Sweep(
                "ctl_churn",
                {"registered": ("100", "1000", "10000"), "batch": ("1", "16", "64")},
            ),
            Sweep(
                "source_pingpong",
                {"source": ("eventfd", "pipe", "unix", "tcp"), "payload": ("1", "1024")},
            ),
            Sweep("tcp_rr", {"connections": ("1", "10", "100")}),
            Sweep("http_one_byte", {"keepalive": ("off", "on"), "in_flight": ("1", "16", "64")}),
            Sweep("footprint", {"registered": ("1000", "10000", "100000")}),
            Sweep("herd", {"threads": ("2", "8", "32"), "queue": _QUEUES}),
            Sweep("shared_vs_private_queue", {"threads": ("1", "4"), "queue": _QUEUES}),
            Sweep("stream_bench", {"source": ("pipe", "unix", "tcp")}),
            *BYSTANDERS,
            REAL_SERVERS,
        ),
    ),
)

#: What a workload that is in no profile does when it is asked for by name. kevent_2006: the load from
#: far below to beyond saturation (W1 of the 2006 tests), more requests a connection (W2), the epoll
#: servers it may have been (W1c), the limit of 4096 registrations (W1d), a storm of
#: connections, all or one of which are accepted an event (W6).
BY_NAME: dict[str, tuple[Sweep, ...]] = {
    "kevent_2006": (
        Sweep("kevent_2006", {"rate": ("1000", "2500", "3400", "6000", "12000", "25000")}),
        Sweep("kevent_2006", {"rate": ("6000",), "requests": ("10", "100")}),
        Sweep("kevent_2006", {"rate": ("3400",), "style": ("naive", "optimistic")}),
        Sweep(
            "kevent_2006",
            {"rate": ("1000",), "watch_limit": ("4096",), "idle": ("1000", "4000", "6000")},
            purpose="scaling",
        ),
        Sweep(
            "kevent_2006",
            {"rate": ("3400",), "accept": ("all", "one"), "burst": ("16", "256", "1000")},
            purpose="scaling",
        ),
    ),
    "herd": (Sweep("herd", {"queue": _QUEUES}, also=_ONE_IS_TOLD),),
    "shared_vs_private_queue": (
        Sweep("shared_vs_private_queue", {"queue": _QUEUES}, also=_ONE_IS_TOLD),
    ),
    "stream_bench": (Sweep("stream_bench", {"source": ("pipe", "unix", "tcp")}),),
    "bystander": BYSTANDERS,
    "real_server": (REAL_SERVERS,),
}

PROFILES: dict[str, Profile] = {profile.name: profile for profile in _PROFILES}
