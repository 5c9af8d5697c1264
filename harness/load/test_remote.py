# SPDX-License-Identifier: MIT
"""Agents and the site they make: real ones over loopback."""

from __future__ import annotations

import dataclasses
import os
import select
import signal
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from harness import tree
from harness.load import daemon, httperf, httpload, wrk
from harness.load.agent import Agent, Options
from harness.load.errors import LoadError
from harness.load.point import Status
from harness.load.remote import Address, Host, HostLost, RemoteSite
from harness.load.site import Wanted

TOKEN = "0123456789abcdef0123"
SERVER = Wanted("epoll", "lt", 256, keep_alive=False)


@contextmanager
def agent(name: str, deadline_s: float = 60.0) -> Iterator[Address]:
    """One in this process."""
    made = Agent(Options("127.0.0.1", TOKEN, tree.worker(), deadline_s=deadline_s))
    thread = threading.Thread(target=made.serve)
    thread.start()
    try:
        yield Address(name, "127.0.0.1", made.port)
    finally:
        made.stop()
        thread.join()


@pytest.fixture
def site() -> Iterator[RemoteSite]:
    """A server and two generators."""
    with ExitStack() as stack:
        hosts = [stack.enter_context(agent(name)) for name in ("srv1", "gen1", "gen2")]
        yield stack.enter_context(RemoteSite(hosts[0], hosts[1:], TOKEN))


def test_several_generators_make_one_point(site: RemoteSite) -> None:
    with site.serve(SERVER) as server:
        point = site.httperf(httperf.Plan(port=server.port, connection_rate=100, duration_s=0.5))
        counters = server.stop()
    assert (point.rate_requested, point.replies, counters.requests) == (100, 50, 50)
    assert len(point.raw) == 2


def test_latencies_of_several_generators_merge(site: RemoteSite) -> None:
    with site.serve(dataclasses.replace(SERVER, connections=1024)) as server:
        plan = httpload.Plan(worker="unused", port=server.port, rate=200, duration_s=0.5)
        load = site.httpload(plan)
        counters = server.stop()
    assert load.corrected.count == load.point.replies == counters.requests > 0


def test_a_limited_generator_limits_the_point_and_is_named(site: RemoteSite) -> None:
    with site.serve(SERVER) as server:
        plan = wrk.Plan(port=server.port, connections=4, duration_s=1)
        assert site.wrk(plan).status in (Status.VALID, Status.INVALID)
        refused = site.httperf(httperf.Plan(port=1, connection_rate=20, duration_s=0.2))
    assert refused.status is Status.INVALID and refused.reason.startswith("gen1: ")


def test_what_a_host_cannot_do_is_said_with_its_name(site: RemoteSite) -> None:
    with pytest.raises(LoadError, match="srv1: .*nonesuch"):
        with site.serve(dataclasses.replace(SERVER, mechanism="nonesuch")):
            pass
    with pytest.raises(LoadError, match="gen2: unknown load generator"):
        site.generators[1].ask(do="load", tool="nonesuch", plan={})
    with pytest.raises(LoadError, match="same version"):
        site.server.ask(do="load", tool="httperf", plan={"port": 1, "surprise": 2})


def test_silent_connections_are_shared_out(site: RemoteSite) -> None:
    with site.serve(SERVER) as server, site.hold(server.port, 9) as holder:
        held = holder.stop()
    assert (held.asked, held.least) == (9, 9)


def test_a_host_serves_one_sweep_at_a_time_and_only_who_knows_the_token() -> None:
    with agent("srv1") as where:
        with pytest.raises(HostLost, match="srv1: the token"):
            Host(where, "guess")
        first = Host(where, TOKEN)
        with pytest.raises(HostLost, match="another sweep"):
            Host(where, TOKEN)
        first.close()


def test_an_absent_host_is_named_with_the_remedy() -> None:
    with pytest.raises(HostLost, match="srv9: no agent at 127.0.0.1 port 1 .*bench_address"):
        Host(Address("srv9", "127.0.0.1", 1), TOKEN)


@pytest.fixture
def background(tmp_path: Path) -> Iterator[Path]:
    """The pid file of an agent in the background."""
    token, pid_file = tmp_path / "token", tmp_path / "agent.pid"
    token.write_text(TOKEN)
    words = [
        *("--address", "127.0.0.1", "--token-file", str(token), "--pid-file", str(pid_file)),
        *("--deadline", "120"),
    ]
    daemon.start(words, tmp_path / "agent.log")
    try:
        yield pid_file
    finally:
        daemon.stop(pid_file)


def gone(pid: int) -> bool:
    """Waits for the end of a process."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([descriptor], [], [], 20)[0])
    finally:
        os.close(descriptor)


def test_an_agent_that_is_stopped_takes_its_server_along(background: Path) -> None:
    known = daemon.read(background)
    assert known is not None and known.alive()
    host = Host(Address("srv1", "127.0.0.1", known.port), TOKEN)
    host.ask(do="serve", wanted=dataclasses.asdict(SERVER))
    children = Path(f"/proc/{known.pid}/task")
    servers = [int(pid) for one in children.glob("*/children") for pid in one.read_text().split()]
    assert servers
    with pytest.raises(LoadError, match="an agent runs already"):
        daemon.refuse_second(background)
    assert daemon.stop(background) and not daemon.stop(background)
    with pytest.raises(HostLost, match="srv1 went away"):
        host.ask(do="list")
    assert all(gone(server) for server in servers)


def test_a_pid_file_of_a_process_that_is_gone_stops_nothing(background: Path) -> None:
    known = daemon.read(background)
    assert known is not None
    os.killpg(known.pid, signal.SIGKILL)
    assert gone(known.pid)
    assert not daemon.stop(background) and not background.exists()
