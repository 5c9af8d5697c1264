# SPDX-License-Identifier: MIT
"""What a guest would tell of a server, for tests that boot none."""

from __future__ import annotations

from collections.abc import Mapping

from harness.realserver.plan import BATCHES, load_of, requests_of

PARAMS = {
    "server": "nginx",
    "rate": "10000",
    "requests": "10",
    "connections": "1000",
    "body": "2737",
}


def httperf_output(params: Mapping[str, str]) -> list[str]:
    """Lines of httperf where every request was answered."""
    connections, requests = load_of(params).connections_each, requests_of(params)
    return [
        f"Total: connections {connections} requests {requests} replies {requests} "
        "test-duration 0.020 s",
        "Connection time [ms]: min 0.2 avg 0.2 max 0.4 median 0.5 stddev 0.1",
        "Reply time [ms]: response 0.2 transfer 0.0",
        f"Reply size [B]: header 240.0 content {params['body']}.0 footer 0.0 (total 2977.0)",
        f"Reply status: 1xx=0 2xx={requests} 3xx=0 4xx=0 5xx=0",
        "Errors: total 0 client-timo 0 socket-timo 0 connrefused 0 connreset 0",
        "Errors: fd-unavail 0 addrunavail 0 ftab-full 0 other 0",
    ]


def told(number: int, params: Mapping[str, str], cost: int, preloaded: bool) -> str:
    """A cell in which a request takes `cost` instructions."""
    lines = [f"cell {number}"]
    for batch in range(BATCHES + 1):
        lines.append(f"batch {batch} {cost * requests_of(params)} 0")
        lines += [f"out {line}" for line in httperf_output(params)]
    lines.append("left 0")
    if preloaded:
        lines.append("log kevent-preload: 1206 events by kevent, 0 by epoll")
    return "\n".join(lines) + "\n"
