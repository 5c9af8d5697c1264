# SPDX-License-Identifier: MIT
"""Facts about the running kernel and the limits it sets."""

from __future__ import annotations

import functools
import gzip
import hashlib
import os
import resource
from pathlib import Path

from harness.environment.facts import Facts, Unknown, number, text

_SYSCTLS = (
    "net.core.somaxconn",
    "net.ipv4.ip_local_port_range",
    "net.ipv4.tcp_rmem",
    "net.ipv4.tcp_wmem",
    "net.ipv4.tcp_tw_reuse",
    "net.ipv4.tcp_max_syn_backlog",
    "fs.epoll.max_user_watches",
    "fs.file-max",
    "fs.nr_open",
)
_LIMITS = {
    "nofile": resource.RLIMIT_NOFILE,
    "memlock": resource.RLIMIT_MEMLOCK,
    "nproc": resource.RLIMIT_NPROC,
}


def _config_hash() -> str:
    release = os.uname().release
    for path in (Path("/boot") / f"config-{release}", Path("/proc/config.gz")):
        if path.exists():
            raw = path.read_bytes()
            content = gzip.decompress(raw) if path.suffix == ".gz" else raw
            return hashlib.sha256(content).hexdigest()
    raise Unknown("neither /boot/config nor /proc/config.gz exists")


def _module(name: str) -> dict[str, object]:
    folder = Path("/sys/module") / name
    if not folder.is_dir():
        raise Unknown(f"{name} is not loaded")
    parameters = folder / "parameters"
    return {
        "srcversion": text(folder / "srcversion") if (folder / "srcversion").exists() else None,
        "taint": text(folder / "taint") if (folder / "taint").exists() else None,
        "parameters": (
            {item.name: text(item) for item in sorted(parameters.iterdir())}
            if parameters.is_dir()
            else {}
        ),
    }


def _io_uring_disabled() -> int:
    path = Path("/proc/sys/kernel/io_uring_disabled")
    if not path.exists():
        raise Unknown("this kernel has no such switch")
    return number(path)


def _sysctl(name: str) -> str:
    return " ".join(text("/proc/sys/" + name.replace(".", "/")).split())


def _limit(which: int) -> list[int | str]:
    infinity = resource.RLIM_INFINITY
    return ["unlimited" if one == infinity else one for one in resource.getrlimit(which)]


def collect(facts: Facts) -> None:
    """All facts of this subject."""
    facts.put("kernel.release", lambda: os.uname().release)
    facts.put("kernel.version", lambda: os.uname().version)
    facts.put("kernel.architecture", lambda: os.uname().machine)
    facts.put("kernel.config_sha256", _config_hash)
    facts.put("kernel.command_line", lambda: text("/proc/cmdline"))
    facts.put("kernel.tainted", lambda: number("/proc/sys/kernel/tainted"))
    facts.put("kernel.aslr", lambda: number("/proc/sys/kernel/randomize_va_space"))
    facts.put("kernel.io_uring_disabled", _io_uring_disabled)
    facts.put("kernel.perf_event_paranoid", lambda: number("/proc/sys/kernel/perf_event_paranoid"))
    facts.put("module.kevent", lambda: _module("kevent"))
    for name in _SYSCTLS:
        facts.put(f"sysctl.{name.replace('.', '_')}", functools.partial(_sysctl, name))
    for name, which in _LIMITS.items():
        facts.put(f"limits.{name}", functools.partial(_limit, which))
