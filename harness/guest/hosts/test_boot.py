# SPDX-License-Identifier: MIT
"""Hosts that are guests, as a playbook meets them: by ssh, with the module, over their cables.

Limits are far above what an idle machine needs: several emulated guests may share one core.
"""

import os
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from harness.guest.hosts import launch, rootfs, ssh, state
from harness.guest.hosts.identity import Identity, alive
from harness.guest.hosts.topology import Topology
from harness.guest.kernels import SERIES, cached_kernel, ensure_kernel
from harness.guest.module import build_module
from harness.guest.payload import Payload
from harness.guest.spec import ALLOWED_TAINT

pytestmark = [
    pytest.mark.long,
    pytest.mark.guest,
    pytest.mark.skipif(os.geteuid() != 0, reason="the hosts' image and taps need root"),
]

_LIMIT_S = 300.0
_OUT_OF_TREE_AND_UNSIGNED = 12288

BringUp = Callable[..., state.State]


@pytest.fixture
def bring_up(tmp_path: Path) -> Iterator[BringUp]:
    """Brings hosts up that are gone after the test."""

    def up(topology: Topology, series: str = "6.12") -> state.State:
        return launch.up(launch.Request(topology, tmp_path, series, lifetime_s=1800.0), print)

    try:
        yield up
    finally:
        launch.down(tmp_path)


def _on_guest(up: state.State, name: str, *words: str, given: bytes = b"") -> str:
    """What a command on the guest prints; it must succeed."""
    folder = Path(up.plan.inventory).parent
    command = ssh.command(folder, up.guests[name].port, list(words))
    done = subprocess.run(command, input=given, capture_output=True, check=False, timeout=_LIMIT_S)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode().strip()


def _processes(up: state.State) -> list[Identity]:
    return [up.keeper, *(guest.process for guest in up.guests.values())]


def _interfaces() -> set[str]:
    return set(os.listdir("/sys/class/net"))


@pytest.mark.parametrize("series", SERIES)
def test_lone_guest_takes_the_module_and_leaves_nothing_behind(
    series: str, bring_up: BringUp, tmp_path: Path
) -> None:
    kernel = ensure_kernel(series)
    module = build_module(kernel).read_bytes()
    up = bring_up(Topology.ONE, series)
    assert _on_guest(up, "vm1", "uname", "-r") == kernel.release
    assert _on_guest(up, "vm1", "cat", "/proc/sys/kernel/tainted") == "0"
    _on_guest(up, "vm1", "cat > /root/kevent.ko && insmod /root/kevent.ko", given=module)
    assert _on_guest(up, "vm1", "test -c /dev/kevent && lsmod | grep -c ^kevent") == "1"
    assert _OUT_OF_TREE_AND_UNSIGNED == ALLOWED_TAINT
    assert _on_guest(up, "vm1", "cat", "/proc/sys/kernel/tainted") == str(ALLOWED_TAINT)
    assert int(_on_guest(up, "vm1", "ulimit", "-n")) >= 100_000
    processes = _processes(up)
    assert all(alive(each) for each in processes)
    assert launch.down(tmp_path)
    assert not any(alive(each) for each in processes)
    assert not list(tmp_path.glob("id_*"))


def test_guest_has_what_playbooks_need_without_a_compiler(bring_up: BringUp) -> None:
    up = bring_up(Topology.ONE)
    tools = ("python3", "httperf", "wrk", "h2load", "ip", "modprobe", "ps", "zstd", "taskset")
    found = _on_guest(up, "vm1", "which", *tools)
    assert len(found.split()) == len(tools)
    _on_guest(up, "vm1", "python3 -c 'import numpy, jsonschema'")
    for library in ("liburing.so.2", "libfmt.so.9", "libstdc++.so.6", "libbenchmark.so.1debian"):
        assert _on_guest(up, "vm1", f"ldconfig -p | grep -c '{library} '") != "0"
    assert _on_guest(up, "vm1", "which gcc make || echo none") == "none"


def test_management_port_leads_to_no_network(bring_up: BringUp) -> None:
    up = bring_up(Topology.ONE)
    ask = (
        "import socket; s = socket.socket(); s.settimeout(5); print(s.connect_ex(('10.0.2.2', 22)))"
    )
    assert _on_guest(up, "vm1", f'python3 -c "{ask}"') != "0"


def test_guest_on_a_tap_answers_from_the_namespace_only(bring_up: BringUp, tmp_path: Path) -> None:
    before = _interfaces()
    up = bring_up(Topology.TAP)
    assert _interfaces() == before, "the tap is outside of its namespace"
    namespace = up.namespaces["lg1"]
    reach = f"import socket; socket.create_connection(('{up.plan.layout.host('srv1').address}', 22), 60)"
    command = ["ip", "netns", "exec", namespace, "/usr/bin/python3", "-c", reach]
    subprocess.run(command, check=True, timeout=_LIMIT_S)
    assert launch.down(tmp_path)
    assert not Path("/run/netns", namespace).exists()
    assert _interfaces() == before


@pytest.mark.parametrize("series", SERIES)
def test_two_guests_reach_each_other(series: str, bring_up: BringUp) -> None:
    up = bring_up(Topology.PAIR, series)
    layout = up.plan.layout
    for here, there in (("srv1", "lg1"), ("lg1", "srv1")):
        address = layout.host(there).address
        assert f"bytes from {address}" in _on_guest(up, here, "ping", "-c1", "-w60", address)
        assert there in _on_guest(up, here, "getent", "hosts", there)


def test_guest_that_panics_is_given_up_with_its_console(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put = Payload.put

    def without_program(payload: Payload, path: str, entry: object) -> None:
        if path != "/init":
            put(payload, path, entry)  # type: ignore[arg-type]

    monkeypatch.setattr(Payload, "put", without_program)
    with pytest.raises(launch.NotUp, match="Kernel panic") as caught:
        launch.up(launch.Request(Topology.ONE, tmp_path, "6.12", lifetime_s=900.0), print)
    assert any("Kernel panic" in line for line in caught.value.console)
    assert state.read_state(tmp_path) is None


def test_guest_ends_when_its_lifetime_is_over(tmp_path: Path) -> None:
    request = launch.Request(Topology.ONE, tmp_path, "6.12", lifetime_s=60.0)
    try:
        processes = _processes(launch.up(request, print))
    except launch.NotUp:
        # A machine so busy that the lifetime was over before the guest answered.
        assert "lifetime" in state.read_end(tmp_path)
        return
    limit = time.monotonic() + _LIMIT_S
    while any(alive(each) for each in processes):
        assert time.monotonic() < limit
        time.sleep(0.5)
    assert "lifetime" in state.read_end(tmp_path)
    launch.down(tmp_path)


def test_image_is_built_once() -> None:
    first = rootfs.ensure_image(print)
    made = first.disk.stat().st_mtime_ns

    def refuse(line: str) -> None:
        raise AssertionError(line)

    assert rootfs.ensure_image(refuse).disk.stat().st_mtime_ns == made
    kernels = [cached_kernel(series) for series in SERIES]
    assert first.manifest["kernels"] == [kernel.release for kernel in kernels if kernel]
    assert {"python3", "openssh-server", "httperf"} <= set(first.manifest["packages"])
