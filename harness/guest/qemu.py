# SPDX-License-Identifier: MIT
"""The virtual machine: its command line, its process, and the stream that comes out of it."""

import contextlib
import os
import selectors
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.guest.errors import GuestError
from harness.guest.transport import PORT_NAME

BINARY = "qemu-system-x86_64"
_MACHINE = "q35,hpet=off"
_KILL_WAIT_S = 10.0
_CLOSE_WAIT_S = 15.0


@dataclass(frozen=True)
class Machine:
    """The hardware of a guest. `accel` is "kvm" or "tcg"; icount needs "tcg" and one processor."""

    accel: str
    memory_mib: int
    smp: int = 1
    icount: bool = False


def qemu_version() -> str:
    """First line of `qemu-system-x86_64 --version`; raises GuestError without QEMU."""
    if shutil.which(BINARY) is None:
        raise GuestError(f"{BINARY} is missing; apt-get install qemu-system-x86")
    done = subprocess.run(
        [BINARY, "--version"], capture_output=True, text=True, check=False, timeout=30
    )
    return done.stdout.partition("\n")[0].strip()


def machine_arguments(machine: Machine) -> list[str]:
    """The arguments that decide whether a guest runs at all; the probe uses the very same."""
    arguments = ["-machine", _MACHINE, "-nodefaults", "-no-user-config", "-display", "none"]
    arguments += ["-no-reboot", "-m", str(machine.memory_mib), "-smp", str(machine.smp)]
    if machine.icount:
        arguments += ["-accel", "tcg,thread=single", "-cpu", "max"]
        arguments += ["-icount", "shift=0,sleep=off", "-rtc", "base=2026-01-01,clock=vm"]
        # Every random number the guest sees comes from here, so that boots are alike.
        arguments += ["-seed", "1"]
    elif machine.accel == "kvm":
        arguments += ["-accel", "kvm", "-cpu", "host"]
    else:
        arguments += ["-accel", "tcg,thread=multi,tb-size=256", "-cpu", "max"]
    return arguments


def kernel_command_line(icount: bool) -> str:
    """panic=-1 with -no-reboot ends QEMU at once; loglevel 5 lets warnings reach the console.

    mitigations=off is part of how instruction counts are defined here, and left to the kernel's
    default elsewhere.
    """
    words = ["console=ttyS0", "panic=-1", "loglevel=5", "tsc=reliable", "audit=0", "net.ifnames=0"]
    if icount:
        words += ["nokaslr", "norandmaps", "mitigations=off"]
    return " ".join(words)


def boot_arguments(vmlinuz: Path, initrd: Path, console: Path, command_line: str) -> list[str]:
    return [
        *("-kernel", str(vmlinuz), "-initrd", str(initrd), "-append", command_line),
        *("-chardev", f"file,id=console,path={_comma(console)}", "-serial", "chardev:console"),
    ]


def port_arguments(descriptor: int) -> list[str]:
    """One virtio-serial port on an inherited socket.

    Without ioeventfd the device answers within the guest's own store instruction: with icount
    that keeps boots alike, and at the rates used here it costs nothing.
    """
    return [
        *("-device", "virtio-serial-pci,ioeventfd=off,max_ports=2"),
        *("-chardev", f"socket,id=port,fd={descriptor}"),
        *("-device", f"virtserialport,chardev=port,nr=1,name={PORT_NAME}"),
    ]


def disk_arguments(image: Path, snapshot: bool = False) -> list[str]:
    """A disk; with `snapshot` guests share the image and what they write vanishes with them."""
    shared = ",snapshot=on" if snapshot else ""
    return [
        *("-drive", f"file={_comma(image)},if=none,id=disk,format=raw,cache=unsafe{shared}"),
        *("-device", "virtio-blk-pci,drive=disk,ioeventfd=off"),
    ]


def _comma(path: Path) -> str:
    return str(path).replace(",", ",,")


class Process:
    """A running QEMU in a session of its own that dies with this process. One thread only."""

    def __init__(self, arguments: Sequence[str], log: Path, pass_fds: Sequence[int] = ()) -> None:
        # setpriv: the guest must not outlive a launcher that was killed outright.
        prefix = ["setpriv", "--pdeathsig", "KILL"]
        with log.open("wb") as output:
            try:
                self._process = subprocess.Popen(
                    [*prefix, *arguments],
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=output,
                    pass_fds=pass_fds,
                    start_new_session=True,
                )
            except OSError as error:
                raise GuestError(f"cannot start {arguments[0]}: {error.strerror}") from None
        self.pid = self._process.pid

    def wait(self, timeout_s: float) -> int | None:
        """The exit status (negative for a signal), or None when it still runs after that time."""
        try:
            return self._process.wait(max(0.0, timeout_s))
        except subprocess.TimeoutExpired:
            return None

    def kill(self) -> None:
        """Ends it by its process id and waits until it is gone; nothing if it has ended."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait(_KILL_WAIT_S)


@contextlib.contextmanager
def running(arguments: Sequence[str], log: Path, pass_fds: Sequence[int] = ()) -> Iterator[Process]:
    """A QEMU that is gone when the block is left, however it is left."""
    process = Process(arguments, log, pass_fds)
    try:
        yield process
    finally:
        process.kill()


@dataclass(frozen=True)
class StreamEnd:
    """How the stream of a guest ended: by its deadline, or by itself with this exit status of QEMU.

    The status is None when QEMU was stopped: at the deadline, or since the guest had said all.
    """

    timed_out: bool
    exit_status: int | None


def stream(
    arguments: Sequence[str], log: Path, deadline_s: float, receive: Callable[[bytes], bool]
) -> StreamEnd:
    """Runs QEMU with a port on a socket pair and hands on what the guest sends as it comes.

    `receive` answers whether it has all it needs; QEMU is then stopped. The deadline counts from
    the start, in wall seconds; QEMU is killed when it passes, also in the middle of a transfer.
    """
    end_of_time = time.monotonic() + deadline_s
    ours, theirs = socket.socketpair()
    command = [*arguments, *port_arguments(theirs.fileno())]
    with ours:
        with theirs:
            process = Process(command, log, [theirs.fileno()])
        try:
            complete = _read_all(ours, end_of_time, receive)
            if complete is None:
                return StreamEnd(True, None)
            # Without a last word QEMU has closed its end and is about to leave.
            status = None if complete else process.wait(_CLOSE_WAIT_S)
            return StreamEnd(False, status)
        finally:
            process.kill()


def _read_all(
    source: socket.socket, end_of_time: float, receive: Callable[[bytes], bool]
) -> bool | None:
    """True when the receiver is content, False at the end of the stream, None at the deadline."""
    with selectors.DefaultSelector() as selector:
        selector.register(source, selectors.EVENT_READ)
        while True:
            left = end_of_time - time.monotonic()
            if left <= 0:
                return None
            if not selector.select(left):
                continue
            try:
                data = source.recv(1 << 18)
            except ConnectionResetError:
                data = b""
            if not data:
                return False
            if receive(data):
                return True


def log_line(log: Path) -> str:
    """The first thing QEMU complained about, or an empty string."""
    try:
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    except FileNotFoundError:
        return ""
    return next((line.removeprefix(f"{BINARY}: ") for line in lines if line.strip()), "")


def can_open_kvm() -> str:
    """Why /dev/kvm cannot be used, or an empty string; says nothing on whether it works."""
    try:
        os.close(os.open("/dev/kvm", os.O_RDWR | os.O_CLOEXEC))
    except OSError as error:
        return f"/dev/kvm: {error.strerror}"
    return ""
