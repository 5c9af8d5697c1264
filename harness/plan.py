# SPDX-License-Identifier: MIT
"""What a run will do, decided whole before anything is measured or written."""

from __future__ import annotations

import itertools
import math
import os
import resource
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from harness.catalogue import Catalogue, Workload
from harness.errors import UsageError
from harness.names import Variant
from harness.profiles import (
    BY_NAME,
    FLOOR_VARIANT,
    FLOOR_WORKLOADS,
    LIMIT,
    PROFILES,
    QUICK_VARIANTS,
    Profile,
    Sweep,
)
from harness.protocol import CONTROL, Protocol
from results.keys import params_text

EXTERNAL = "http_one_byte"
#: The web server of the 2006 claim, loaded by our own generator.
WEB_2006 = "kevent_2006"
#: Workloads that are loaded from outside their process and have no slices.
LOADED = (EXTERNAL, WEB_2006)
#: A latency slice of an open loop is this many ordinary ones long: at a rate far below the peak an
#: ordinary one holds too few requests to say anything of the tail.
OPEN_LATENCY_SLICES = 4
#: Descriptors a worker needs besides those it watches: streams, timers, rings, tracepoints.
SPARE_DESCRIPTORS = 160


@dataclass(frozen=True)
class Side:
    """One entry of a comparison; a variant entered twice has the entry number 2 on its twin."""

    variant: Variant
    entry: int = 1
    #: lt, et or oneshot; decides which epoll variant it is divided by.
    trigger: str = "lt"
    #: Which of several builds runs it, where builds are compared: "base", "change".
    build: str = ""

    @property
    def label(self) -> str:
        """Unique in its cell: "epoll+lt", "epoll+lt#2", "epoll+lt@base"."""
        name = f"{self.variant.name}@{self.build}" if self.build else self.variant.name
        return name if self.entry == 1 else f"{name}#{self.entry}"


@dataclass(frozen=True)
class Cell:
    """One workload at one set of parameters, with every side that is measured in it."""

    workload: str
    params: dict[str, str]
    purpose: str
    latency: bool
    instructions: bool
    protocol: Protocol
    sides: tuple[Side, ...]
    #: Parameters that differ from their defaults or between the plan's cells: enough for people.
    shown: frozenset[str] | None = None

    @property
    def open_loop(self) -> bool:
        """Load that follows a plan instead of the replies."""
        return self.params.get("mode") == "open"

    @property
    def title(self) -> str:
        """For people."""
        names = self.params if self.shown is None else self.shown
        chosen = {name: value for name, value in self.params.items() if name in names}
        text = f"{self.workload} {params_text(chosen)}".rstrip()
        return f"harness floor of {text}" if self.purpose == "floor" else text

    @property
    def identity(self) -> str:
        """Workload with all parameters."""
        return f"{self.workload} {params_text(self.params)}"


@dataclass(frozen=True)
class Skip:
    """Something asked for that will not be measured."""

    workload: str | None
    params: dict[str, str]
    variant: Variant | None
    kind: str
    reason: str
    where: str = "host"


@dataclass(frozen=True)
class Plan:
    """Cells in the order of measurement and everything left out, with reasons."""

    profile: str
    purpose: str
    cells: tuple[Cell, ...]
    skips: tuple[Skip, ...]
    #: Values the profile chose; tables show these and hide parameters at their defaults.
    shown: dict[str, set[str]] = field(default_factory=dict)


@dataclass(frozen=True)
class Request:
    """The options of `run` that choose what is measured."""

    profile: str = "quick"
    mechanisms: tuple[str, ...] = ()
    workloads: tuple[str, ...] = ()
    params: tuple[str, ...] = ()
    where: str = "host"
    aa: bool = False


