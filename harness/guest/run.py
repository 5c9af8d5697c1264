# SPDX-License-Identifier: MIT
"""Runs one command in one fresh guest: the interface for the rest of the harness."""

import json
import os
import re
import secrets
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from harness.guest import accel, console, cpio, image, qemu
from harness.guest.choose import choose_kernel
from harness.guest.conversation import Conversation, Sink, kernel_faults
from harness.guest.errors import GuestError
from harness.guest.kernels import Kernel, module_info
from harness.guest.paths import runs_dir, shown
from harness.guest.payload import (
    Payload,
    check_paths,
    find_program,
    guest_memory_needed,
)
from harness.guest.spec import GuestResult, GuestSpec, Outcome
from harness.guest.transport import SCRATCH_DIR, Frame, Job, ProtocolError, encode_job

_KEPT_RUNS = 50
# A folder without a result belongs to a run that goes on, or to one that was killed this long ago.
_BROKEN_OFF_S = 24 * 3600.0
_MIN_MEMORY_MIB = 128


def tell_stderr(line: str) -> None:
    """The default place for notices about the guest itself."""
    print(f"kevbench guest: {line}", file=sys.stderr, flush=True)


def run_in_guest(
    spec: GuestSpec,
    stdout: Sink | None = None,
    stderr: Sink | None = None,
    tell: Callable[[str], None] = tell_stderr,
) -> GuestResult:
    """Boots a guest, runs the command of `spec` in it, and brings back what came of it.

    `stdout` and `stderr` get the command's output as it arrives; without them it is returned in the
    result. Blocks for at most the deadline and some seconds. Safe to call from several threads.
    Raises GuestError when there is no guest to speak of: a request that makes no sense, a missing
    tool, a kernel that cannot be fetched, a QEMU that does not start.
    """
    check_spec(spec)
    kernel = choose_kernel(spec.kernel, tell)
    check_module(spec.module, kernel)
    acceleration = "tcg" if spec.icount else accel.probe(kernel, tell).accel
    state_dir = make_state_dir()
    try:
        arguments = prepare(spec, kernel, acceleration, state_dir)
        captured: tuple[list[bytes], list[bytes]] = ([], [])
        conversation = Conversation(
            stdout or captured[0].append, stderr or captured[1].append, spec.out_dir
        )
        started = time.monotonic()
        end, trouble = _follow(arguments, state_dir, spec.deadline_s, conversation)
        wall_s = time.monotonic() - started
    finally:
        for name in ("initrd", "scratch.img"):
            (state_dir / name).unlink(missing_ok=True)
    console_lines = console.read_console(state_dir / "console.log")
    _check_started(end, conversation, console_lines, state_dir)
    verdict = judge(end, trouble, conversation, console_lines, spec.deadline_s)
    ready_at = conversation.ready_at
    result = GuestResult(
        outcome=verdict.outcome,
        number=verdict.number,
        stdout=b"".join(captured[0]),
        stderr=b"".join(captured[1]),
        faults=tuple(kernel_faults(conversation, console_lines, spec.module is not None)),
        taint=conversation.taint,
        release=conversation.release or kernel.release,
        accel=acceleration,
        boot_s=None if ready_at is None else ready_at - started,
        wall_s=wall_s,
        results=tuple(conversation.results),
        state_dir=state_dir,
        console_tail=tuple(console.tail(console_lines)),
        reason=verdict.reason,
    )
    _write_records(spec, conversation, result)
    return result


def check_spec(spec: GuestSpec) -> None:
    """Raises GuestError for a request that cannot work, before anything is fetched or built."""
    if not spec.command:
        raise GuestError("no command given; put it after '--'")
    if spec.icount and spec.smp != 1:
        raise GuestError("--icount counts on one processor only; leave --smp away")
    if not 1 <= spec.smp <= 64:
        raise GuestError("--smp takes 1 to 64 processors")
    if spec.memory_mib < _MIN_MEMORY_MIB:
        raise GuestError(f"--memory takes at least {_MIN_MEMORY_MIB} MiB")
    if not spec.deadline_s > 0:
        raise GuestError("--deadline takes a number of seconds above 0")
    for key in spec.environment:
        if not re.fullmatch(r"[^=\0]+", key):
            raise GuestError(f"{key!r} is not a name for an environment variable")
    if any("\0" in text for text in [*spec.command, *spec.environment.values()]):
        raise GuestError("a NUL byte cannot be passed to a program")
    check_paths(spec.add)


