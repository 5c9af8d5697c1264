# SPDX-License-Identifier: MIT
"""Client hosts made of network namespaces, for more source addresses than one loopback has.

httperf cannot choose its source address, so a namespace of its own is the only way to give each of
its processes another one: 28,000 local ports towards one server are used up within a minute at
470 connections a second, since each stays occupied for a minute after its end.

One namespace holds the server, one more each client; a virtual cable joins each client to the
server and to nothing else. Every namespace is made by the run, named after its process, and removed
at the end. Inside them the range of ports is the widest there is. Traffic over such a cable costs
other code than loopback, so points with and without are never compared.
"""

from __future__ import annotations

import dataclasses
import os
import pathlib
import re
import subprocess
from collections.abc import Sequence
from types import TracebackType
from typing import Self

from harness.load.errors import LoadError
from harness.load.process import find_tool

MOST_CLIENTS = 60
#: Of all cables together; exists in these namespaces alone.
NETWORK = "10.77.0.0/16"
#: Where iproute2 keeps the namespaces that have names.
NAMED = pathlib.Path("/run/netns")
_DEADLINE_S = 20.0


@dataclasses.dataclass(frozen=True, slots=True)
class Client:
    """One client host and the address at which it sees the server."""

    namespace: str
    server: str

    def inside(self, argv: Sequence[str]) -> list[str]:
        """The command, run on this host."""
        return _inside(self.namespace, argv)


def _inside(namespace: str, argv: Sequence[str]) -> list[str]:
    return [find_tool("ip", "iproute2"), "netns", "exec", namespace, *argv]


def ip(*words: str) -> None:
    """Runs one ip command. Raises LoadError with what it said."""
    argv = [find_tool("ip", "iproute2"), *words]
    try:
        done = subprocess.run(
            argv, capture_output=True, text=True, timeout=_DEADLINE_S, check=False
        )
    except subprocess.TimeoutExpired:
        raise LoadError(f"ip {' '.join(words)} did not end within {_DEADLINE_S:.0f} s") from None
    if done.returncode != 0:
        said = (done.stderr.strip() or "no message").splitlines()[-1]
        raise LoadError(f"network namespaces cannot be had here: {said}; run as root")


def remove(name: str) -> None:
    """Removes a namespace and the cables in it; nothing when there is none of that name."""
    subprocess.run(
        [find_tool("ip", "iproute2"), "netns", "del", name],
        capture_output=True,
        timeout=_DEADLINE_S,
        check=False,
    )


def _inside_words(namespace: str, script: str) -> list[str]:
    return ["netns", "exec", namespace, "sh", "-c", script]


def existing(stem: str) -> list[str]:
    """Names of the namespaces that Hosts of that stem made and left."""
    if not NAMED.is_dir():
        return []
    mine = re.compile(rf"{re.escape(stem)}(s|c\d+)")
    return sorted(one.name for one in NAMED.iterdir() if mine.fullmatch(one.name))


def remove_all(stem: str) -> list[str]:
    """Takes away what Hosts of that stem left, and returns the names."""
    names = existing(stem)
    for name in names:
        remove(name)
    return names


class Hosts:
    """A server host and client hosts. Use as a context manager. Not thread-safe."""

    def __init__(self, clients: int, stem: str | None = None) -> None:
        """Makes them, named after this process unless another stem is given.

        Raises LoadError, with nothing left behind, when that is not permitted.
        """
        if not 1 <= clients <= MOST_CLIENTS:
            raise ValueError(f"{clients} clients: 1 to {MOST_CLIENTS} are possible")
        stem = stem or f"kvb{os.getpid()}"
        self._server = f"{stem}s"
        self._made: list[str] = []
        self.clients: list[Client] = []
        try:
            self._make(self._server)
            for at in range(clients):
                self._join(f"{stem}c{at}", at)
        except BaseException:
            self.close()
            raise

    def on_server(self, argv: Sequence[str]) -> list[str]:
        """The command, run on the server's host; it listens on 0.0.0.0 to be seen by all."""
        return _inside(self._server, argv)

    def _make(self, name: str) -> None:
        ip("netns", "add", name)
        self._made.append(name)
        ip("-n", name, "link", "set", "lo", "up")
        for key, value in (("ip_local_port_range", "1024 65535"), ("tcp_tw_reuse", "1")):
            ip(*_inside_words(name, f"echo {value} > /proc/sys/net/ipv4/{key}"))

    def _join(self, name: str, at: int) -> None:
        self._make(name)
        cable = f"c{at}"
        ip("-n", self._server, "link", "add", cable, "type", "veth", "peer", "eth0", "netns", name)
        # Private addresses that exist in these namespaces alone.
        ip("-n", self._server, "addr", "add", f"10.77.{at}.1/30", "dev", cable)
        ip("-n", name, "addr", "add", f"10.77.{at}.2/30", "dev", "eth0")
        ip("-n", self._server, "link", "set", cable, "up")
        ip("-n", name, "link", "set", "eth0", "up")
        self.clients.append(Client(name, f"10.77.{at}.1"))

    def route(self) -> None:
        """Lets the clients reach each other too, through the server's host. Raises LoadError."""
        ip(*_inside_words(self._server, "echo 1 > /proc/sys/net/ipv4/ip_forward"))
        for client in self.clients:
            ip("-n", client.namespace, "route", "add", NETWORK, "via", client.server)

    def leave(self) -> None:
        """Lets them outlive this object; remove_all() takes them away."""
        self._made.clear()

    def close(self) -> None:
        """Removes every namespace that was made, and with it its cables; idempotent."""
        while self._made:
            remove(self._made.pop())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
