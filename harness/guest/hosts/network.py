# SPDX-License-Identifier: MIT
"""Namespaces, cables between them, and taps that live in one: test traffic goes nowhere else."""

from __future__ import annotations

import ctypes
import fcntl
import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager

from harness.guest.errors import GuestError
from harness.guest.hosts.topology import NETWORK, Cable, Topology
from harness.load import namespaces
from harness.load.errors import LoadError

_CLONE_NEWNET = 0x40000000
_TUNSETIFF = 0x400454CA
_TAP_WITH_HEADER = 0x0002 | 0x1000 | 0x4000  # IFF_TAP, IFF_NO_PI, IFF_VNET_HDR
_PREFIX = 30
FORWARDING = "/proc/sys/net/ipv4/ip_forward"


def add(name: str) -> None:
    """Makes a namespace with its loopback up. Raises GuestError where that is not permitted."""
    _ip("netns", "add", name)
    _ip("-n", name, "link", "set", "lo", "up")


def join(server: str, generator: str, cable: Cable) -> None:
    """Lays a virtual cable between two namespaces. Raises GuestError."""
    end, far = f"eth{cable.index + 1}", "eth1"
    _ip("-n", server, "link", "add", end, "type", "veth", "peer", far, "netns", generator)
    set_up(server, end, cable.server_address)
    set_up(generator, far, cable.generator_address)
    route(generator, cable)


def set_up(namespace: str, interface: str, address: str) -> None:
    """Gives an interface of a namespace its address and switches it on."""
    _ip("-n", namespace, "addr", "add", f"{address}/{_PREFIX}", "dev", interface)
    _ip("-n", namespace, "link", "set", interface, "up")


def route(namespace: str, cable: Cable) -> None:
    """Leads a generator to the server's first address and to other generators."""
    _ip("-n", namespace, "route", "add", NETWORK, "via", cable.server_address)


def forward(namespace: str) -> None:
    """Lets a server pass on what its generators say to each other."""
    _ip("netns", "exec", namespace, "sh", "-c", f"echo 1 > {FORWARDING}")


def namespace_name(run: str, host: str) -> str:
    """The namespace of a host; `run` tells this `up` from others on the machine."""
    return f"kvb-{run}-{host}"


def needs_root(topology: Topology) -> bool:
    return topology in (Topology.NETNS, Topology.TAP)


@contextmanager
def _inside(namespace: str) -> Iterator[None]:
    """Puts the calling thread into the namespace and back out. Raises OSError."""
    libc = ctypes.CDLL(None, use_errno=True)
    home = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    try:
        there = os.open(f"/run/netns/{namespace}", os.O_RDONLY | os.O_CLOEXEC)
        try:
            _enter(libc, there)
        finally:
            os.close(there)
        try:
            yield
        finally:
            _enter(libc, home)
    finally:
        os.close(home)


def _enter(libc: ctypes.CDLL, descriptor: int) -> None:
    if libc.setns(descriptor, _CLONE_NEWNET) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def open_tap(namespace: str, cable: Cable) -> int:
    """A tap in that namespace with the generator's address; it goes when the descriptor closes.

    Raises GuestError, with nothing left open, when the machine does not allow it.
    """
    try:
        with _inside(namespace):
            descriptor = os.open("/dev/net/tun", os.O_RDWR | os.O_CLOEXEC)
    except OSError as error:
        raise GuestError(f"no tap can be had here: {error.strerror}; run as root") from None
    try:
        fcntl.ioctl(descriptor, _TUNSETIFF, struct.pack("16sH22x", b"eth1", _TAP_WITH_HEADER))
        set_up(namespace, "eth1", cable.generator_address)
        route(namespace, cable)
    except OSError as error:
        os.close(descriptor)
        raise GuestError(f"no tap can be had here: {error.strerror}; run as root") from None
    except GuestError:
        os.close(descriptor)
        raise
    return descriptor


def _ip(*words: str) -> None:
    try:
        namespaces.ip(*words)
    except LoadError as error:
        raise GuestError(str(error)) from None
