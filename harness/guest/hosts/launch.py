# SPDX-License-Identifier: MIT
"""`guest up` and `guest down`: from a request to hosts that answer, and back to nothing."""

from __future__ import annotations

import os
import secrets
import select
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from harness.guest import accel, console
from harness.guest.errors import GuestError
from harness.guest.hosts import inventory, keeper, machine, network, rootfs, ssh, wait
from harness.guest.hosts import state as states
from harness.guest.hosts.identity import end
from harness.guest.hosts.topology import Layout, Topology, lay_out
from harness.guest.kernels import Kernel, ensure_kernel
from harness.guest.paths import REPOSITORY, shown
from harness.load import namespaces

#: Idle machines need a tenth of it; ones that also compile or emulate others need it.
BOOT_LIMIT_S = {"kvm": 120.0, "tcg": 300.0}
_KEEPER_LIMIT_S = 120.0
_END_LIMIT_S = 30.0
_LOGIN_LIMIT_S = 120.0
_FEWEST_MEMORY_MIB = 256
_MOST_LIFETIME_S = 7 * 24 * 3600.0

Tell = Callable[[str], None]


class NotUp(GuestError):
    """A guest was started and did not become a host; `console` holds its last lines."""

    def __init__(self, text: str, lines: list[str]) -> None:
        super().__init__(text)
        self.console = lines


@dataclass(frozen=True)
class Request:
    """What `guest up` was asked for. `inventory` None: the usual place; `hosts` None: as many as
    the topology needs. Memory in MiB of each guest, lifetime in seconds."""

    topology: Topology
    folder: Path
    series: str
    hosts: int | None = None
    accel: str = "auto"
    memory_mib: int = 1024
    smp: int = 1
    restrict: bool = True
    lifetime_s: float = 3600.0
    inventory: Path | None = None


def up(request: Request, tell: Tell) -> states.State:
    """Brings the hosts up, waits until all of them answer, writes the inventory.

    Builds the image first when there is none. Raises GuestError when something is missing or hosts
    are up already, NotUp when a guest does not come up; then nothing is left running.
    """
    layout = check(request)
    folder = request.folder
    with states.exclusively(folder):
        _clear(folder)
        plan = _plan(request, layout, tell)
        _start(plan, layout, request, tell)
        state = states.read_state(folder)
        assert state is not None
        try:
            for host in layout.hosts:
                if host.kind == "vm":
                    _await_login(state, host.name, folder)
                    tell(f"{host.name} answers")
            path = Path(plan.inventory)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(inventory.text(state, folder), encoding="utf-8")
        except BaseException:
            _end(state, folder)
            raise
        return state


def check(request: Request) -> Layout:
    """Raises GuestError for a request that cannot work, before anything is built."""
    if request.memory_mib < _FEWEST_MEMORY_MIB:
        raise GuestError(f"--mem takes at least {_FEWEST_MEMORY_MIB} MiB")
    if not 1 <= request.smp <= 64:
        raise GuestError("--smp takes 1 to 64 processors")
    if not 0 < request.lifetime_s <= _MOST_LIFETIME_S:
        raise GuestError(f"--lifetime takes 1 to {_MOST_LIFETIME_S:.0f} seconds")
    if network.needs_root(request.topology) and os.geteuid() != 0:
        raise GuestError(
            f"topology {request.topology.value} makes network namespaces: run as root, or take pair"
        )
    return lay_out(request.topology, request.hosts)


def _clear(folder: Path) -> None:
    old = states.read_state(folder)
    if old is None:
        _clear_half_started(folder)
        return
    if old.running():
        raise GuestError(
            f"hosts are up already (topology {old.plan.topology}); use them, or run "
            "'kevbench guest down' first"
        )
    _end(old, folder)


def _clear_half_started(folder: Path) -> None:
    """Removes what a keeper left that was killed before it had written down what it made."""
    try:
        plan = states.read_plan(folder)
    except (OSError, ValueError, TypeError):
        return
    for host in plan.layout.hosts:
        if host.kind == "netns":
            namespaces.remove(network.namespace_name(plan.run, host.name))
    states.forget(folder)


def _plan(request: Request, layout: Layout, tell: Tell) -> states.Plan:
    path = (request.inventory or inventory.default_path(request.folder)).absolute()
    inventory.check_path(path)
    guests = any(host.kind == "vm" for host in layout.hosts)
    kernel = ensure_kernel(request.series) if guests else None
    return states.Plan(
        run=secrets.token_hex(3),
        topology=request.topology.value,
        count=len(layout.hosts),
        release=kernel.release if kernel else os.uname().release,
        vmlinuz=str(kernel.vmlinuz) if kernel else "",
        disk=str(rootfs.ensure_image(tell).disk) if kernel else "",
        accel=_choose_accel(request.accel, kernel, tell) if kernel else "none",
        memory_mib=request.memory_mib,
        smp=request.smp,
        restrict=request.restrict,
        lifetime_s=request.lifetime_s,
        inventory=str(path),
    )


