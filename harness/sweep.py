# SPDX-License-Identifier: MIT
"""A run whose server and load generators are hosts with an agent each.

The plan is a `kvb.loadplan` document: `server` and `generators` say where the agents listen, the
rest chooses what is measured, as the options of `run` do. It is the server's catalogue that decides
which mechanisms there are, so one that its kernel lacks is in the results with the reason.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from harness import estimate
from harness.catalogue import Catalogue
from harness.errors import UsageError
from harness.load.errors import LoadError
from harness.load.remote import Address, Host, RemoteSite
from harness.measure import Away, Order, Outcome, Run
from harness.plan import LOADED, Plan, Request, make_plan
from harness.progress import Progress

SCHEMA = "kvb.loadplan"
_PLACES = {("host", "none"), ("guest", "kvm"), ("guest", "tcg")}
#: A host without a limit of its own.
_MANY = 1 << 20


@dataclass(frozen=True)
class LoadPlan:
    """What to measure and on which hosts."""

    server: Address
    where: str
    accel: str
    generators: tuple[Address, ...]
    request: Request
    seed: int | None
    labels: Mapping[str, str]


def _address(fields: Mapping[str, Any]) -> Address:
    return Address(str(fields["name"]), str(fields["address"]), int(fields["port"]))


def read_plan(path: Path) -> LoadPlan:
    """The plan of a file. Raises UsageError naming what is wrong with it."""
    try:
        fields = json.loads(path.read_text())
        if fields["schema"] != SCHEMA:
            raise ValueError(f"its schema is not {SCHEMA}")
        server = fields["server"]
        place = (str(server.get("where", "host")), str(server.get("accel", "none")))
        if place not in _PLACES:
            raise ValueError(f"where {place[0]} with accel {place[1]} is not possible")
        request = Request(
            str(fields.get("profile", "quick")),
            tuple(str(one) for one in fields.get("mechanisms", ())),
            tuple(str(one) for one in fields.get("workloads", LOADED[:1])),
            tuple(str(one) for one in fields.get("params", ())),
        )
        seed = fields.get("seed")
        return LoadPlan(
            _address(server),
            *place,
            tuple(_address(one) for one in fields["generators"]),
            request,
            None if seed is None else int(seed),
            {str(name): str(value) for name, value in fields.get("labels", {}).items()},
        )
    except OSError as problem:
        raise UsageError(f"cannot read {path}: {problem.strerror}") from None
    except (ValueError, KeyError, TypeError, AttributeError) as problem:
        raise UsageError(f"{path} is not a plan: {problem}") from None


class Sweep:
    """One plan on its hosts. carry_out() once."""

    def __init__(
        self, plan: LoadPlan, token: str, argv: Sequence[str], out: Path, quiet: bool
    ) -> None:
        wrong = [name for name in plan.request.workloads if name not in LOADED]
        if wrong:
            raise UsageError(
                f"{wrong[0]} is not loaded from outside: use {' or '.join(LOADED)}, "
                "and kevbench run on the host for the others"
            )
        self.plan = plan
        self.token = token
        self.argv = tuple(argv)
        self.out = out
        self.quiet = quiet

    def carry_out(self) -> Outcome:
        """Measures. Raises UsageError, and MeasurementFault when a host is not there at the start;
        one that goes away later ends the run with its reason, and what was measured is kept."""
        try:
            with RemoteSite(self.plan.server, self.plan.generators, self.token) as site:
                return self._run(site)
        except LoadError as problem:
            raise UsageError(str(problem)) from None

    def _run(self, site: RemoteSite) -> Outcome:
        hosts = [site.server, *site.generators]
        plan = self._choose(site.server, min(host.descriptors or _MANY for host in hosts))
        order = Order(
            self.argv,
            self.out,
            seed=self.plan.seed,
            quiet=self.quiet,
            away=Away(site, self._environments(site), self.plan.labels),
        )
        progress = Progress(estimate.plan_seconds(plan), quiet=self.quiet)
        return Run(plan, order, progress).carry_out()

    def _choose(self, server: Host, descriptors: int) -> Plan:
        known = Catalogue.of(server.ask(do="list")["list"])
        plan = make_plan(self.plan.request, known, descriptors)
        skips = tuple(replace(skip, where=self.plan.where) for skip in plan.skips)
        return replace(plan, skips=skips)

    def _environments(self, site: RemoteSite) -> tuple[dict[str, Any], ...]:
        """The server's first: figures are its own."""
        found = []
        for role, hosts in (("server", [site.server]), ("generator", site.generators)):
            for host in hosts:
                record = dict(host.ask(do="environment")["environment"])
                if role == "server":
                    record.update(where=self.plan.where, accel=self.plan.accel)
                found.append({**record, "host": host.name, "role": role})
        return tuple(found)
