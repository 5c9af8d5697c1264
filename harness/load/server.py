# SPDX-License-Identifier: MIT
"""The HTTP server under test as a child process."""

from __future__ import annotations

import dataclasses
import json
import os
import pathlib
import select
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterable, Mapping, Sequence
from types import TracebackType
from typing import IO, Any, Self

from harness.load.errors import LoadError
from harness.load.process import pinned

SCHEMA = "kvb.http"
"""`schema` of the two lines that the server prints."""


@dataclasses.dataclass(frozen=True, slots=True)
class Counters:
    """What the server did from listening to its end. Times are nanoseconds of CPU."""

    requests: int
    connections: int
    errors: Mapping[str, int]
    """By class; client behaviour included, such as disappearing in mid-request."""
    waits: int
    events: int
    batches: tuple[int, ...]
    """Waits by number of events: index 0 = none, i = 2**(i-1) .. 2**i - 1."""
    cpu_user_ns: int
    cpu_sys_ns: int
    vcsw: int
    ivcsw: int
    wall_ns: int

    @staticmethod
    def from_json(fields: Mapping[str, Any]) -> Counters:
        """Raises LoadError when a field is missing or of the wrong kind."""
        try:
            return Counters(
                errors={str(name): int(value) for name, value in fields["errors"].items()},
                batches=tuple(int(value) for value in fields["batches"]),
                **{name: int(fields[name]) for name in _COUNTS},
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise LoadError(f"the server's counters are not readable: {error!r}") from None


_COUNTS = (
    "requests",
    "connections",
    "waits",
    "events",
    "cpu_user_ns",
    "cpu_sys_ns",
    "vcsw",
    "ivcsw",
    "wall_ns",
)


def worker_command(
    worker: pathlib.Path | str,
    mechanism: str,
    variant: str,
    connections: int,
    *,
    address: str = "127.0.0.1",
    port: int = 0,
    body: int = 1,
    keep_alive: bool = True,
    batch: int = 64,
    plugins: Iterable[pathlib.Path] = (),
    cpu: int | None = None,
) -> list[str]:
    """The command of `kevbench-worker http`; port 0 = any free one."""
    argv = [
        str(worker),
        "http",
        "--with-parent",
        "--mechanism",
        mechanism,
        "--variant",
        variant,
        "--address",
        address,
        "--port",
        str(port),
        "--connections",
        str(connections),
        "--body",
        str(body),
        "--keepalive",
        "on" if keep_alive else "off",
        "--batch",
        str(batch),
    ]
    for plugin in plugins:
        argv += ["--plugin", str(plugin)]
    return pinned(argv, cpu)


class Announcer:
    """A child that prints a JSON line when it is ready and another one at its end.

    Use as a context manager, so that none outlives a failure. Not thread-safe. The process is ended
    by its pid, and killed if it does not end in time.
    """

    def __init__(self, argv: Sequence[str], schema: str, name: str, deadline_s: float) -> None:
        """Starts `argv`, known to messages by `name`. Raises LoadError when it cannot."""
        self._deadline_s = deadline_s
        self._schema = schema
        self._name = name
        self._pending = b""
        # A file, since nobody reads standard error while the child runs.
        self._messages: IO[bytes] = tempfile.TemporaryFile()
        try:
            self._process = subprocess.Popen(
                argv,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=self._messages,
                bufsize=0,
            )
        except OSError as error:
            self._messages.close()
            raise LoadError(f"cannot start {argv[0]}: {error.strerror}") from None

    @property
    def pid(self) -> int:
        """Process id of the child, or of the program that replaced itself by it."""
        return self._process.pid

    def announced(self, what: str) -> dict[str, Any]:
        """The first line. Ends the child and raises LoadError when it does not come in time."""
        try:
            return self._line(what)
        except BaseException:
            self._abandon()
            raise

    def finish(self, what: str) -> dict[str, Any]:
        """Asks the child to end and returns its last line.

        Raises LoadError when it crashed, did not end in time or printed nothing.
        """
        try:
            self._process.send_signal(signal.SIGTERM)
            last = self._line(what)
            status = self._process.wait(self._deadline_s)
        except subprocess.TimeoutExpired:
            raise LoadError(f"{self._name} has {what} but did not end") from None
        finally:
            self._abandon()
        if status != 0:
            raise LoadError(f"{self._name} ended with status {status}")
        return last

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._abandon()

    def _line(self, what: str) -> dict[str, Any]:
        """The next line of standard output, which is a JSON object of our schema."""
        ends = time.monotonic() + self._deadline_s
        stream = self._process.stdout
        assert stream is not None
        while b"\n" not in self._pending:
            left = ends - time.monotonic()
            if left <= 0 or not select.select([stream], [], [], left)[0]:
                raise LoadError(f"{self._name} has not {what} within {self._deadline_s:g} s")
            piece = os.read(stream.fileno(), 65536)
            if not piece:
                self._process.wait()
                raise LoadError(self._last_message())
            self._pending += piece
        text, _, self._pending = self._pending.partition(b"\n")
        try:
            fields = json.loads(text)
        except ValueError:
            fields = None
        if not isinstance(fields, dict) or fields.get("schema") != self._schema:
            raise LoadError(f"{self._name} printed something else than a {self._schema} line")
        return fields

    def _last_message(self) -> str:
        self._messages.seek(0)
        lines = self._messages.read().decode("utf-8", errors="replace").strip().splitlines()
        if lines:
            return lines[-1].removeprefix("kevbench-worker: ")
        return f"{self._name} ended with status {self._process.returncode}"

    def _abandon(self) -> None:
        """Ends the process whatever its state and closes the pipes; idempotent."""
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()
        self._messages.close()


class HttpServer(Announcer):
    """One running server. Use as a context manager, so that no server outlives a failure.

    Not thread-safe.
    """

    def __init__(self, argv: Sequence[str], deadline_s: float = 10.0) -> None:
        """Starts `argv` and returns once it listens.

        Raises LoadError with the server's own message when it ends before, or when it has not
        announced its port within `deadline_s` seconds.
        """
        super().__init__(argv, SCHEMA, "the server", deadline_s)
        self.counters: Counters | None = None
        """Known after stop()."""
        first = self.announced("announced its port")
        try:
            self.port = int(first["port"])
        except (KeyError, TypeError, ValueError):
            self._abandon()
            raise LoadError("the server's first line names no port") from None

    def stop(self) -> Counters:
        """Asks the server to end and returns its counters; a second call returns the same.

        Raises LoadError when it crashed, did not end in time or printed no counters.
        """
        if self.counters is None:
            self.counters = Counters.from_json(self.finish("printed its counters"))
        return self.counters