def _choose_accel(wish: str, kernel: Kernel, tell: Tell) -> str:
    if wish == "tcg":
        return wish
    verdict = accel.probe(kernel, tell)
    if wish == "kvm" and verdict.accel != "kvm":
        raise GuestError(f"--accel kvm cannot be had: {verdict.reason}")
    return verdict.accel


def _start(plan: states.Plan, layout: Layout, request: Request, tell: Tell) -> None:
    folder = request.folder
    guests = [host for host in layout.hosts if host.kind == "vm"]
    if guests:
        kernel = ensure_kernel(request.series)
        ssh.make_keys(folder)
        for host in guests:
            states.console(folder, host.name).unlink(missing_ok=True)
            machine.write_initrd(folder / f"initrd-{host.name}", kernel, host, layout, folder)
    for host in layout.hosts:
        if host.kind == "netns":
            (folder / "roots" / host.name).mkdir(parents=True, exist_ok=True)
    states.write_plan(folder, plan)
    tell(f"starting {', '.join(host.name for host in layout.hosts)}")
    _start_keeper(folder)


def _start_keeper(folder: Path) -> None:
    """Raises GuestError with the keeper's words when it cannot hold what was planned."""
    readable, writable = os.pipe()
    # QEMU puts what guests write into a file that has no name, below TMPDIR: not into memory.
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY), "TMPDIR": str(folder)}
    with open(folder / "keeper.log", "wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "harness.guest.hosts.keeper", str(folder), str(writable)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=folder,
            env=environment,
            pass_fds=[writable],
            start_new_session=True,
        )
    os.close(writable)
    try:
        said = _read_all(readable, _KEEPER_LIMIT_S)
    except BaseException:
        process.terminate()
        raise
    finally:
        os.close(readable)
    if said != keeper.READY:
        process.terminate()
        process.wait(_END_LIMIT_S)
        raise GuestError(said or f"the keeper of the hosts failed; see {shown(folder)}/keeper.log")


def _read_all(descriptor: int, limit_s: float) -> str:
    said = b""
    while select.select([descriptor], [], [], limit_s)[0]:
        data = os.read(descriptor, 4096)
        if not data:
            break
        said += data
    return said.decode()


def _await_login(state: states.State, name: str, folder: Path) -> None:
    guest, log = state.guests[name], states.console(folder, name)
    host = state.plan.layout.host(name)
    try:
        limit = BOOT_LIMIT_S[state.plan.accel]
        wait.wait_for_banner(guest.port, lambda: state.host_runs(host), log, limit)
        _check_login(ssh.command(folder, guest.port, ["uname", "-r"]), state.plan.release)
    except wait.Never as never:
        lines = console.tail(console.read_console(log))
        raise NotUp(f"{name} does not come up: {never}", lines) from None


def _check_login(command: list[str], release: str) -> None:
    """Raises Never unless the guest lets us in and runs the kernel it was given."""
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=_LOGIN_LIMIT_S,
        )
    except subprocess.TimeoutExpired:
        raise wait.Never(f"no login within {_LOGIN_LIMIT_S:.0f} s") from None
    if done.returncode != 0 or done.stdout.strip() != release:
        said = done.stderr.strip() or done.stdout.strip() or f"status {done.returncode}"
        raise wait.Never(f"login failed: {said}")


def down(folder: Path, purge: bool = False) -> bool:
    """Ends what is up and removes what describes it; True when something was up.

    With `purge` the logs, the state folder and the image go too. Raises GuestError when something
    cannot be ended.
    """
    if not folder.exists() and not purge:
        return False
    with states.exclusively(folder):
        state = states.read_state(folder)
        was_up = state is not None and state.running()
        if state is not None:
            _end(state, folder)
        else:
            _clear_half_started(folder)
    if purge:
        shutil.rmtree(folder, ignore_errors=True)
        if folder == states.default_dir():
            shutil.rmtree(rootfs.images_dir(), ignore_errors=True)
    return was_up


def _end(state: states.State, folder: Path) -> None:
    """Ends the keeper, which ends the rest; what it could not is ended from here."""
    if not end(state.keeper, signal.SIGTERM, _END_LIMIT_S):
        end(state.keeper, signal.SIGKILL, _END_LIMIT_S)
    left = [
        name
        for name, guest in state.guests.items()
        if not end(guest.process, signal.SIGKILL, _END_LIMIT_S)
    ]
    for namespace in state.namespaces.values():
        namespaces.remove(namespace)
    if left:
        raise GuestError(f"QEMU of {', '.join(left)} does not end; try again")
    Path(state.plan.inventory).unlink(missing_ok=True)
    states.forget(folder)
