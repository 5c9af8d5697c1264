# SPDX-License-Identifier: MIT
"""Plans and states for tests, of hosts that need not exist."""

import os
from pathlib import Path

from harness.guest.hosts.identity import Identity, identify
from harness.guest.hosts.state import Guest, Plan, State
from harness.guest.hosts.topology import Topology, lay_out

#: A process that no machine has: its number is beyond the kernel's limit.
NOBODY = Identity(1 << 22, 1, "no boot")


def make_plan(topology: Topology, folder: Path, count: int | None = None) -> Plan:
    return Plan(
        run="abcdef",
        topology=topology.value,
        count=len(lay_out(topology, count).hosts),
        release="6.12.0-test",
        vmlinuz="/k/vmlinuz",
        disk="/i/root.ext4",
        accel="tcg",
        memory_mib=512,
        smp=1,
        restrict=True,
        lifetime_s=600.0,
        inventory=str(folder / "hosts.yml"),
    )


def make_state(
    topology: Topology, folder: Path, count: int | None = None, running: bool = False
) -> State:
    """A state whose guests do not run; its keeper is this process, or nobody."""
    plan = make_plan(topology, folder, count)
    own = identify(os.getpid())
    assert own is not None
    hosts = plan.layout.hosts
    guests = {
        host.name: Guest(NOBODY, 2200 + at) for at, host in enumerate(hosts) if host.kind == "vm"
    }
    namespaces = {host.name: f"kvb-none-{host.name}" for host in hosts if host.kind == "netns"}
    return State(plan, own if running else NOBODY, 0.0, guests, namespaces)
