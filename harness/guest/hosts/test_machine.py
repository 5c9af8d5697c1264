# SPDX-License-Identifier: MIT
"""What a guest is joined to: its management port on the loopback, its cables, nothing else."""

from pathlib import Path

import pytest

from harness.guest.hosts import machine
from harness.guest.hosts.testing import make_plan
from harness.guest.hosts.topology import Topology, lay_out


def _arguments(topology: Topology, name: str, cables: dict[int, int], count: int = 2) -> list[str]:
    plan = make_plan(topology, Path("/s"), count)
    return machine.arguments(plan, plan.layout.host(name), Path("/s"), 2222, cables)


def _backends(arguments: list[str]) -> list[str]:
    return [arguments[at + 1] for at, word in enumerate(arguments) if word == "-netdev"]


def test_management_is_on_the_loopback_and_leads_nowhere_else() -> None:
    (management, _) = _backends(_arguments(Topology.TAP, "srv1", {0: 7}))
    assert "restrict=on" in management
    assert "hostfwd=tcp:127.0.0.1:2222-:22" in management


def test_tap_and_link_are_inherited_descriptors() -> None:
    assert _backends(_arguments(Topology.TAP, "srv1", {0: 7}))[1].startswith("tap,id=net1,fd=7")
    pair = _backends(_arguments(Topology.PAIR, "lg1", {0: 9}))[1]
    assert pair == "stream,id=net1,server=off,addr.type=fd,addr.str=9"


def test_no_card_of_any_guest_shares_its_address() -> None:
    seen: list[str] = []
    for name in ("srv1", "lg1", "lg2"):
        words = _arguments(Topology.PAIR, name, {0: 7, 1: 8}, 3)
        seen += [word for word in words if word.startswith("virtio-net")]
    cards = [word.partition("mac=")[2] for word in seen]
    assert len(cards) == 7 == len(set(cards))


def test_what_guests_write_vanishes() -> None:
    assert any(
        "/i/root.ext4" in word and "snapshot=on" in word
        for word in _arguments(Topology.PAIR, "srv1", {0: 7})
    )


@pytest.mark.parametrize(
    ("name", "lines"),
    [
        ("srv1", ["10.77.0.1/30 dev eth1", "10.77.1.1/30 dev eth2", "echo 1 > /proc/sys/net"]),
        ("lg1", ["10.77.0.2/30 dev eth1", "route add 10.77.0.0/16 via 10.77.0.1"]),
        ("lg2", ["10.77.1.2/30 dev eth1", "route add 10.77.0.0/16 via 10.77.1.1"]),
    ],
)
def test_each_guest_has_its_ends_of_the_cables(name: str, lines: list[str]) -> None:
    layout = lay_out(Topology.PAIR, 3)
    script = machine.network_script(layout.host(name), layout)
    assert all(line in script for line in lines)
    assert script.count("dev eth") == 1 + sum("dev" in line for line in lines)