def check_module(module: Path | None, kernel: Kernel) -> None:
    """Raises GuestError for a module that the guest's kernel would refuse."""
    if module is None:
        return
    try:
        data = module.read_bytes()
    except OSError as error:
        raise GuestError(f"cannot read the module {module}: {error.strerror}") from None
    built_for = module_info(data, "vermagic").partition(" ")[0]
    if built_for != kernel.release:
        raise GuestError(
            f"{module} is built for kernel {built_for or 'unknown'}, the guest has "
            f"{kernel.release}; build it against {shown(kernel.headers)}"
        )


def prepare(spec: GuestSpec, kernel: Kernel, acceleration: str, state_dir: Path) -> list[str]:
    """Writes the guest's image (and disk) into `state_dir`; returns QEMU's arguments.

    The arguments lack only the port, which belongs to the process that is about to start.
    """
    initrd = state_dir / "initrd"
    image.write_image(initrd, build_payload(spec, kernel).entries())
    machine = qemu.Machine(acceleration, spec.memory_mib, spec.smp, spec.icount)
    arguments = [
        qemu.BINARY,
        *qemu.machine_arguments(machine),
        *qemu.boot_arguments(
            kernel.vmlinuz,
            initrd,
            state_dir / "console.log",
            qemu.kernel_command_line(spec.icount),
        ),
    ]
    if spec.scratch_mib:
        disk = state_dir / "scratch.img"
        make_disk(disk, spec.scratch_mib)
        arguments += qemu.disk_arguments(disk)
    return arguments


def build_payload(spec: GuestSpec, kernel: Kernel) -> Payload:
    """Everything the guest carries. Raises GuestError when it does not fit into its memory."""
    payload = Payload()
    program = find_program(spec.command[0])
    payload.add_program(program)
    for path in spec.add:
        payload.add(path)
    image.put_late_libraries(payload)
    payload.add_libraries()
    cwd = Path(os.path.abspath(spec.cwd or Path.cwd()))
    payload.add_folder_path(cwd)
    buffered = spec.icount and not spec.streamed
    modules = image.transport_modules(payload, kernel, buffered, spec.scratch_mib > 0)
    if spec.module is not None:
        payload.put(image.MODULE_PATH, cpio.copy_of(spec.module))
    if spec.stdin is not None:
        payload.put(image.STDIN_PATH, cpio.regular(spec.stdin))
    job = Job(
        program=str(program),
        arguments=spec.command,
        cwd=str(cwd),
        environment={
            **image.BASE_ENVIRONMENT,
            **({"KEVBENCH_SCRATCH": SCRATCH_DIR} if spec.scratch_mib else {}),
            **spec.environment,
        },
        early_modules=modules.early,
        late_modules=modules.late,
        module=image.MODULE_PATH if spec.module is not None else None,
        module_params=" ".join(f"{key}={value}" for key, value in spec.module_params.items()),
        stdin=image.STDIN_PATH if spec.stdin is not None else None,
        buffered=buffered,
        virtual_time=spec.icount,
        scratch_disk=spec.scratch_mib > 0,
    )
    image.put_userland(payload)
    image.put_base(payload, encode_job(job))
    needed = guest_memory_needed(payload.size_bytes())
    if needed > spec.memory_mib:
        raise GuestError(
            f"the guest carries {payload.size_bytes() >> 20} MiB and needs --memory {needed}, "
            f"not {spec.memory_mib}"
        )
    return payload


