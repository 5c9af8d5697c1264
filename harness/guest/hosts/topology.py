# SPDX-License-Identifier: MIT
"""Which hosts one `guest up` makes, and how they are joined.

One server, and generators each on a cable of its own to it: traffic of two generators never shares
a wire. Every address exists only inside guests and namespaces that the run itself made.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass

from harness.guest.errors import GuestError


class Topology(enum.Enum):
    """`netns`: namespaces of this kernel. `one`: guests that load themselves over loopback.
    `pair`: a guest as server, guests as generators. `tap`: a guest as server, generators are
    namespaces of this machine."""

    NETNS = "netns"
    ONE = "one"
    PAIR = "pair"
    TAP = "tap"


_SHORT = {"T0": Topology.NETNS, "T1": Topology.ONE, "T3": Topology.PAIR, "T4": Topology.TAP}
CHOICES = (*(each.value for each in Topology), *_SHORT)
DEFAULT_HOSTS = {Topology.NETNS: 2, Topology.ONE: 1, Topology.PAIR: 2, Topology.TAP: 2}
_FEWEST = {Topology.ONE: 1}
MOST_HOSTS = 8
LOOPBACK = "127.0.0.1"
#: Holds every address of every cable.
NETWORK = "10.77.0.0/16"


@dataclass(frozen=True)
class Host:
    """`address` is where it is reached by load, never where it is managed. `server` names the host
    that its generator loads; None when it generates nothing."""

    name: str
    kind: str  # "vm" or "netns"
    address: str
    serves: bool
    server: str | None


@dataclass(frozen=True)
class Cable:
    """Joins generator number `index` (from 0) to the server."""

    index: int
    server: str
    generator: str

    @property
    def server_address(self) -> str:
        return f"10.77.{self.index}.1"

    @property
    def generator_address(self) -> str:
        return f"10.77.{self.index}.2"


@dataclass(frozen=True)
class Layout:
    """The hosts of a topology and the cables between them."""

    topology: Topology
    hosts: tuple[Host, ...]
    cables: tuple[Cable, ...]

    def host(self, name: str) -> Host:
        """Raises GuestError for a name that no host has."""
        for host in self.hosts:
            if host.name == name:
                return host
        known = ", ".join(each.name for each in self.hosts)
        raise GuestError(f"there is no host {name!r}; there are {known}")

    def cables_of(self, name: str) -> list[Cable]:
        """In the order in which the host has them as eth1, eth2, …"""
        return [each for each in self.cables if name in (each.server, each.generator)]

    def forwards(self, name: str) -> bool:
        """Whether the host is what its generators reach each other through."""
        return len(self.cables_of(name)) > 1


def parse_topology(text: str) -> Topology:
    """Reads a name of CHOICES; raises ValueError for another."""
    return _SHORT.get(text) or Topology(text)


def lay_out(topology: Topology, count: int | None = None) -> Layout:
    """The layout with that many hosts in all; raises GuestError for a number it cannot have."""
    count = DEFAULT_HOSTS[topology] if count is None else count
    fewest = _FEWEST.get(topology, 2)
    if not fewest <= count <= MOST_HOSTS:
        raise GuestError(f"--hosts takes {fewest} to {MOST_HOSTS} with topology {topology.value}")
    if topology is Topology.ONE:
        names = [f"vm{at + 1}" for at in range(count)]
        return Layout(topology, tuple(Host(n, "vm", LOOPBACK, True, n) for n in names), ())
    server = "srv1"
    cables = tuple(Cable(at, server, f"lg{at + 1}") for at in range(count - 1))
    of_server = "netns" if topology is Topology.NETNS else "vm"
    of_generator = "vm" if topology is Topology.PAIR else "netns"
    hosts = [Host(server, of_server, cables[0].server_address, True, None)]
    hosts += [
        Host(each.generator, of_generator, each.generator_address, False, server) for each in cables
    ]
    return Layout(topology, tuple(hosts), cables)
