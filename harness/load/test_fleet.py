# SPDX-License-Identifier: MIT
"""Generators of several processes: real ones against the built server, in namespaces too."""

from __future__ import annotations

import dataclasses
import json
import subprocess

import pytest

from harness import tree
from harness.load import httperf, httpload, idle
from harness.load.errors import LoadError
from harness.load.namespaces import Client, Hosts
from harness.load.point import RawOutput, Status, combine
from harness.load.server import HttpServer, worker_command
from results.histogram import Histogram


def server(connections: int = 4096, address: str = "127.0.0.1") -> list[str]:
    return worker_command(
        tree.worker(), "epoll", "lt", connections, keep_alive=False, address=address
    )


def document(**changes: object) -> dict[str, object]:
    histogram = Histogram()
    histogram.record(1000, 90)
    histogram.record(9_000_000, 10)
    made: dict[str, object] = {
        "schema": "kvb.httpload",
        "planned": 100,
        "replies": 100,
        "connections": 100,
        "queued": 2,
        "most_open": 7,
        "errors": {
            name: 0
            for name in ("refused", "reset", "timeout", "no-address", "no-descriptor", "unsent")
        },
        "duration_ns": 1_000_000_000,
        "cpu_ns": 100_000_000,
        "pace": {"achieved": 1.0, "in_time": 1.0, "kept": True},
        "hist": histogram.fields(),
        "hist_uncorrected": histogram.fields(),
        "seconds": [{"replies": 100, "errors": 0, "p50_ns": 1, "p99_ns": 2, "max_ns": 3}],
    }
    made.update(changes)
    return made


def output(fields: object, status: int = 0) -> RawOutput:
    return RawOutput(("httpload",), status, json.dumps(fields), "")


PLAN = httpload.Plan(worker="worker", port=1, rate=100, duration_s=1)
TWO = dataclasses.replace(PLAN, rate=200, cpus=(0, 1))


def test_latencies_of_several_processes_merge_exactly() -> None:
    slow = Histogram()
    slow.record(50_000_000, 100)
    both = httpload.judge(TWO, [output(document()), output(document(hist=slow.fields()))])
    assert both.point.status is Status.VALID
    assert (both.point.replies, both.point.rate_requested) == (200, 200)
    assert both.point.latency is not None
    # 100 of 200 are slow: the median is the last fast one, no mean of two medians.
    assert both.point.latency.p50_ns == pytest.approx(9_000_000, rel=0.001)
    assert both.point.latency.p99_ns == pytest.approx(50_000_000, rel=0.001)
    assert both.seconds == ({"replies": 200, "errors": 0, "max_ns": 3},)


def test_one_late_process_limits_the_whole_point() -> None:
    late = document(pace={"achieved": 1.0, "in_time": 0.9, "kept": False})
    point = httpload.judge(TWO, [output(document()), output(late)]).point
    assert (point.status, point.reason) == (
        Status.CLIENT_LIMITED,
        "the client took 90.0 % of its turns in time",
    )


def test_busy_client_and_own_limits_are_not_the_servers_failure() -> None:
    busy = httpload.judge(PLAN, [output(document(cpu_ns=800_000_000))]).point
    assert busy.status is Status.CLIENT_LIMITED
    short = {**dict(document()["errors"]), "no-address": 5}  # type: ignore[call-overload]
    ports = httpload.judge(PLAN, [output(document(replies=95, errors=short))]).point
    assert (ports.status, "5 no-address" in ports.reason) == (Status.CLIENT_LIMITED, True)


def test_missing_replies_are_saturation_and_lost_requests_a_contradiction() -> None:
    timeouts = {**dict(document()["errors"]), "timeout": 5}  # type: ignore[call-overload]
    point = httpload.judge(PLAN, [output(document(replies=95, errors=timeouts))]).point
    assert point.status is Status.SATURATED
    assert httpload.judge(PLAN, [output(document(replies=95))]).point.status is Status.INVALID


def test_other_output_is_refused() -> None:
    with pytest.raises(LoadError, match="kvb.httpload"):
        httpload.judge(PLAN, [output("hello")])
    with pytest.raises(LoadError, match="no message"):
        httpload.judge(PLAN, [output(document(), 4)])
    with pytest.raises(LoadError, match="unreadable"):
        httpload.judge(PLAN, [output({"schema": "kvb.httpload"})])


