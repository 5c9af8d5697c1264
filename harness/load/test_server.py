# SPDX-License-Identifier: MIT
"""The child-process handling, against small stand-ins written in Python."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from harness import tree
from harness.load.errors import LoadError
from harness.load.server import Counters, HttpServer, worker_command

WELL_BEHAVED = """
import json, signal, sys
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
print(json.dumps({"schema": "kvb.http", "port": 4711}), flush=True)
signal.sigwait([signal.SIGTERM])
print(json.dumps({"schema": "kvb.http", "requests": 3, "connections": 2, "errors": {"reset": 1},
    "waits": 5, "events": 6, "batches": [1, 4], "cpu_user_ns": 7, "cpu_sys_ns": 8, "vcsw": 9,
    "ivcsw": 10, "wall_ns": 11}), flush=True)
"""


def python(program: str) -> list[str]:
    return [sys.executable, "-c", program]


def test_port_is_known_after_start_and_counters_after_stop() -> None:
    with HttpServer(python(WELL_BEHAVED)) as server:
        assert server.port == 4711
        counters = server.stop()
        assert (counters.requests, counters.errors, counters.batches) == (3, {"reset": 1}, (1, 4))
        assert server.stop() is counters


def test_server_that_cannot_listen_passes_its_message_on() -> None:
    with pytest.raises(LoadError, match="port 80 on 127.0.0.1 is in use"):
        HttpServer(python("import sys; sys.exit('port 80 on 127.0.0.1 is in use: try another')"))


def test_server_that_says_nothing_is_given_up_at_the_deadline() -> None:
    with pytest.raises(LoadError, match="has not announced its port within 0.3 s"):
        HttpServer(python("import signal; signal.pause()"), deadline_s=0.3)


def test_server_that_ignores_the_request_to_end_is_killed() -> None:
    deaf = WELL_BEHAVED.replace(
        "signal.sigwait([signal.SIGTERM])", "signal.sigwait([signal.SIGHUP])"
    )
    server = HttpServer(python(deaf), deadline_s=0.5)
    with pytest.raises(LoadError, match="has not printed its counters"):
        server.stop()
    assert server._process.returncode is not None


def test_leaving_the_block_ends_the_server() -> None:
    with HttpServer(python(WELL_BEHAVED)) as server:
        process = server._process
    assert process.returncode is not None


def test_a_server_ends_with_its_controller_even_if_that_is_killed() -> None:
    words = worker_command(tree.worker(), "epoll", "lt", 10)
    program = f"""
import subprocess, sys
server = subprocess.Popen({words!r}, stdout=subprocess.PIPE)
server.stdout.readline()
print(server.pid, flush=True)
sys.stdin.read()
"""
    with subprocess.Popen(
        python(program), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as controller:
        assert controller.stdout is not None
        server = Path("/proc", controller.stdout.readline().strip())
        assert server.is_dir()
        controller.kill()
    ends = time.monotonic() + 10
    while server.is_dir() and "Z" not in (server / "stat").read_text().rpartition(")")[2][:3]:
        assert time.monotonic() < ends, "the server goes on without its controller"
        time.sleep(0.02)


def test_other_output_is_refused() -> None:
    with pytest.raises(LoadError, match="kvb.http"):
        HttpServer(python("print('hello')"))
    with pytest.raises(LoadError, match="names no port"):
        HttpServer(python('print(\'{"schema": "kvb.http"}\')'))


def test_missing_program_is_named() -> None:
    with pytest.raises(LoadError, match="cannot start /nonexistent/worker"):
        HttpServer(["/nonexistent/worker"])


def test_counters_with_a_field_missing_are_refused() -> None:
    with pytest.raises(LoadError, match="counters"):
        Counters.from_json({"requests": 1})
