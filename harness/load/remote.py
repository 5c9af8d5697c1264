# SPDX-License-Identifier: MIT
"""Hosts with an agent as the site of a load: one server, any number of generators."""

from __future__ import annotations

import contextlib
import dataclasses
import socket
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Self

from harness.errors import MeasurementFault
from harness.load import agent, h2load, httperf, httpload, wrk
from harness.load.errors import LoadError
from harness.load.idle import Held
from harness.load.point import LoadPoint, RawOutput, combine
from harness.load.server import Counters
from harness.load.site import Wanted, plan_fields
from harness.load.wire import Closed, Wire

_CONNECT_S = 20.0
_ANSWER_S = 180.0
#: More than any tool's own deadline, which the agent keeps, is over it.
_BEYOND_S = 30.0


class HostLost(MeasurementFault):
    """A host does not answer any more; the text names it and the remedy."""


@dataclasses.dataclass(frozen=True, slots=True)
class Address:
    """Where an agent listens; `name` is what people call the host."""

    name: str
    address: str
    port: int


class Host:
    """A connected agent. Not thread-safe; close() ends all that was started."""

    def __init__(self, where: Address, token: str) -> None:
        """Raises HostLost when it cannot be reached or does not take the token."""
        self.name = where.name
        self.address = where.address
        try:
            connection = socket.create_connection((where.address, where.port), _CONNECT_S)
        except OSError as problem:
            raise HostLost(
                f"{where.name}: no agent at {where.address} port {where.port} "
                f"({problem.strerror or problem}): is bench_address right, and does a firewall stop it?"
            ) from None
        self._wire = Wire(connection)
        hello = self._exchange({"token": token}, _CONNECT_S)
        if not hello.get("ok"):
            raise HostLost(f"{self.name}: {hello.get('error', 'no reason given')}")
        if hello.get("protocol") != agent.PROTOCOL:
            raise HostLost(f"{self.name} runs another version of Kevbench: provision it again")
        self.cpus = tuple(int(one) for one in hello["cpus"])
        self.descriptors = None if hello["descriptors"] is None else int(hello["descriptors"])

    def ask(self, deadline_s: float = _ANSWER_S, **request: Any) -> dict[str, Any]:
        """One request. Raises LoadError for a refusal and HostLost when no answer comes."""
        answer = self._exchange(request, deadline_s)
        if not answer.get("ok"):
            raise LoadError(f"{self.name}: {answer.get('error', 'no reason given')}")
        return answer

    def _exchange(self, request: Mapping[str, Any], deadline_s: float) -> dict[str, Any]:
        try:
            self._wire.send(request)
            return self._wire.receive(deadline_s)
        except TimeoutError:
            raise HostLost(
                f"{self.name} has not answered for {deadline_s:.0f} s: look at its agent.log"
            ) from None
        except Closed as problem:
            raise HostLost(
                f"{self.name} went away in the middle of the sweep ({problem}): look at its "
                "agent.log and whether the host still runs, then run the play again"
            ) from None

    def close(self) -> None:
        """Ends the connection; idempotent."""
        self._wire.close()


class _Server:
    """A server on its host."""

    def __init__(self, host: Host, port: int) -> None:
        self._host = host
        self.port = port

    def stop(self) -> Counters:
        return Counters.from_json(self._host.ask(do="counters")["counters"])


class _Holder:
    """Silent connections of several hosts."""

    def __init__(self, hosts: Sequence[Host]) -> None:
        self._hosts = hosts

    def stop(self) -> Held:
        found = [Held.from_json(host.ask(do="release")["held"]) for host in self._hosts]
        return Held(
            **{
                field.name: sum(getattr(one, field.name) for one in found)
                for field in dataclasses.fields(Held)
            }
        )