def test_sources_and_seeds_are_shared_out() -> None:
    plan = dataclasses.replace(TWO, sources=("127.0.0.2", "127.0.0.3", "127.0.0.4"))
    first, second = (httpload.command(plan, at) for at in (0, 1))
    assert [first[at + 1] for at, word in enumerate(first) if word == "--source"] == [
        "127.0.0.2",
        "127.0.0.4",
    ]
    assert second[-1] == "127.0.0.3"
    assert first[first.index("--seed") + 1] != second[second.index("--seed") + 1]


def test_a_fleet_has_a_process_for_each_thousand_connections_and_a_host_for_each() -> None:
    hosts = (Client("a", "10.77.0.1"), Client("b", "10.77.1.1"))
    plan = httperf.Plan(80, 900, 10, concurrent=2001, hosts=hosts)
    assert plan.processes == 3
    commands = [httperf.command(plan, process=at) for at in range(3)]
    assert [one[one.index("--server") + 1] for one in commands] == [
        "10.77.0.1",
        "10.77.1.1",
        "10.77.0.1",
    ]
    assert {one[one.index("--rate") + 1] for one in commands} == {"300"}


def test_points_of_a_fleet_say_that_their_latency_cannot_be_merged() -> None:
    text = (tree.ROOT / "harness/load/testdata/httperf_clean.txt").read_text()
    one = httperf.judge(httperf.Plan(80, 200, 6.5), RawOutput(("httperf",), 0, text, ""))
    both = combine([one, one])
    assert both.latency is None
    assert both.latency_note == "not mergeable: httperf keeps no distribution"
    assert one.latency_note == ""


def test_generator_and_idle_holder_serve_a_real_server() -> None:
    with HttpServer(server()) as running:
        with idle.IdleHolder(idle.command(tree.worker(), running.port, 1200)) as holder:
            load = httpload.run(
                httpload.Plan(tree.worker(), running.port, rate=200, duration_s=0.5)
            )
            held = holder.stop()
        counters = running.stop()
    assert load.point.replies == counters.requests
    assert load.corrected.count == load.point.replies
    assert (held.asked, held.open, held.dropped) == (1200, 1200, 0)
    assert counters.connections == 1200 + load.point.connections


def hosts_or_skip(clients: int) -> Hosts:
    try:
        return Hosts(clients)
    except LoadError as problem:
        pytest.skip(str(problem))


def namespaces() -> set[str]:
    done = subprocess.run(["ip", "netns", "list"], capture_output=True, text=True, check=True)
    return {line.split()[0] for line in done.stdout.splitlines() if line}


def test_namespaces_are_removed_whatever_happens() -> None:
    before = namespaces()
    with pytest.raises(RuntimeError), hosts_or_skip(2) as hosts:
        assert len(namespaces() - before) == 3
        assert len(hosts.clients) == 2
        raise RuntimeError
    assert namespaces() == before


def test_httperf_in_namespaces_holds_more_connections_than_one_process_can() -> None:
    """Nobody answers, so every connection stays open until its timeout: 1,500 at once."""
    silent = "import signal,socket;s=socket.socket();s.bind(('0.0.0.0',8080));s.listen(4096);"
    with hosts_or_skip(2) as hosts:
        child = subprocess.Popen(
            hosts.on_server(
                ["/usr/bin/python3", "-c", silent + "print(flush=True);signal.pause()"]
            ),
            stdout=subprocess.PIPE,
        )
        try:
            assert child.stdout is not None and child.stdout.readline() == b"\n"
            one = httperf.Plan(8080, 1500, 1.0, timeout_s=2.0, hosts=hosts.clients)
            single = httperf.run(one)
            assert single.status is Status.CLIENT_LIMITED
            assert single.errors["fd-unavail"] > 0
            fleet = httperf.run(dataclasses.replace(one, concurrent=1500))
        finally:
            child.kill()
            child.wait()
    assert fleet.errors["fd-unavail"] == 0
    assert fleet.errors["client-timo"] == 1500
    assert fleet.rate_requested == 1500


def test_httperf_reaches_a_real_server_across_namespaces() -> None:
    with hosts_or_skip(2) as hosts:
        with HttpServer(hosts.on_server(server(address="0.0.0.0"))) as running:
            point = httperf.run(
                httperf.Plan(running.port, 200, 0.5, hosts=hosts.clients, concurrent=1001)
            )
            counters = running.stop()
    assert point.replies == counters.requests == 100
    assert sum(point.errors.values()) == 0
