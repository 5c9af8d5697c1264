# SPDX-License-Identifier: MIT
"""A topology is one server, its generators, and a cable of its own for each of them."""

import pytest

from harness.guest.errors import GuestError
from harness.guest.hosts.topology import CHOICES, Topology, lay_out, parse_topology


@pytest.mark.parametrize(
    ("short", "name"), [("T0", "netns"), ("T1", "one"), ("T3", "pair"), ("T4", "tap")]
)
def test_both_names_of_a_topology_are_taken(short: str, name: str) -> None:
    assert parse_topology(short) is parse_topology(name)
    assert {short, name} <= set(CHOICES)


@pytest.mark.parametrize(
    ("topology", "kinds"),
    [
        (Topology.NETNS, ["netns", "netns"]),
        (Topology.ONE, ["vm"]),
        (Topology.PAIR, ["vm", "vm"]),
        (Topology.TAP, ["vm", "netns"]),
    ],
)
def test_usual_number_of_hosts(topology: Topology, kinds: list[str]) -> None:
    assert [host.kind for host in lay_out(topology).hosts] == kinds


def test_each_generator_has_a_cable_and_addresses_of_its_own() -> None:
    layout = lay_out(Topology.PAIR, 4)
    assert [host.name for host in layout.hosts if host.server == "srv1"] == ["lg1", "lg2", "lg3"]
    addresses = [each.server_address for each in layout.cables]
    addresses += [each.generator_address for each in layout.cables]
    assert len(set(addresses)) == 6
    assert layout.host("srv1").address == addresses[0]
    assert len(layout.cables_of("srv1")) == 3
    assert [each.generator for each in layout.cables_of("lg2")] == ["lg2"]


def test_lone_guest_loads_itself_over_loopback() -> None:
    (host,) = lay_out(Topology.ONE).hosts
    assert (host.address, host.serves, host.server) == ("127.0.0.1", True, host.name)


@pytest.mark.parametrize(
    ("topology", "count"),
    [(Topology.PAIR, 1), (Topology.TAP, 0), (Topology.ONE, 0), (Topology.NETNS, 9)],
)
def test_number_that_makes_no_sense_is_refused(topology: Topology, count: int) -> None:
    with pytest.raises(GuestError, match="--hosts takes"):
        lay_out(topology, count)


def test_unknown_host_is_told_with_those_there_are() -> None:
    with pytest.raises(GuestError, match="'web'; there are srv1, lg1"):
        lay_out(Topology.TAP).host("web")
