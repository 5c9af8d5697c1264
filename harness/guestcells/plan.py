# SPDX-License-Identifier: MIT
"""What the guest will do, decided before it boots, and the plan file that tells it.

A request of the plan file is one side of one cell in a process of its own (kevbench-worker batch).
Beside the sides, cells of workloads that can run without any mechanism have one more request for
that, which is what dispatch cost is measured against.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from harness.catalogue import Catalogue
from harness.controller.calibrate import granule_of
from harness.names import Variant
from harness.plan import (
    EXTERNAL,
    WEB_2006,
    Cell,
    Request,
    Side,
    Skip,
    also_variants,
    check_given,
    expand,
    floor_cells,
    named_sweeps,
    parse_params,
    shown_params,
)
from harness.plan import LOADED as DRIVEN
from harness.profiles import PROFILES, Profile, Sweep
from harness.protocol import Protocol
from harness.realserver.entry import NAME as REAL_SERVER
from harness.realserver.plan import ServerPlan, make_server_plan
from results.identity import derived_seed
from results.keys import params_text

#: Same input and output, no mechanism, with one read a message or until nothing is left; and the
#: workloads that have it.
BARE = Variant("null", "bare")
BARE_DRAIN = Variant("null", "bare-drain")
BARE_WORKLOADS = frozenset({"idle_scan", "active_ratio", "source_pingpong", "tcp_rr"})
#: Several threads on the one processor of a counting guest: what they do is counted together.
TWO_THREADS = frozenset(
    {
        "source_pingpong",
        "tcp_rr",
        "wake_latency",
        "herd",
        "shared_vs_private_queue",
        "stream_bench",
    }
)
#: What nobody watches. Counted in a kernel without the module, too, where it is done bare.
BYSTANDER = "bystander"
MODULE = "module"
ABSENT, LOADED = "absent", "loaded"
#: Descriptors a process in the guest may open.
DESCRIPTOR_LIMIT = 131_072
#: Batches of a count. Their median leaves out those that a timer tick fell into.
BATCHES = 9
#: Virtual ns, that is instructions, that a batch lasts at least. A tick comes every 4 million.
_LEAST = 400_000
#: Handing a run to a second thread and getting it back costs some 10,000 instructions.
_LEAST_TWO_THREADS = 2_000_000
#: Several threads are handed a run and dismissed in each batch.
_LEAST_CREW = 10_000_000
CREWS = frozenset({"herd", "shared_vs_private_queue"})
#: HTTP: requests of a batch, and batches.
_REQUESTS = 64
_HTTP_BATCHES = 9
#: Wall ns of a batch where times are real, and batches of one process.
_TIME_BATCH_NS = 6_000_000
_TIME_BATCHES = 4
#: Processes of each side where times are real.
_TIME_PAIRS = 8

ICOUNT = Protocol(pairs=1, blocks=1, warmup_slices=0, spare_pairs=0, count_repeats=BATCHES)
TIMES = Protocol(pairs=_TIME_PAIRS, blocks=_TIME_BATCHES, warmup_slices=1, spare_pairs=0)


@dataclass(frozen=True)
class GuestPlan:
    """Cells for the guest, and everything left out, with reasons."""

    series: str
    cells: tuple[Cell, ...]
    skips: tuple[Skip, ...]
    shown: dict[str, set[str]]
    #: Variants that read until nothing is left.
    drains: frozenset[Variant] = frozenset()
    #: Parameters of kevent.ko.
    module_params: Mapping[str, str] = field(default_factory=dict)
    #: Other people's servers, in boots of their own.
    servers: ServerPlan = field(default_factory=ServerPlan)

    def bare_of(self, side: Side) -> Variant:
        """The bare work that reads as this side does."""
        return BARE_DRAIN if side.variant in self.drains else BARE


def make_guest_plan(request: Request, catalogue: Catalogue, series: str) -> GuestPlan:
    """The guest's share of a request. Raises UsageError for what cannot be.

    What the mechanisms of the list say of this machine's kernel does not matter here; whether they
    work in the guest is found out there.
    """
    profile = PROFILES[request.profile]
    for name in request.workloads:
        catalogue.find_workload(name)
    variants = _variants(request, profile, catalogue)
    given = parse_params(request.params)
    cells: list[Cell] = []
    skips: list[Skip] = []
    served: list[dict[str, str]] = []
    sweeps = named_sweeps(request.workloads, profile.guest_sweeps)
    known = {one.workload for one in sweeps} & set(catalogue.workloads)
    check_given(catalogue, sorted(known), given)
    for sweep in sweeps:
        workload = catalogue.workloads.get(sweep.workload)
        if workload is None or not workload.available:
            why = "not part of this build" if workload is None else str(workload.reason)
            skips.append(Skip(sweep.workload, {}, None, "unavailable", why, "guest"))
            continue
        if sweep.workload == REAL_SERVER:
            served += expand(sweep, workload, given, DESCRIPTOR_LIMIT)
            continue
        more = [] if request.mechanisms else also_variants(sweep, variants)
        sides = tuple(Side(one, 1, catalogue.triggers.get(one, "lt")) for one in (*variants, *more))
        for params in _params(sweep, catalogue, given):
            cell = Cell(sweep.workload, params, "headline", False, True, ICOUNT, sides)
            if cell not in cells:
                cells.append(cell)
    servers = make_server_plan(served, request.mechanisms)
    shown = shown_params([*cells, *servers.cells], catalogue, sweeps)
    cells += [
        replace(cell, protocol=ICOUNT) for cell in floor_cells(cells, catalogue, profile.scaling)
    ]
    return GuestPlan(
        series,
        _showing(cells, shown),
        tuple(skips),
        shown,
        catalogue.drains,
        servers=replace(servers, cells=_showing(servers.cells, shown)),
    )


def _showing(cells: Sequence[Cell], shown: Mapping[str, set[str]]) -> tuple[Cell, ...]:
    return tuple(replace(cell, shown=frozenset(shown[cell.workload])) for cell in cells)


def _variants(request: Request, profile: Profile, catalogue: Catalogue) -> list[Variant]:
    if request.mechanisms:
        chosen: list[Variant] = []
        for text in request.mechanisms:
            chosen += [one for one in catalogue.find_variants(text) if one not in chosen]
        return chosen
    if profile.variants:
        return [Variant(*text.split("+", 1)) for text in profile.variants]
    return [one for one in catalogue.variants if one.mechanism != "null"]


def _params(
    sweep: Sweep, catalogue: Catalogue, given: Mapping[str, tuple[str, ...]]
) -> list[dict[str, str]]:
    """The parameter sets of a sweep. A closed loop of our own takes the place of a request rate."""
    if sweep.workload == EXTERNAL:
        return http_params(sweep, given)
    if sweep.workload == WEB_2006:
        return web_params(sweep, given)
    workload = catalogue.workloads[sweep.workload]
    sets = expand(sweep, workload, given, DESCRIPTOR_LIMIT)
    if sweep.workload in TWO_THREADS and "placement" not in given:
        sets = [{**one, "placement": "same-cpu"} for one in sets]
    if sweep.workload == BYSTANDER and MODULE not in given:
        sets = [{**one, MODULE: state} for one in sets for state in (ABSENT, LOADED)]
    return sets


HTTP_DEFAULTS = {"keepalive": "off", "in_flight": "1", "connections": "512", "batch": "64"}


def http_params(sweep: Sweep, given: Mapping[str, tuple[str, ...]]) -> list[dict[str, str]]:
    """Parameters of the closed loop that http_one_byte is in the guest, one set a value."""
    sets = [dict(HTTP_DEFAULTS)]
    for name in HTTP_DEFAULTS:
        values = given.get(name) or sweep.values.get(name) or (HTTP_DEFAULTS[name],)
        sets = [{**one, name: value} for one in sets for value in values]
    return sets


WEB_DEFAULTS = {
    "requests": "1",
    "in_flight": "1",
    "reply": "2737",
    "style": "plain",
    "accept": "all",
    "connections": "1000",
    "batch": "64",
}


def web_params(sweep: Sweep, given: Mapping[str, tuple[str, ...]]) -> list[dict[str, str]]:
    """The same for kevent_2006; parameters of its open loop have no place in a count."""
    sets = [dict(WEB_DEFAULTS)]
    for name, default in WEB_DEFAULTS.items():
        values = given.get(name) or sweep.values.get(name) or (default,)
        sets = [{**one, name: value} for one in sets for value in values]
    return sets


@dataclass(frozen=True)
class Asked:
    """One request of a plan file: which side of which cell, and in which pair of processes."""

    cell: int
    side: Side
    pair: int = 0

    @property
    def identity(self) -> str:
        """Its name in the plan file and in the answers."""
        return f"{self.cell}:{self.side.label}:{self.pair}"


def without_module(cell: Cell) -> bool:
    """Whether a cell is counted in a guest without kevent.ko."""
    return cell.params.get(MODULE) == ABSENT


def counting(plan: GuestPlan) -> list[Asked]:
    """Requests of a guest that counts instructions: each side once, cell by cell.

    kevent comes last, after all cells of the others: its first watch on a kind of descriptor makes
    the kernel look for watches at every read and write there, and go on doing so when it has
    gone. That is kevent's cost and must not be found in the figures of those it is compared with.
    """
    found = []
    for number, cell in enumerate(plan.cells):
        sides = list(cell.sides)
        if without_module(cell):
            sides.append(Side(BARE))
        elif cell.workload in BARE_WORKLOADS and cell.purpose != "floor":
            needed = {plan.bare_of(side) for side in cell.sides}
            sides += [Side(one) for one in sorted(needed)]
        found += [Asked(number, side) for side in sides]
    return sorted(found, key=lambda one: one.side.variant.mechanism == "kevent")


def timing(plan: GuestPlan, seed: int) -> list[Asked]:
    """Requests of a guest whose times are real: every side in each of several rounds, in an order
    of its own each time, so that slow drift meets all sides alike."""
    found = []
    for number, cell in enumerate(plan.cells):
        if cell.workload in DRIVEN or cell.purpose == "floor" or without_module(cell):
            continue
        rng = random.Random(derived_seed(seed, "guest", cell.identity))
        for pair in range(TIMES.pairs):
            order = list(cell.sides)
            rng.shuffle(order)
            found += [Asked(number, side, pair) for side in order]
    return found


def _cell_line(cell: Cell, asked: Asked, real_time: bool) -> dict[str, Any]:
    least = _LEAST_TWO_THREADS if cell.workload in TWO_THREADS else _LEAST
    least = _LEAST_CREW if cell.workload in CREWS else least
    return {
        "do": "cell",
        "workload": cell.workload,
        "mechanism": asked.side.variant.mechanism,
        "variant": asked.side.variant.variant,
        "params": cell.params,
        "granule": granule_of(cell.params),
        "least_ns": _TIME_BATCH_NS if real_time else least,
        "batches": _TIME_BATCHES if real_time else BATCHES,
        "counters": not real_time and asked.side.variant.mechanism != "null",
        "slices": real_time,
    }


def _web_line(cell: Cell, asked: Asked) -> dict[str, Any]:
    options = [
        word for name in ("reply", "style", "accept") for word in (f"--{name}", cell.params[name])
    ]
    return {
        **_http_line(replace(cell, params={**cell.params, "keepalive": "off"}), asked),
        "keep_alive": cell.params["requests"] != "1",
        "each": int(cell.params["requests"]),
        "options": options,
    }


def _http_line(cell: Cell, asked: Asked) -> dict[str, Any]:
    return {
        "do": "http",
        "mechanism": asked.side.variant.mechanism,
        "variant": asked.side.variant.variant,
        "connections": int(cell.params["connections"]),
        "in_flight": int(cell.params["in_flight"]),
        "keep_alive": cell.params["keepalive"] == "on",
        "batch": int(cell.params["batch"]),
        "requests": _REQUESTS,
        "batches": _HTTP_BATCHES,
    }


#: Facts of the guest's env record and the files that tell them.
FACTS = {
    "kernel.release": "/proc/sys/kernel/osrelease",
    "kernel.version": "/proc/sys/kernel/version",
    "kernel.command_line": "/proc/cmdline",
    "kernel.tainted": "/proc/sys/kernel/tainted",
    "kernel.aslr": "/proc/sys/kernel/randomize_va_space",
    "kernel.io_uring_disabled": "/proc/sys/kernel/io_uring_disabled",
    "clock.source": "/sys/devices/system/clocksource/clocksource0/current_clocksource",
    "module.kevent.srcversion": "/sys/module/kevent/srcversion",
    "module.kevent.taint": "/sys/module/kevent/taint",
    "module.kevent.parameters.close_watch": "/sys/module/kevent/parameters/close_watch",
    "module.kevent.index": "/sys/module/kevent/parameters/index",
}
_READ = "facts"


def lines(plan: GuestPlan, asked: Sequence[Asked], real_time: bool) -> Iterator[str]:
    """The plan file: the guest's facts first, then the requests in order."""
    yield json.dumps({"id": _READ, "do": "read", "files": FACTS})
    for one in asked:
        cell = plan.cells[one.cell]
        if cell.workload == WEB_2006:
            fields = _web_line(cell, one)
        elif cell.workload == EXTERNAL:
            fields = _http_line(cell, one)
        else:
            fields = _cell_line(cell, one, real_time)
        yield json.dumps({"id": one.identity, **fields})


def is_facts(identity: object) -> bool:
    """Whether an answer is the one to the request for the guest's facts."""
    return identity == _READ


def print_guest_plan(plan: GuestPlan, seconds: str) -> None:
    """For --dry-run."""
    print(f"guest, kernel {plan.series}: {len(plan.cells)} cells, instructions counted")
    for cell in plan.cells:
        names = [side.label for side in cell.sides]
        print(f"  {cell.title or params_text(cell.params)}: {len(names)} variants")
    for cell in plan.servers.cells:
        print(f"  {cell.title}: {len(cell.sides)} variants, a boot for each side")
    for skip in plan.servers.skips:
        print(f"skipped: {skip.workload} {params_text(skip.params)}: {skip.reason}")
    every = (*plan.cells, *plan.servers.cells)
    variants = sorted({side.label for cell in every for side in cell.sides})
    print(f"variants: {', '.join(variants)}")
    print(f"estimated time of the guest part: {seconds}")