def _shares(total: int, parts: int) -> list[int]:
    """A whole number in parts that differ by one at most."""
    return [total // parts + (at < total % parts) for at in range(parts)]


class RemoteSite:
    """The site of one server host and its generators. Use as a context manager; not thread-safe."""

    #: Hosts have addresses enough of their own.
    sources: Sequence[str] = ()
    server_cpu: int | None = None

    def __init__(self, server: Address, generators: Sequence[Address], token: str) -> None:
        """Connects to all. Raises HostLost; LoadError without generators."""
        if not generators:
            raise LoadError(f"{server.name} has no load generator: give one bench_server")
        self._stack = contextlib.ExitStack()
        with contextlib.ExitStack() as opening:
            self.server = opening.enter_context(contextlib.closing(Host(server, token)))
            self.generators = [
                opening.enter_context(contextlib.closing(Host(one, token))) for one in generators
            ]
            self._stack = opening.pop_all()
        self._pool = self._stack.enter_context(ThreadPoolExecutor(len(self.generators)))
        self.client_cpus: Sequence[int] = self.generators[0].cpus

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @contextlib.contextmanager
    def serve(self, wanted: Wanted) -> Iterator[_Server]:
        answer = self.server.ask(do="serve", wanted=dataclasses.asdict(wanted))
        yield _Server(self.server, int(answer["port"]))

    @contextlib.contextmanager
    def hold(self, port: int, connections: int) -> Iterator[_Holder]:
        shares = _shares(connections, len(self.generators))
        self._each(
            lambda host, at: host.ask(
                do="hold", server=self.server.address, port=port, connections=shares[at]
            )
        )
        yield _Holder(self.generators)

    def httperf(self, plan: httperf.Plan) -> LoadPoint:
        count = len(self.generators)
        share = dataclasses.replace(
            plan,
            connection_rate=plan.connection_rate / count,
            concurrent=-(-plan.concurrent // count),
        )
        return self._combined(
            "httperf",
            [dataclasses.replace(share, cpus=host.cpus) for host in self.generators],
            httperf.deadline_s(share),
            lambda one, outputs: httperf.judge_all(one, outputs),
        )

    def httpload(self, plan: httpload.Plan) -> httpload.Load:
        count = len(self.generators)
        plans = [
            dataclasses.replace(
                plan,
                rate=plan.rate / count,
                connections=max(1, connections),
                # Streams that are independent add up to one of the whole rate.
                seed=(plan.seed + (at << 32)) % 2**63,
                cpus=host.cpus,
                cpu_limit=httpload.CLIENT_CPU_LIMIT,
            )
            for at, (host, connections) in enumerate(
                zip(self.generators, _shares(plan.connections, count))
            )
        ]
        answers = self._load("httpload", plans, httpload.deadline_s(plan))
        loads = []
        for host, one, outputs in zip(self.generators, plans, answers):
            load = httpload.judge(one, outputs)
            loads.append(dataclasses.replace(load, point=self._named(host, load.point)))
        return httpload.merge(loads)

    def wrk(self, plan: wrk.Plan) -> LoadPoint:
        plans = self._split(plan, plan.connections, plan.threads)
        return self._combined(
            "wrk", plans, wrk.deadline_s(plan), lambda one, outputs: wrk.judge(one, outputs[0])
        )

    def h2load(self, plan: h2load.Plan) -> LoadPoint:
        plans = self._split(plan, plan.connections, plan.threads)
        return self._combined(
            "h2load",
            plans,
            h2load.deadline_s(plan),
            lambda one, outputs: h2load.judge(one, outputs[0]),
        )

    def _split(self, plan: Any, connections: int, threads: int) -> list[Any]:
        return [
            dataclasses.replace(plan, connections=max(threads, share))
            for share in _shares(connections, len(self.generators))
        ]

    def _combined(
        self,
        tool: str,
        plans: Sequence[Any],
        deadline_s: float,
        judge: Callable[[Any, Sequence[RawOutput]], LoadPoint],
    ) -> LoadPoint:
        answers = self._load(tool, plans, deadline_s)
        return combine(
            [
                self._named(host, judge(one, outputs))
                for host, one, outputs in zip(self.generators, plans, answers)
            ]
        )

    def _named(self, host: Host, point: LoadPoint) -> LoadPoint:
        """The point with its reason said of its host, where there are several."""
        if not point.reason or len(self.generators) == 1:
            return point
        return dataclasses.replace(point, reason=f"{host.name}: {point.reason}")

    def _load(
        self, tool: str, plans: Sequence[Any], deadline_s: float
    ) -> list[Sequence[RawOutput]]:
        """Runs a generator on every host at once; the outputs by host."""
        answers = self._each(
            lambda host, at: host.ask(
                deadline_s + _BEYOND_S,
                do="load",
                tool=tool,
                plan={**plan_fields(plans[at]), "server": self.server.address},
            )
        )
        return [
            [
                RawOutput(tuple(one["argv"]), int(one["exit_status"]), one["stdout"], one["stderr"])
                for one in answer["outputs"]
            ]
            for answer in answers
        ]

    def _each(self, ask: Callable[[Host, int], dict[str, Any]]) -> list[dict[str, Any]]:
        """Asks all generators at the same time; the first failure is raised once all have ended."""
        waiting = [self._pool.submit(ask, host, at) for at, host in enumerate(self.generators)]
        problems = [one.exception() for one in waiting]
        for problem in problems:
            if problem is not None:
                raise problem
        return [one.result() for one in waiting]
