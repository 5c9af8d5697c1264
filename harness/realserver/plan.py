# SPDX-License-Identifier: MIT
"""Which servers are measured at which load, decided before anything boots."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from harness.load import httperf
from harness.names import Variant
from harness.plan import Cell, Side, Skip
from harness.protocol import Protocol
from harness.realserver.entry import NAME
from harness.realserver.servers import PORT, SERVERS

NATIVE = Variant("epoll", "native")
PRELOAD = Variant("kevent", "preload")
#: Boots of each side. A side has a boot of its own: how kevent hears of closes costs whom it does not
#: serve, too, which must not be charged to a server on epoll.
BOOTS = 2
BATCHES = 9
#: Requests of a batch: an interrupt of the timer in it weighs little.
REQUESTS = 100
PROTOCOL = Protocol(pairs=BOOTS, blocks=BATCHES, warmup_slices=1, spare_pairs=0, count_repeats=1)
#: Virtual seconds after which httperf gives a connection up.
_TIMEOUT_S = 5.0
_BOOT_S = 12.0
"""An emulated guest to its first cell, and to its end."""
_CELL_S = 3.0
"""One cell in one boot, without what httperf waits at low rates."""
_WAIT_S = 2.0
"""Wall seconds of a virtual second of waiting: httperf spins."""


@dataclass(frozen=True)
class ServerPlan:
    """Cells with a side or two, and what is left out."""

    cells: tuple[Cell, ...] = ()
    skips: tuple[Skip, ...] = ()


def make_server_plan(sets: Iterable[dict[str, str]], mechanisms: Sequence[str]) -> ServerPlan:
    """A cell for each set of parameters. `mechanisms` are those asked for; empty = all."""
    asked = {text.partition("+")[0] for text in mechanisms}
    chosen = [one for one in (NATIVE, PRELOAD) if not asked or one.mechanism in asked]
    cells: list[Cell] = []
    skips: list[Skip] = []
    wanted = list(sets)
    missing = {
        name: SERVERS[name].why_missing()
        for name in dict.fromkeys(params["server"] for params in wanted)
    }
    for params in wanted:
        server = SERVERS[params["server"]]
        why = missing[server.name]
        if not chosen:
            why = "servers run on epoll or on kevent, and neither is asked for"
        if why:
            skips.append(Skip(NAME, params, None, "unavailable", why, "guest"))
            continue
        sides = tuple(Side(one, 1, server.trigger) for one in chosen)
        cells.append(Cell(NAME, params, "headline", False, True, PROTOCOL, sides))
    return ServerPlan(tuple(cells), tuple(skips))


def load_of(params: Mapping[str, str]) -> httperf.Plan:
    """What httperf offers in one batch."""
    calls = int(params["requests"])
    rate = int(params["rate"]) / calls
    return httperf.Plan(
        port=PORT,
        connection_rate=rate,
        duration_s=-(-REQUESTS // calls) / rate,
        uri="/page",
        calls=calls,
        timeout_s=_TIMEOUT_S,
    )


def requests_of(params: Mapping[str, str]) -> int:
    """Requests of one batch, a whole number of connections."""
    return load_of(params).connections_each * int(params["requests"])


def boot_seconds(plan: ServerPlan) -> float:
    """Estimated seconds of one boot, which measures every cell on one side."""
    waits = sum(load_of(cell.params).duration_s for cell in plan.cells)
    return _BOOT_S + _CELL_S * len(plan.cells) + _WAIT_S * (BATCHES + 1) * waits


def server_seconds(plan: ServerPlan) -> float:
    """Estimated seconds of all boots."""
    sides = {side.variant for cell in plan.cells for side in cell.sides}
    return BOOTS * len(sides) * boot_seconds(plan) if plan.cells else 0.0
