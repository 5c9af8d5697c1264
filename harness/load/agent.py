# SPDX-License-Identifier: MIT
"""What runs on every host of a playbook while it is loaded: starts servers and generators on request.

A sweep connects, shows the token of its play, and asks. All that was started for it ends with its
connection, so that a sweep which dies leaves nothing behind; the agent itself ends at its deadline.
Needs the standard library alone: a guest has little more.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hmac
import json
import pathlib
import resource
import socket
import subprocess
import threading
import time
from collections.abc import Callable
from typing import Any

from harness.environment import collect
from harness.load import idle, tools
from harness.load.errors import LoadError
from harness.load.server import HttpServer
from harness.load.site import Wanted
from harness.load.wire import Closed, Wire

PROTOCOL = 1
_START_S = 60.0
_LIST_S = 120.0
_HELLO_S = 10.0


@dataclasses.dataclass(frozen=True, slots=True)
class Options:
    """How an agent serves."""

    address: str
    """Of this host as the others reach it; servers listen there too."""
    token: str
    """Whoever knows it may have programs started: keep it from others."""
    worker: pathlib.Path
    port: int = 0
    """0 = any free one."""
    cpus: tuple[int, ...] = ()
    deadline_s: float = 3600.0
    """Seconds of life; above 0."""


def _raise_descriptors() -> int | None:
    """Descriptors a program started here may open; None = no limit."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return None if hard == resource.RLIM_INFINITY else hard


class _Session:
    """One connected sweep with what it had started."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._here = tools.Here(options.worker, options.cpus)
        self._running = contextlib.ExitStack()
        self._server: HttpServer | None = None
        self._holder: idle.IdleHolder | None = None

    def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        """The answer to one request; what cannot be done is an answer too."""
        verbs: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
            "list": self._list,
            "environment": self._environment,
            "serve": self._serve,
            "counters": self._counters,
            "hold": self._hold,
            "release": self._release,
            "load": self._load,
        }
        verb = verbs.get(str(request.get("do")))
        if verb is None:
            return {"ok": False, "error": f"unknown request {request.get('do')}: same version?"}
        try:
            return {"ok": True, **verb(request)}
        except LoadError as problem:
            return {"ok": False, "error": str(problem)}
        except (KeyError, TypeError, ValueError) as problem:
            return {"ok": False, "error": f"unusable request ({problem!r}): same version?"}

    def close(self) -> None:
        """Ends whatever still runs; idempotent."""
        self._running.close()
        self._server = self._holder = None

    def _list(self, request: dict[str, Any]) -> dict[str, Any]:
        try:
            done = subprocess.run(
                [str(self._options.worker), "list"],
                capture_output=True,
                text=True,
                timeout=_LIST_S,
                check=False,
            )
            return {"list": json.loads(done.stdout)}
        except (OSError, ValueError, subprocess.TimeoutExpired) as problem:
            raise LoadError(f"kevbench-worker list failed ({problem}): provision again") from None

    def _environment(self, request: dict[str, Any]) -> dict[str, Any]:
        return {"environment": collect.collect()}

    def _serve(self, request: dict[str, Any]) -> dict[str, Any]:
        self.close()
        cpu = self._here.first_cpu
        argv = Wanted(**request["wanted"]).argv(
            self._options.worker, address=self._options.address, cpu=cpu
        )
        self._server = self._running.enter_context(HttpServer(argv, deadline_s=_START_S))
        return {"port": self._server.port}

    def _counters(self, request: dict[str, Any]) -> dict[str, Any]:
        if self._server is None:
            raise LoadError("no server runs")
        try:
            return {"counters": dataclasses.asdict(self._server.stop())}
        finally:
            self.close()

    def _hold(self, request: dict[str, Any]) -> dict[str, Any]:
        words = idle.command(
            self._options.worker,
            int(request["port"]),
            int(request["connections"]),
            server=str(request["server"]),
            cpu=self._here.first_cpu,
            duration_s=self._options.deadline_s,
        )
        self._holder = self._running.enter_context(idle.IdleHolder(words, _START_S))
        return {}

    def _release(self, request: dict[str, Any]) -> dict[str, Any]:
        if self._holder is None:
            raise LoadError("no connections are held")
        held, self._holder = self._holder.stop(), None
        return {"held": dataclasses.asdict(held)}

    def _load(self, request: dict[str, Any]) -> dict[str, Any]:
        outputs = tools.run(str(request["tool"]), dict(request["plan"]), self._here)
        return {"outputs": [dataclasses.asdict(one) for one in outputs]}


class Agent:
    """Listens from construction; serve() until stop() or the deadline."""

    def __init__(self, options: Options) -> None:
        """Raises LoadError when the address cannot be listened on."""
        self._options = options
        self._ends = time.monotonic() + options.deadline_s
        self._descriptors = _raise_descriptors()
        self._stopped = threading.Event()
        self._busy = threading.Lock()
        self._listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        try:
            self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self._listener.bind((options.address, options.port))
            self._listener.listen(8)
        except OSError as problem:
            self._listener.close()
            raise LoadError(
                f"cannot listen on {options.address} port {options.port} ({problem.strerror}): "
                "bench_address must be an address of this host"
            ) from None
        self.port = int(self._listener.getsockname()[1])

    def serve(self) -> None:
        """Takes connections, one sweep at a time; a second one is told so."""
        with self._listener:
            while not self._stopped.is_set() and (left := self._ends - time.monotonic()) > 0:
                # A signal handler calls stop(), which a long accept() would not notice.
                self._listener.settimeout(min(left, 0.5))
                try:
                    connection, _ = self._listener.accept()
                except TimeoutError:
                    continue
                threading.Thread(target=self._talk, args=(connection,), daemon=True).start()

    def stop(self) -> None:
        """Lets serve() return; safe in a signal handler."""
        self._stopped.set()

    def _talk(self, connection: socket.socket) -> None:
        wire = Wire(connection)
        with contextlib.suppress(Closed, TimeoutError), contextlib.closing(wire):
            hello = wire.receive(_HELLO_S)
            if not hmac.compare_digest(str(hello.get("token")), self._options.token):
                wire.send(
                    {"ok": False, "error": "the token is not this play's: start the agent again"}
                )
                return
            if not self._busy.acquire(blocking=False):
                wire.send({"ok": False, "error": "another sweep uses this host: wait or stop it"})
                return
            try:
                self._converse(wire)
            finally:
                self._busy.release()

    def _converse(self, wire: Wire) -> None:
        wire.send(
            {
                "ok": True,
                "protocol": PROTOCOL,
                "cpus": list(self._options.cpus),
                "descriptors": self._descriptors,
            }
        )
        session = _Session(self._options)
        with contextlib.closing(session):
            while True:
                left = self._ends - time.monotonic()
                wire.send(session.answer(wire.receive(max(left, 0.0))))
