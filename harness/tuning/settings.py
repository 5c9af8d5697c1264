# SPDX-License-Identifier: MIT
"""What is tuned, to what, where and why."""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Iterator
from pathlib import Path


class Scope(enum.Enum):
    """What a change reaches."""

    NAMESPACE = "namespace"  # the network namespace that it is made in
    MACHINE = "machine"  # everything that runs on the machine


class Role(enum.Enum):
    """What a host does in a measurement."""

    SERVER = "server"
    GENERATOR = "generator"


@dataclasses.dataclass(frozen=True, slots=True)
class Setting:
    """One file of /proc/sys or /sys, or several alike."""

    name: str
    pattern: str
    """Below the root of the file system; may hold wildcards, one setting a match."""
    value: str
    why: str
    scope: Scope = Scope.NAMESPACE
    roles: frozenset[Role] = frozenset(Role)
    at_least: bool = False
    """A greater number is as good."""
    extra: bool = False
    """Only when asked for by name: it weakens or halves the machine."""

    def satisfied(self, current: str) -> bool:
        """Whether this value needs no change."""
        if self.at_least and current.isdigit():
            return int(current) >= int(self.value)
        return current == self.value

    def paths(self, root: Path) -> Iterator[Path]:
        """The files that exist, in order."""
        yield from sorted(root.glob(self.pattern))


def _sysctl(name: str, value: str, why: str, **more: object) -> Setting:
    path = "proc/sys/" + name.replace(".", "/")
    return Setting(name, path, value, why, **more)  # type: ignore[arg-type]


_SERVER = frozenset({Role.SERVER})
_GENERATOR = frozenset({Role.GENERATOR})
_CPU = "sys/devices/system/cpu"

SETTINGS: tuple[Setting, ...] = (
    _sysctl(
        "net.core.somaxconn",
        "65535",
        "an accept queue as long as asked for",
        roles=_SERVER,
        at_least=True,
    ),
    _sysctl(
        "net.ipv4.tcp_max_syn_backlog",
        "65535",
        "room for connections being opened",
        roles=_SERVER,
        at_least=True,
    ),
    _sysctl(
        "net.ipv4.ip_local_port_range",
        "1024 65535",
        "local ports for as many connections",
        roles=_GENERATOR,
    ),
    _sysctl("net.ipv4.tcp_tw_reuse", "1", "a port is free again after a second", roles=_GENERATOR),
    _sysctl(
        "net.ipv4.tcp_max_tw_buckets",
        "2000000",
        "ended connections keep their full wait",
        at_least=True,
    ),
    _sysctl(
        "net.ipv4.tcp_syncookies",
        "0",
        "no fall-back under a storm; closed networks only",
        roles=_SERVER,
        extra=True,
    ),
    _sysctl(
        "net.core.netdev_max_backlog",
        "65536",
        "no packets dropped before the stack",
        scope=Scope.MACHINE,
        at_least=True,
    ),
    _sysctl("fs.nr_open", "1048576", "descriptors a process", scope=Scope.MACHINE, at_least=True),
    _sysctl("fs.file-max", "1048576", "open files in all", scope=Scope.MACHINE, at_least=True),
    _sysctl(
        "kernel.io_uring_disabled",
        "0",
        "io_uring can be measured",
        scope=Scope.MACHINE,
        roles=_SERVER,
    ),
    _sysctl("kernel.numa_balancing", "0", "pages stay where they are", scope=Scope.MACHINE),
    Setting(
        "cpu governor",
        f"{_CPU}/cpu[0-9]*/cpufreq/scaling_governor",
        "performance",
        "one frequency",
        Scope.MACHINE,
    ),
    Setting(
        "cpu boost",
        f"{_CPU}/cpufreq/boost",
        "0",
        "no frequency that heat takes back",
        Scope.MACHINE,
    ),
    Setting(
        "intel turbo off",
        f"{_CPU}/intel_pstate/no_turbo",
        "1",
        "no frequency that heat takes back",
        Scope.MACHINE,
    ),
    Setting(
        "transparent huge pages",
        "sys/kernel/mm/transparent_hugepage/enabled",
        "madvise",
        "memory does not depend on luck",
        Scope.MACHINE,
    ),
    Setting(
        "smt", f"{_CPU}/smt/control", "off", "a core for each thread", Scope.MACHINE, extra=True
    ),
)
