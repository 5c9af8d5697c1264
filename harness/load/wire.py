# SPDX-License-Identifier: MIT
"""One JSON object a line over TCP: how a sweep speaks to the agents of its hosts."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Mapping
from typing import Any

#: A distribution of latencies takes some hundred kilobytes.
_LONGEST = 64 << 20


class Closed(Exception):
    """The other end went away or said something that is no message."""


class Wire:
    """One connection. Not thread-safe."""

    def __init__(self, connection: socket.socket) -> None:
        self._socket = connection
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._pending = bytearray()

    def send(self, fields: Mapping[str, Any]) -> None:
        """Sends one message. Raises Closed."""
        try:
            self._socket.settimeout(60)
            self._socket.sendall(json.dumps(fields, separators=(",", ":")).encode() + b"\n")
        except OSError as problem:
            raise Closed(problem.strerror or str(problem)) from None

    def receive(self, deadline_s: float | None) -> dict[str, Any]:
        """The next message; None waits for ever. Raises Closed, and TimeoutError when it is late."""
        ends = None if deadline_s is None else time.monotonic() + deadline_s
        searched = 0
        while (end := self._pending.find(b"\n", searched)) < 0:
            searched = len(self._pending)
            if searched > _LONGEST:
                raise Closed("a message without end")
            self._read_more(ends)
        line = bytes(self._pending[:end])
        del self._pending[: end + 1]
        try:
            fields = json.loads(line)
        except ValueError:
            fields = None
        if not isinstance(fields, dict):
            raise Closed("something else than a message")
        return fields

    def _read_more(self, ends: float | None) -> None:
        left = None if ends is None else ends - time.monotonic()
        if left is not None and left <= 0:
            raise TimeoutError
        try:
            self._socket.settimeout(left)
            piece = self._socket.recv(1 << 16)
        except TimeoutError:
            raise
        except OSError as problem:
            raise Closed(problem.strerror or str(problem)) from None
        if not piece:
            raise Closed("the connection ended")
        self._pending += piece

    def close(self) -> None:
        """Ends the connection; idempotent."""
        self._socket.close()