def descriptor_limit() -> int:
    """Descriptors a process may open, after raising the soft limit to the hard one.

    The hard limit is the machine owner's decision and is never touched.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    ceiling = 1 << 20
    return ceiling if hard == resource.RLIM_INFINITY else min(hard, ceiling)


def descriptors_needed(params: Mapping[str, str]) -> int:
    """Upper estimate of what one worker opens: both ends of all but eventfd, and some of its own."""
    ends = 1 if params.get("source") == "eventfd" else 2
    watched = int(params.get("registered", "0")) * ends
    held = 2 * int(params.get("connections", "0")) + int(params.get("idle", "0"))
    return watched + held + SPARE_DESCRIPTORS


def is_share(text: str) -> bool:
    """Whether a rate is a share of what the reference reaches in a closed loop, such as "70%"."""
    return text.endswith("%") and text[:-1].isdigit() and 0 < int(text[:-1]) <= 1000


def parse_params(texts: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """ "k=v" options by name, in order; a name given twice sweeps. Raises UsageError."""
    found: dict[str, list[str]] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not name or not value:
            raise UsageError(f"--param {text}: write NAME=VALUE, such as registered=1000")
        if value not in found.setdefault(name, []):
            found[name].append(value)
    return {name: tuple(values) for name, values in found.items()}


def _largest(sweep_params: Mapping[str, str], limit: int) -> int:
    """The largest `registered` the limit allows, on a round number below it."""
    ends = 1 if sweep_params.get("source") == "eventfd" else 2
    room = max(1, (limit - SPARE_DESCRIPTORS) // ends)
    step = int(10 ** max(0, int(math.log10(room)) - 2))
    return min(100_000, room // step * step)


def expand(
    sweep: Sweep, workload: Workload, given: Mapping[str, tuple[str, ...]], limit: int
) -> list[dict[str, str]]:
    """The parameter sets of a sweep, those given on the command line in place of the profile's."""
    values = dict(sweep.values)
    values.update({name: chosen for name, chosen in given.items() if name in workload.params})
    names = sorted(values)
    sets = []
    for combination in itertools.product(*(values[name] for name in names)):
        params = dict(zip(names, combination))
        if params.get("registered") == LIMIT:
            params["registered"] = str(_largest(params, limit))
        share = params.get("rate", "")
        if is_share(share):
            # Settled when the run knows the machine; any rate that is possible stands for it.
            complete = {**workload.complete({**params, "rate": "1000"}), "rate": share}
        else:
            complete = workload.complete(params)
        if complete not in sets:
            sets.append(complete)
    return sets


def check_given(
    catalogue: Catalogue, workloads: Sequence[str], given: Mapping[str, tuple[str, ...]]
) -> None:
    """Every given parameter must belong to a chosen workload and be possible there."""
    for name, values in given.items():
        owners = [item for item in workloads if name in catalogue.workloads[item].params]
        if not owners:
            known = sorted(
                {param for item in workloads for param in catalogue.workloads[item].params}
            )
            raise UsageError(
                f"unknown parameter {name}: the chosen workloads have {', '.join(known)}"
            )
        for owner in owners:
            for value in values:
                params = catalogue.workloads[owner].params
                # Only a workload that has a closed loop knows what to take a share of.
                if not (name == "rate" and "mode" in params and is_share(value)):
                    params[name].check(owner, value)


def _check_limit(
    params: Mapping[str, str], given: Mapping[str, tuple[str, ...]], limit: int
) -> None:
    """A size that was asked for by name must fit; one that a profile asks for is left out aloud."""
    needed = descriptors_needed(params)
    if needed > limit and any(name in given for name in ("registered", "connections", "source")):
        raise UsageError(
            f"{params_text({n: params[n] for n in given if n in params})} needs {needed} descriptors "
            f"and the limit is {limit}: raise it (ulimit -Hn {needed}) or ask for less"
        )


def _able(
    wanted: Sequence[Variant], catalogue: Catalogue
) -> tuple[list[Variant], list[tuple[Variant, str]]]:
    """Those of them that work here, and of the others why not."""
    able, unable = [], []
    for item in wanted:
        reason = catalogue.variants.get(item, "not part of this build")
        if reason is None:
            able.append(item)
        else:
            unable.append((item, reason))
    return able, unable


def _choose_variants(
    request: Request, profile: Profile, catalogue: Catalogue
) -> tuple[list[Variant], list[tuple[Variant, str]]]:
    """Variants to measure, and those to skip with the reason."""
    texts = request.mechanisms or profile.variants
    chosen: list[Variant] = []
    if request.mechanisms:
        for text in texts:
            chosen += [item for item in catalogue.find_variants(text) if item not in chosen]
    elif profile.variants:
        chosen = [Variant(*text.split("+", 1)) for text in texts]
        # Whoever loads an adapter wants to see it.
        chosen += [item for item in catalogue.plugins if item not in chosen]
    else:
        chosen = [item for item in catalogue.variants if item.mechanism != "null"]
        expected = {Variant(*text.split("+", 1)) for text in QUICK_VARIANTS}
        chosen += sorted(expected - set(chosen))
    able, unable = _able(chosen, catalogue)
    if not able and request.where == "host":
        raise UsageError(
            f"nothing to measure: {unable[0][0].name} is not available: {unable[0][1]}"
        )
    return able, unable


def _sides(variants: Sequence[Variant], catalogue: Catalogue, request: Request) -> tuple[Side, ...]:
    """Every variant, and in a control its twin."""
    entries = (1, 2) if request.aa else (1,)
    return tuple(
        Side(item, entry, catalogue.triggers.get(item, "lt"))
        for entry in entries
        for item in variants
    )


def also_variants(sweep: Sweep, chosen: Sequence[Variant]) -> list[Variant]:
    """What a sweep adds to the variants of its profile."""
    named = [Variant(*text.split("+", 1)) for text in sweep.also]
    return [one for one in named if one not in chosen]


