# SPDX-License-Identifier: MIT
"""Where a load is offered and served: both on this machine, or on hosts of a playbook.

The cells of the loaded workloads speak to a site alone, so that the same code measures a server
next door and one across a network.
"""

from __future__ import annotations

import dataclasses
import pathlib
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

from harness.load import h2load, httperf, httpload, wrk
from harness.load.idle import Held, IdleHolder
from harness.load.idle import command as idle_command
from harness.load.point import LoadPoint
from harness.load.server import Counters, HttpServer, worker_command


@dataclasses.dataclass(frozen=True, slots=True)
class Wanted:
    """A server to be started."""

    mechanism: str
    variant: str
    connections: int
    """Room for so many at once."""
    keep_alive: bool
    batch: int = 64
    port: int = 0
    """0 = any free one."""
    options: Mapping[str, str] = dataclasses.field(default_factory=dict)
    """Further options of the server by name, without dashes: reply, style, accept and so on."""

    def argv(
        self,
        worker: pathlib.Path | str,
        address: str = "127.0.0.1",
        plugins: Sequence[pathlib.Path] = (),
        cpu: int | None = None,
    ) -> list[str]:
        """The command."""
        words = worker_command(
            worker,
            self.mechanism,
            self.variant,
            self.connections,
            address=address,
            port=self.port,
            keep_alive=self.keep_alive,
            batch=self.batch,
            plugins=plugins,
            cpu=cpu,
        )
        for name, value in self.options.items():
            words += [f"--{name}", value]
        return words


class Server(Protocol):
    """A server that listens."""

    port: int

    def stop(self) -> Counters:
        """Ends it. Raises LoadError."""


class Holder(Protocol):
    """Silent connections that stand."""

    def stop(self) -> Held:
        """Closes them. Raises LoadError."""


class Site(Protocol):
    """Methods raise LoadError when a tool or the server could not be used. Not thread-safe."""

    server_cpu: int | None
    client_cpus: Sequence[int]
    """Processors of one client host."""
    sources: Sequence[str]
    """Local addresses of the client; empty = the kernel's choice."""

    def serve(self, wanted: Wanted) -> AbstractContextManager[Server]:
        """Starts a server and waits until it listens."""

    def hold(self, port: int, connections: int) -> AbstractContextManager[Holder]:
        """Opens silent connections and waits until they stand."""

    def httperf(self, plan: httperf.Plan) -> LoadPoint:
        """Offers the plan's load; the plan's server address and processors are the site's."""

    def httpload(self, plan: httpload.Plan) -> httpload.Load:
        """As above."""

    def wrk(self, plan: wrk.Plan) -> LoadPoint:
        """As above."""

    def h2load(self, plan: h2load.Plan) -> LoadPoint:
        """As above."""


class LocalSite:
    """Server and client on this machine, over loopback, with a processor each where there are two."""

    #: Each gives a range of local ports of its own.
    sources: Sequence[str] = tuple(f"127.0.0.{last}" for last in range(2, 10))

    def __init__(
        self, worker: pathlib.Path, plugins: Sequence[pathlib.Path] = (), processors: int = 1
    ) -> None:
        self._worker = worker
        self._plugins = plugins
        self.client_cpus: Sequence[int] = [1] if processors > 1 else []
        self.server_cpu = 0 if processors > 1 else None

    def serve(self, wanted: Wanted) -> HttpServer:
        argv = wanted.argv(self._worker, plugins=self._plugins, cpu=self.server_cpu)
        return HttpServer(argv)

    def hold(self, port: int, connections: int) -> IdleHolder:
        cpu = self.client_cpus[0] if self.client_cpus else None
        words = idle_command(self._worker, port, connections, sources=self.sources, cpu=cpu)
        return IdleHolder(words)

    def httperf(self, plan: httperf.Plan) -> LoadPoint:
        return httperf.run(dataclasses.replace(plan, cpus=self.client_cpus))

    def httpload(self, plan: httpload.Plan) -> httpload.Load:
        return httpload.run(
            dataclasses.replace(
                plan, worker=self._worker, cpus=self.client_cpus, sources=self.sources
            )
        )

    def wrk(self, plan: wrk.Plan) -> LoadPoint:
        return wrk.run(dataclasses.replace(plan, cpu=self._one_cpu()))

    def h2load(self, plan: h2load.Plan) -> LoadPoint:
        return h2load.run(dataclasses.replace(plan, cpu=self._one_cpu()))

    def _one_cpu(self) -> int | None:
        return self.client_cpus[0] if self.client_cpus else None


def plan_fields(plan: Any) -> dict[str, Any]:
    """A load plan as plain data for another host, without what that host decides by itself."""
    fields = dataclasses.asdict(plan)
    for name in ("worker", "cpus", "cpu", "hosts", "sources"):
        fields.pop(name, None)
    return fields
