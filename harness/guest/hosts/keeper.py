# SPDX-License-Identifier: MIT
"""Holds the hosts of one launch for their lifetime: a process of its own, without a terminal.

Everything that was started dies with it, or is removed by it: guests, taps, namespaces. It ends
when it is told to, when the lifetime is over, and when every guest has ended. What a killed keeper
leaves behind are namespaces; `guest down` removes those.

Run as `python3 -m harness.guest.hosts.keeper FOLDER DESCRIPTOR`: it writes "ok", or one line that
says what went wrong, to the descriptor and closes it.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import socket
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from harness.guest import qemu
from harness.guest.errors import GuestError
from harness.guest.hosts import machine, network, state
from harness.guest.hosts.identity import identify
from harness.guest.hosts.topology import Layout, Topology
from harness.load import namespaces

READY = "ok"
#: A QEMU that cannot have its port or its accelerator says so within this time.
_SETTLE_S = 1.0
_PORT_TRIES = 5


def main(folder: Path, ready: int) -> int:
    plan = state.read_plan(folder)
    ends_at = time.time() + plan.lifetime_s
    with contextlib.ExitStack() as stack, asked_to_end() as signals:
        try:
            kept = _Kept(plan, folder, stack)
            kept.start()
            own = identify(os.getpid())
            assert own is not None
            state.write_state(folder, state.State(plan, own, ends_at, kept.guests, kept.namespaces))
        except (GuestError, OSError) as error:
            os.write(ready, str(error).encode())
            return 1
        os.write(ready, READY.encode())
        os.close(ready)
        reason = wait_for_end(list(kept.processes.values()), signals, ends_at)
    state.write_end(folder, reason)
    return 0


class _Kept:
    """What runs. Everything is put on the stack as soon as it is there."""

    def __init__(self, plan: state.Plan, folder: Path, stack: contextlib.ExitStack) -> None:
        self._plan, self._folder, self._stack = plan, folder, stack
        self.guests: dict[str, state.Guest] = {}
        self.processes: dict[str, qemu.Process] = {}
        self.namespaces: dict[str, str] = {}

    def start(self) -> None:
        """Raises GuestError when a guest or a namespace is not to be had."""
        layout = self._plan.layout
        for host in layout.hosts:
            if host.kind == "netns":
                name = network.namespace_name(self._plan.run, host.name)
                self._stack.callback(namespaces.remove, name)
                network.add(name)
                self.namespaces[host.name] = name
        if layout.topology is Topology.NETNS:
            for cable in layout.cables:
                ends = (self.namespaces[cable.server], self.namespaces[cable.generator])
                network.join(*ends, cable)
            for name, namespace in self.namespaces.items():
                if layout.forwards(name):
                    network.forward(namespace)
            return
        # Only until the guests have them: a cable whose QEMU ended must be seen as cut.
        with contextlib.ExitStack() as ours:
            ends_of = self._open_cables(layout, ours)
            for host in layout.hosts:
                if host.kind == "vm":
                    self._boot(host.name, ends_of.get(host.name, {}))

    def _open_cables(self, layout: Layout, ours: contextlib.ExitStack) -> dict[str, dict[int, int]]:
        """For each guest, which descriptor is its end of which cable."""
        ends: dict[str, dict[int, int]] = {host.name: {} for host in layout.hosts}
        for cable in layout.cables:
            if layout.topology is Topology.TAP:
                tap = network.open_tap(self.namespaces[cable.generator], cable)
                ours.callback(os.close, tap)
                ends[cable.server][cable.index] = tap
            else:
                near, far = socket.socketpair()
                ours.enter_context(near)
                ours.enter_context(far)
                ends[cable.server][cable.index] = near.fileno()
                ends[cable.generator][cable.index] = far.fileno()
        return ends

    def _boot(self, name: str, ends: dict[int, int]) -> None:
        host, log = self._plan.layout.host(name), state.qemu_log(self._folder, name)
        for _ in range(_PORT_TRIES):
            port = free_port()
            command = machine.arguments(self._plan, host, self._folder, port, ends)
            process = qemu.Process(command, log, list(ends.values()))
            self._stack.callback(process.kill)
            status = process.wait(_SETTLE_S)
            known = identify(process.pid)
            if status is None and known is not None:
                self.processes[name] = process
                self.guests[name] = state.Guest(known, port)
                return
            complaint = qemu.log_line(log)
            # Somebody took the port between our look and QEMU's.
            if "host forwarding" not in complaint:
                break
        raise GuestError(f"QEMU of {name} ended at once: {complaint or f'status {status}'}")


def free_port() -> int:
    """A port of the loopback that nobody listens on at this moment."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


@contextlib.contextmanager
def asked_to_end() -> Iterator[socket.socket]:
    """A socket that becomes readable when this process is asked to end."""
    readable, writable = socket.socketpair()
    with contextlib.ExitStack() as stack:
        stack.enter_context(readable)
        stack.enter_context(writable)
        writable.setblocking(False)
        stack.callback(signal.set_wakeup_fd, signal.set_wakeup_fd(writable.fileno()))
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            stack.callback(signal.signal, number, signal.signal(number, lambda *_: None))
        yield readable


def wait_for_end(processes: list[qemu.Process], asked: socket.socket, ends_at: float) -> str:
    """Blocks until it is time to end; says why. `ends_at` is in seconds since the epoch."""
    with selectors.DefaultSelector() as selector, contextlib.ExitStack() as stack:
        selector.register(asked, selectors.EVENT_READ)
        left = 0
        for process in processes:
            descriptor = os.pidfd_open(process.pid)
            stack.callback(os.close, descriptor)
            selector.register(descriptor, selectors.EVENT_READ)
            left += 1
        while (rest := ends_at - time.time()) > 0:
            # A bounded sleep: the machine's clock may be set meanwhile.
            for key, _ in selector.select(min(rest, 60.0)):
                if key.fileobj is asked:
                    return "asked to end"
                selector.unregister(key.fileobj)
                left -= 1
                if not left:
                    return "every guest had ended"
    return "the lifetime was over"


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), int(sys.argv[2])))