def floor_cells(cells: Sequence[Cell], catalogue: Catalogue, protocol: Protocol) -> list[Cell]:
    """The null adapter alone in the cells with the cheapest events, received bytes not checked.

    Checking is the same work on every side and belongs to the workload, not to the harness.
    """
    floor = Variant(*FLOOR_VARIANT.split("+"))
    if catalogue.variants.get(floor, "absent") is not None:
        return []
    made = []
    for cell in cells:
        chosen = cell.workload in FLOOR_WORKLOADS and cell.instructions
        if chosen and "checks" in catalogue.workloads[cell.workload].params:
            params = {**cell.params, "checks": "off"}
            made.append(Cell(cell.workload, params, "floor", False, True, protocol, (Side(floor),)))
    return made


def named_sweeps(workloads: Sequence[str], sweeps: Sequence[Sweep]) -> list[Sweep]:
    """The sweeps of the chosen workloads; a workload they lack runs those of its own (BY_NAME), or
    once, at its defaults."""
    if not workloads:
        return list(sweeps)
    chosen = [item for item in sweeps if item.workload in workloads]
    covered = {item.workload for item in chosen}
    for name in workloads:
        if name not in covered:
            chosen += BY_NAME.get(name, (Sweep(name),))
    return chosen


def _sweeps(request: Request, profile: Profile) -> list[Sweep]:
    """The profile's sweeps of the chosen workloads, without curves in a control."""
    sweeps = named_sweeps(request.workloads, profile.sweeps)
    # The control asks whether the headline figures can be trusted; curves add only time.
    return [item for item in sweeps if not request.aa or item.purpose == "headline"]


def make_plan(request: Request, catalogue: Catalogue, limit: int) -> Plan:
    """Decides what to measure. Raises UsageError for anything that was asked for and cannot be."""
    if request.profile not in PROFILES:
        raise UsageError(
            f"unknown profile {request.profile}: known are {', '.join(sorted(PROFILES))}"
        )
    profile = PROFILES[request.profile]
    for name in request.workloads:
        item = catalogue.find_workload(name)
        if not item.available:
            raise UsageError(f"{name} is not available here: {item.reason}")
    variants, unable = _choose_variants(request, profile, catalogue)
    given = parse_params(request.params)
    sweeps = _sweeps(request, profile)
    known = [item.workload for item in sweeps if item.workload in catalogue.workloads]
    check_given(catalogue, known, given)

    cells: list[Cell] = []
    skips: list[Skip] = []
    seen: set[tuple[str, str]] = set()
    for sweep in sweeps:
        workload = catalogue.workloads.get(sweep.workload)
        if workload is None or not workload.available or workload.guest_only:
            found = workload and (workload.reason or workload.guest_only)
            why = "not part of this build" if workload is None else str(found)
            skips.append(Skip(sweep.workload, {}, None, "unavailable", why))
            continue
        for params in expand(sweep, workload, given, limit):
            identity = (sweep.workload, params_text(params))
            if identity in seen:
                continue
            seen.add(identity)
            _check_limit(params, given, limit)
            if descriptors_needed(params) > limit:
                why = f"needs {descriptors_needed(params)} descriptors, the limit is {limit}"
                skips.append(Skip(sweep.workload, params, None, "not-applicable", why))
                continue
            protocol = profile.headline if sweep.purpose == "headline" else profile.scaling
            more, lacking = _able(
                [] if request.mechanisms else also_variants(sweep, variants), catalogue
            )
            skips += [
                Skip(sweep.workload, params, item, "unavailable", reason)
                for item, reason in (*unable, *lacking)
            ]
            if not variants:
                continue
            cells.append(
                Cell(
                    sweep.workload,
                    params,
                    sweep.purpose,
                    sweep.latency and workload.timed and not request.aa,
                    sweep.instructions and not request.aa,
                    CONTROL if request.aa else protocol,
                    _sides([*variants, *more], catalogue, request),
                )
            )
    shown = shown_params(cells, catalogue, sweeps)
    if not request.aa:
        cells += floor_cells(cells, catalogue, profile.scaling)
    return Plan(
        request.profile,
        "aa" if request.aa else "bench",
        tuple(
            replace(
                cell,
                shown=frozenset(shown[cell.workload]),
            )
            for cell in cells
        ),
        tuple(skips),
        shown,
    )


def shown_params(
    cells: Iterable[Cell], catalogue: Catalogue, chosen: Iterable[Sweep]
) -> dict[str, set[str]]:
    """By workload, the parameters that were chosen, or differ between cells or from their defaults."""
    shown: dict[str, set[str]] = {}
    for sweep in chosen:
        shown.setdefault(sweep.workload, set()).update(sweep.values)
    for cell in cells:
        defaults = catalogue.workloads[cell.workload].params
        names = shown.setdefault(cell.workload, set())
        names |= {
            name
            for name, value in cell.params.items()
            if name not in defaults or value != defaults[name].default
        }
        others = [one.params for one in cells if one.workload == cell.workload]
        names |= {name for name in cell.params if len({one[name] for one in others}) > 1}
    return shown


def cpus() -> int:
    """CPUs this process may use."""
    return len(os.sched_getaffinity(0))
