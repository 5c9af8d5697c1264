# SPDX-License-Identifier: MIT
"""A guest that is a host: its first file system and its QEMU arguments."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from harness.guest import cpio, image, qemu
from harness.guest.hosts import ssh
from harness.guest.hosts.network import FORWARDING
from harness.guest.hosts.state import Plan, console
from harness.guest.hosts.topology import NETWORK, Host, Layout, Topology
from harness.guest.kernels import Kernel
from harness.guest.payload import Payload

_HERE = Path(__file__).parent
_DRIVERS = ("virtio_pci", "virtio_blk", "virtio_net", "virtio_rng")


def write_initrd(path: Path, kernel: Kernel, host: Host, layout: Layout, folder: Path) -> None:
    """Writes what the kernel unpacks first: drivers of its disk and this host's own files."""
    payload = Payload()
    payload.put("/init", cpio.regular((_HERE / "initramfs.sh").read_bytes(), 0o755))
    payload.put(image.BUSYBOX, cpio.copy_of(image.find_busybox()))
    payload.put("/dev/console", cpio.character_device(5, 1))
    modules = image.put_modules(payload, kernel, _DRIVERS)
    payload.put("/kvb/modules.list", cpio.regular("".join(f"{m}\n" for m in modules).encode()))
    for name, (text, permissions) in _own_files(host, layout, folder).items():
        payload.put(f"/kvb/host{name}", cpio.regular(text.encode(), permissions))
    for private in ("/kvb/host/root", "/kvb/host/root/.ssh"):
        payload.put(private, cpio.directory(0o700))
    image.write_image(path, payload.entries())


def _own_files(host: Host, layout: Layout, folder: Path) -> dict[str, tuple[str, int]]:
    names = "".join(f"{each.address} {each.name}\n" for each in layout.hosts if layout.cables)
    key = ssh.host_key(folder)
    return {
        "/etc/hostname": (f"{host.name}\n", 0o644),
        "/etc/hosts": (f"127.0.0.1 localhost {host.name}\n::1 localhost\n{names}", 0o644),
        "/etc/kevbench/network.sh": (network_script(host, layout), 0o644),
        f"/etc/ssh/{key.name}": (key.read_text(encoding="ascii"), 0o600),
        "/root/.ssh/authorized_keys": (
            ssh.public(ssh.user_key(folder)).read_text(encoding="ascii"),
            0o600,
        ),
    }


def network_script(host: Host, layout: Layout) -> str:
    """The guest's addresses: eth0 is for management, eth1 and on are its cables."""
    lines = ["ip link set eth0 up", "ip addr add 10.0.2.15/24 dev eth0"]
    lines.append("ip route add default via 10.0.2.2")
    for at, cable in enumerate(layout.cables_of(host.name), start=1):
        serving = host.name == cable.server
        address = cable.server_address if serving else cable.generator_address
        lines += [f"ip link set eth{at} up", f"ip addr add {address}/30 dev eth{at}"]
        if not serving:
            lines.append(f"ip route add {NETWORK} via {cable.server_address}")
    if layout.forwards(host.name):
        lines.append(f"echo 1 > {FORWARDING}")
    return "\n".join(lines) + "\n"


def arguments(
    plan: Plan, host: Host, folder: Path, port: int, cables: Mapping[int, int]
) -> list[str]:
    """QEMU's arguments. `cables` maps the number of each cable to an inherited descriptor: a tap in
    topology tap, else one end of a socket pair whose other end another QEMU has."""
    machine = qemu.Machine(plan.accel, plan.memory_mib, plan.smp)
    words = [
        qemu.BINARY,
        *qemu.machine_arguments(machine),
        *qemu.boot_arguments(
            Path(plan.vmlinuz),
            folder / f"initrd-{host.name}",
            console(folder, host.name),
            qemu.kernel_command_line(icount=False),
        ),
        *qemu.disk_arguments(Path(plan.disk), snapshot=True),
        *("-device", "virtio-rng-pci"),
    ]
    restrict = "on" if plan.restrict else "off"
    forward = f"hostfwd=tcp:127.0.0.1:{port}-:22"
    number = plan.layout.hosts.index(host)
    words += _card(number, 0, f"user,id=net0,ipv6=off,restrict={restrict},{forward}")
    for at, cable in enumerate(plan.layout.cables_of(host.name), start=1):
        words += _card(number, at, _far_end(plan.topology, at, cables[cable.index]))
    return words


def _far_end(topology: str, at: int, descriptor: int) -> str:
    if topology == Topology.TAP.value:
        return f"tap,id=net{at},fd={descriptor},vhost=off"
    return f"stream,id=net{at},server=off,addr.type=fd,addr.str={descriptor}"


def _card(host: int, at: int, backend: str) -> list[str]:
    mac = f"52:54:00:77:{host:02x}:{at:02x}"
    return [
        *("-netdev", backend),
        *("-device", f"virtio-net-pci,netdev=net{at},romfile=,mac={mac}"),
    ]
