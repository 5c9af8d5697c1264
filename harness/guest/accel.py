# SPDX-License-Identifier: MIT
"""Whether this machine can run guests on KVM: found out by booting one, not by looking.

A machine may show a /dev/kvm on which QEMU aborts or hangs. The verdict is kept for this boot of
the machine and this QEMU.
"""

import json
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from harness.guest import image, qemu
from harness.guest.errors import GuestError
from harness.guest.kernels import Kernel
from harness.guest.paths import build_lock, guest_build_dir
from harness.guest.payload import Payload
from harness.guest.transport import encode_probe

_SENTINEL = "kevbench-probe-booted"
# A guest on working KVM is up in about a second; an emulated one in two, on a busy machine twenty.
LIMIT_S = {"kvm": 10.0, "tcg": 60.0}
_PROBE_MEMORY_MIB = 256


@dataclass(frozen=True)
class Verdict:
    """`accel` is "kvm" or "tcg"; `reason` is one line for the user."""

    accel: str
    reason: str


def _key() -> dict[str, str]:
    boot_id = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    flags = {
        accel: " ".join(qemu.machine_arguments(qemu.Machine(accel, _PROBE_MEMORY_MIB)))
        for accel in LIMIT_S
    }
    return {"boot_id": boot_id, "qemu": qemu.qemu_version(), **flags}


def _cache_file() -> Path:
    return guest_build_dir() / "accel.json"


def cached_verdict() -> Verdict | None:
    """The verdict of this boot and QEMU if a guest was probed already. No side effects."""
    try:
        record = json.loads(_cache_file().read_text(encoding="utf-8"))
        if record["key"] != _key():
            return None
        return Verdict(**record["verdict"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def probe(kernel: Kernel, tell: Callable[[str], None]) -> Verdict:
    """The accelerator to use; boots up to two small guests the first time (2 to 70 s).

    `tell` gets the line that a user must not miss when KVM is not used, every time. Raises
    GuestError when guests do not run at all.
    """
    with build_lock("accel"):
        verdict = cached_verdict()
        if verdict is None:
            verdict = _probe(kernel)
            record = {"key": _key(), "verdict": asdict(verdict)}
            temporary = _cache_file().with_suffix(".tmp")
            temporary.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
            temporary.rename(_cache_file())
    if verdict.accel != "kvm":
        tell(f"EMULATED guest, its times say nothing: {verdict.reason}")
    return verdict


def _probe(kernel: Kernel) -> Verdict:
    trouble = qemu.can_open_kvm()
    if not trouble:
        trouble, seconds = boots(kernel, "kvm")
        if not trouble:
            return Verdict("kvm", f"a guest booted in {seconds:.1f} s")
    emulation_trouble, seconds = boots(kernel, "tcg")
    if emulation_trouble:
        raise GuestError(f"guests do not run here: emulation: {emulation_trouble}; kvm: {trouble}")
    return Verdict("tcg", f"kvm unusable: {trouble}; an emulated guest booted in {seconds:.1f} s")


def boots(kernel: Kernel, accel: str) -> tuple[str, float]:
    """Why a guest does not boot on that accelerator (empty: it does), and the seconds it took."""
    payload = Payload()
    image.put_base(payload, encode_probe(_SENTINEL))
    with tempfile.TemporaryDirectory(prefix="kevbench-probe-") as folder:
        initrd, console, log = (Path(folder, name) for name in ("initrd", "console", "log"))
        image.write_image(initrd, payload.entries())
        command = [
            qemu.BINARY,
            *qemu.machine_arguments(qemu.Machine(accel, _PROBE_MEMORY_MIB)),
            *qemu.boot_arguments(
                kernel.vmlinuz, initrd, console, qemu.kernel_command_line(icount=False)
            ),
        ]
        started = time.monotonic()
        with qemu.running(command, log) as process:
            status = process.wait(LIMIT_S[accel])
        seconds = time.monotonic() - started
        return judge(status, console, qemu.log_line(log), LIMIT_S[accel]), seconds


def judge(status: int | None, console: Path, complaint: str, limit_s: float) -> str:
    """The probe's rule: the sentinel on the console and a clean exit, both in time."""
    if status is None:
        said = "hung" if console.exists() and console.stat().st_size else "printed nothing"
        return f"the guest {said} within {limit_s:.0f} s"
    if status != 0:
        how = f"signal {-status}" if status < 0 else f"status {status}"
        return f"QEMU ended with {how}" + (f": {complaint}" if complaint else "")
    if _SENTINEL not in console.read_text(encoding="utf-8", errors="replace"):
        return "the guest ended without its sentinel"
    return ""
