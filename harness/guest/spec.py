# SPDX-License-Identifier: MIT
"""What is asked of a guest and what comes of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

from harness.guest.kernels import DEFAULT_SERIES

# Taint of a kernel that loaded our module and is otherwise sound: out of tree, unsigned.
TAINT_OUT_OF_TREE = 1 << 12
TAINT_UNSIGNED = 1 << 13
ALLOWED_TAINT = TAINT_OUT_OF_TREE | TAINT_UNSIGNED

# What `exec` leaves with when the guest, not the command, decided; as timeout(1) and containers do.
STATUS_DEADLINE = 124
STATUS_GUEST_FAILED = 125


@dataclass(frozen=True)
class GuestSpec:
    """One command in one fresh guest.

    command: argv; the zeroth is looked up on this machine like a shell would.
    kernel: the series, "6.1" or "6.12", or "debug".
    add: files and folders carried at their own paths, with the libraries they need.
    module: the kevent module to load first, built for this kernel; None for none.
    module_params: NAME to value, handed to that module.
    environment: added to the guest's own small environment; nothing is inherited from here.
    cwd: working directory, made empty where nothing was added there; None for the current one.
    stdin: what the command reads; None for nothing.
    icount: the guest's clock counts instructions: one virtual ns each. Emulated, one processor,
        and the output comes only when the command has ended,
    streamed: unless this is set: then it comes at once, and what carries it away takes its turn
        on the processor while the command sleeps.
    smp: processors; memory_mib: 128 or more; deadline_s: wall seconds for boot and command.
    scratch_mib: an empty ext4 disk of that size on /scratch; 0 for none.
    out_dir: where what the command wrote to /results goes; None to leave it behind.
    """

    command: Sequence[str]
    kernel: str = DEFAULT_SERIES
    add: Sequence[Path] = ()
    module: Path | None = None
    module_params: Mapping[str, str] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    cwd: Path | None = None
    stdin: bytes | None = None
    icount: bool = False
    streamed: bool = False
    smp: int = 1
    memory_mib: int = 1024
    deadline_s: float = 300.0
    scratch_mib: int = 0
    out_dir: Path | None = None


class Outcome(Enum):
    """How a guest ended."""

    EXITED = "exited"  # the command left with a status
    SIGNALED = "signaled"  # a signal ended the command
    DEADLINE = "deadline"  # the guest was stopped because its time was up
    PANIC = "panic"  # its kernel gave up
    FAULT = "fault"  # its init could not do what was asked
    LOST = "lost"  # it went away without a word


@dataclass(frozen=True)
class GuestResult:
    """What came of a guest.

    number: exit status or signal of the command; None unless EXITED or SIGNALED.
    stdout, stderr: what the command wrote; empty when the caller gave sinks for them.
    faults: lines in which the kernel reported a defect of its own, and unexpected taint; any of
        them makes the run a failed one, whatever the command says.
    taint: of the kernel after the command; None when the guest did not get that far.
    boot_s: wall seconds from the start of QEMU to the start of the command; with icount, to the
        end of the command, since nothing is sent before. wall_s: to the end of QEMU.
    reason: one line on what went wrong; empty when nothing did.
    """

    outcome: Outcome
    number: int | None
    stdout: bytes
    stderr: bytes
    faults: Sequence[str]
    taint: int | None
    release: str
    accel: str
    boot_s: float | None
    wall_s: float
    results: Sequence[str]
    state_dir: Path
    console_tail: Sequence[str]
    reason: str

    @property
    def guest_sound(self) -> bool:
        """The command ran to its end, however that was, and the kernel has nothing to report."""
        return self.outcome in (Outcome.EXITED, Outcome.SIGNALED) and not self.faults

    @property
    def status(self) -> int:
        """The exit status to pass on; 128 + n for signal n, as a shell has it."""
        if self.outcome is Outcome.DEADLINE:
            return STATUS_DEADLINE
        if not self.guest_sound or self.number is None:
            return STATUS_GUEST_FAILED
        return self.number + (128 if self.outcome is Outcome.SIGNALED else 0)