def make_disk(path: Path, mib: int) -> None:
    """An empty ext4 file system in a sparse file."""
    mke2fs = shutil.which("mke2fs", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
    if mke2fs is None:
        raise GuestError("mke2fs is missing; apt-get install e2fsprogs")
    command = [mke2fs, "-q", "-F", "-t", "ext4", "-O", "^has_journal", str(path), f"{mib}M"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    if done.returncode != 0:
        raise GuestError(f"cannot make the scratch disk: {done.stderr.strip().splitlines()[-1:]}")


@dataclass(frozen=True)
class Judgement:
    outcome: Outcome
    number: int | None
    reason: str


def judge(
    end: qemu.StreamEnd,
    trouble: str,
    conversation: Conversation,
    console_lines: list[str],
    deadline_s: float,
) -> Judgement:
    """How the guest ended, from what it said and how QEMU went."""
    number = conversation.ending[1] if conversation.ending else None
    if trouble:
        return Judgement(Outcome.LOST, number, trouble)
    if conversation.fault:
        return Judgement(Outcome.FAULT, number, conversation.fault)
    if conversation.ended and conversation.ending is not None:
        exited = conversation.ending[0] is Frame.EXITED
        return Judgement(Outcome.EXITED if exited else Outcome.SIGNALED, number, "")
    texts = [console.strip_stamp(line) for line in console_lines]
    panic = next((line for line in texts if line.startswith("Kernel panic")), None)
    if panic is not None:
        return Judgement(Outcome.PANIC, number, panic)
    if end.timed_out:
        when = "before the command started" if conversation.ready_at is None else "in the command"
        return Judgement(Outcome.DEADLINE, number, f"deadline of {deadline_s:g} s passed {when}")
    status = end.exit_status
    return Judgement(Outcome.LOST, number, f"the guest went away (QEMU's exit status: {status})")


def _follow(
    arguments: list[str], state_dir: Path, deadline_s: float, conversation: Conversation
) -> tuple[qemu.StreamEnd, str]:
    try:
        end = qemu.stream(arguments, state_dir / "qemu.log", deadline_s, conversation.receive)
        return end, ""
    except ProtocolError as error:
        return qemu.StreamEnd(False, None), str(error)
    finally:
        conversation.close()


def _check_started(
    end: qemu.StreamEnd, conversation: Conversation, console_lines: list[str], state_dir: Path
) -> None:
    """A QEMU that gave up at once is a fault of this machine or its set-up, not of a guest."""
    failed = end.exit_status is not None and end.exit_status != 0
    if failed and conversation.ready_at is None and not console_lines:
        reason = qemu.log_line(state_dir / "qemu.log") or f"exit status {end.exit_status}"
        raise GuestError(f"QEMU does not start: {reason}; see 'guest check'")


def make_state_dir() -> Path:
    """A new folder for the logs of one run; the oldest of many, and
    those of runs that were killed, are removed."""
    runs_dir().mkdir(parents=True, exist_ok=True)
    finished = sorted(path.parent for path in runs_dir().glob("*/result.json"))
    broken_off = [
        folder
        for folder in runs_dir().iterdir()
        if folder not in finished and time.time() - folder.stat().st_mtime > _BROKEN_OFF_S
    ]
    for old in [*finished[:-_KEPT_RUNS], *broken_off]:
        shutil.rmtree(old, ignore_errors=True)
    name = time.strftime("%Y%m%d-%H%M%S", time.gmtime()) + "-" + secrets.token_hex(3)
    state_dir = runs_dir() / name
    state_dir.mkdir()
    return state_dir


def _write_records(spec: GuestSpec, conversation: Conversation, result: GuestResult) -> None:
    lines = [console.kmsg_line(record) for record in conversation.kernel_log]
    (result.state_dir / "dmesg.log").write_text("\n".join(lines) + "\n", encoding="utf-8")
    record = {
        "command": list(spec.command),
        "kernel": result.release,
        "accel": result.accel,
        "icount": spec.icount,
        "outcome": result.outcome.value,
        "number": result.number,
        "status": result.status,
        "reason": result.reason,
        "faults": list(result.faults),
        "taint": result.taint,
        "boot_s": result.boot_s,
        "wall_s": result.wall_s,
    }
    text = json.dumps(record, indent=2) + "\n"
    (result.state_dir / "result.json").write_text(text, encoding="utf-8")
