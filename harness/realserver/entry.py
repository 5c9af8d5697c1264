# SPDX-License-Identifier: MIT
"""`real_server` as the catalogue lists it. The worker, which knows the rest, has no part in it."""

from __future__ import annotations

from typing import Any

from harness.realserver.servers import SERVERS

NAME = "real_server"
GUEST_ONLY = "measured in the guest alone, where kevent.ko is loaded: use --where guest or both"


def _number(default: int, least: int, most: int) -> dict[str, Any]:
    return {"default": default, "min": least, "max": most, "choices": None}


#: Parameters that kevent_2006 has too mean the same here. The server's limit of connections is never
#: below what a batch of requests opens; 1000 requests are what both servers allow a connection.
PARAMS: dict[str, dict[str, Any]] = {
    "server": {"default": "nginx", "min": None, "max": None, "choices": sorted(SERVERS)},
    "rate": _number(1000, 1, 100_000),
    "requests": _number(1, 1, 1000),
    "connections": _number(1000, 256, 1000),
    "body": _number(2737, 1, 1 << 20),
}


def entry(ask: bool) -> dict[str, Any]:
    """The item of a `kvb.list` document; available where one of the servers can be had.

    To ask apt takes a second a server. Without `ask` they count as there, and whoever measures them
    finds out about each.
    """
    reasons = [server.why_missing() if ask else None for server in SERVERS.values()]
    lacking = all(reasons)
    return {
        "name": NAME,
        "available": not lacking,
        "reason": "; ".join(str(one) for one in reasons) if lacking else None,
        "params": PARAMS,
        "operation": "request",
        "timed": False,
        "external_load": True,
        "guest_only": GUEST_ONLY,
    }
