# SPDX-License-Identifier: MIT
"""What `guest status` and `guest check` say. Both only look; nothing is fetched, built or booted."""

import json
import shutil
from dataclasses import asdict
from pathlib import Path
from typing import Any

from harness.guest import accel, image, qemu
from harness.guest.errors import GuestError
from harness.guest.finding import Finding, tool_finding
from harness.guest.hosts import status as hosts
from harness.guest.kernels import SERIES, cached_kernel
from harness.guest.module import module_missing
from harness.guest.paths import REPOSITORY, guest_build_dir, runs_dir, shown

_TOOLS = {
    # tool: Debian package
    qemu.BINARY: "qemu-system-x86",
    "g++": "g++",
    "make": "make",
    "gcc-12": "gcc-12",
    "apt-get": "apt",
    "apt-cache": "apt",
    "dpkg-deb": "dpkg",
    "setpriv": "util-linux",
    "ldconfig": "libc-bin",
    "mke2fs": "e2fsprogs",
}
_NEEDED_DISK_MIB = 700  # both kernels unpacked, their packages beside them, a few images
_NEEDED_MEMORY_MIB = 1536  # one guest of 1 GiB and its QEMU
_SHOWN_RUNS = 5


def findings() -> list[Finding]:
    """All that guests need here."""
    return [
        *_tool_findings(),
        _disk_finding(),
        _memory_finding(),
        *_kernel_findings(),
        _module_finding(),
        _accel_finding(),
        *hosts.findings(),
    ]


def _tool_findings() -> list[Finding]:
    out = [tool_finding(tool, package) for tool, package in _TOOLS.items()]
    try:
        out.append(Finding("busybox", True, str(image.find_busybox())))
    except GuestError as error:
        out.append(Finding("busybox", False, str(error)))
    return out


def _disk_finding() -> Finding:
    free = shutil.disk_usage(REPOSITORY).free >> 20
    enough = free >= _NEEDED_DISK_MIB or all(cached_kernel(series) for series in SERIES)
    return Finding("disk", enough, f"{free} MiB free, {_NEEDED_DISK_MIB} needed at first")


def _memory_finding() -> Finding:
    text = Path("/proc/meminfo").read_text(encoding="ascii")
    available = next(
        int(line.split()[1]) >> 10 for line in text.splitlines() if line.startswith("MemAvailable")
    )
    enough = available >= _NEEDED_MEMORY_MIB
    return Finding("memory", enough, f"{available} MiB available, {_NEEDED_MEMORY_MIB} needed")


def _kernel_findings() -> list[Finding]:
    out = []
    for series in SERIES:
        kernel = cached_kernel(series)
        text = kernel.release if kernel else "not here yet; the first guest fetches it with apt"
        out.append(Finding(f"kernel {series}", True if kernel else None, text))
    return out


def _module_finding() -> Finding:
    missing = module_missing()
    text = missing or "built for the guest's kernel by the first guest that loads it"
    return Finding("module", None if missing else True, text)


def _accel_finding() -> Finding:
    try:
        verdict = accel.cached_verdict()
    except GuestError as error:
        return Finding("accelerator", False, str(error))
    if verdict is not None:
        return Finding("accelerator", True, f"{verdict.accel}: {verdict.reason}")
    trouble = qemu.can_open_kvm()
    hint = f"kvm cannot work ({trouble})" if trouble else "kvm may work"
    return Finding("accelerator", None, f"not probed since boot: {hint}; the first guest finds out")


def check_json() -> dict[str, Any]:
    return {"schema": "kvb.guest-check", "findings": [asdict(finding) for finding in findings()]}


def status_json(folder: Path) -> dict[str, Any]:
    """What is cached, the last runs, newest first, and the hosts of a state folder."""
    try:
        verdict = accel.cached_verdict()
    except GuestError:
        verdict = None
    return {
        "schema": "kvb.guest-status",
        "folder": str(guest_build_dir()),
        "accelerator": asdict(verdict) if verdict else None,
        "kernels": {
            series: (kernel.release if (kernel := cached_kernel(series)) else None)
            for series in SERIES
        },
        "runs": _last_runs(),
        "hosts": hosts.status_json(folder),
    }


def _last_runs() -> list[dict[str, Any]]:
    out = []
    for path in sorted(runs_dir().glob("*/result.json"), reverse=True)[:_SHOWN_RUNS]:
        try:
            record = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue
        out.append({"run": path.parent.name, **record})
    return out


def status_lines(folder: Path) -> list[str]:
    """`guest status` for people."""
    status = status_json(folder)
    verdict = status["accelerator"]
    lines = [f"folder       {shown(Path(status['folder']))}"]
    for series, release in status["kernels"].items():
        lines.append(f"kernel {series:5} {release or 'not fetched'}")
    said = f"{verdict['accel']}: {verdict['reason']}" if verdict else "not probed since boot"
    lines.append(f"accelerator  {said}")
    for run in status["runs"]:
        how = run["reason"] or f"{run['outcome']} {run['number']}"
        first = Path(run["command"][0]).name
        lines.append(f"run          {run['run']}  {run['kernel']}  {first}: {how}")
    return lines + hosts.status_lines(status["hosts"])
