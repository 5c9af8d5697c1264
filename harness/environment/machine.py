# SPDX-License-Identifier: MIT
"""Facts about the processor, its tuning, the clock and memory."""

from __future__ import annotations

import hashlib
import os
import time
from pathlib import Path

from harness.environment.facts import Facts, Unknown, chosen, number, output, text

_CPU = Path("/sys/devices/system/cpu")


def _cpuinfo(name: str) -> str:
    for line in text("/proc/cpuinfo").splitlines():
        key, _, value = line.partition(":")
        if key.strip() == name:
            return value.strip()
    raise Unknown(f"/proc/cpuinfo has no {name}")


def _topology() -> dict[str, int]:
    cores, sockets = set(), set()
    threads = 0
    for folder in sorted(_CPU.glob("cpu[0-9]*")):
        if (folder / "topology").is_dir():
            threads += 1
            package = text(folder / "topology/physical_package_id")
            sockets.add(package)
            cores.add((package, text(folder / "topology/core_id")))
    return {"sockets": len(sockets), "cores": len(cores), "threads": threads}


def _caches() -> list[str]:
    found = []
    for folder in sorted((_CPU / "cpu0/cache").glob("index[0-9]*")):
        found.append(f"L{text(folder / 'level')} {text(folder / 'type')} {text(folder / 'size')}")
    if not found:
        raise Unknown("the machine shows no caches")
    return found


def _hypervisor() -> str:
    try:
        return output(["systemd-detect-virt", "--vm"]).strip()
    except Unknown:
        if "hypervisor" in _cpuinfo("flags").split():
            return "unknown hypervisor"
        return "none"


def _container() -> str:
    if Path("/.dockerenv").exists():
        return "docker"
    if Path("/run/.containerenv").exists():
        return "podman"
    if Path("/run/systemd/container").exists():
        return text("/run/systemd/container")
    return "none"


def _mitigations() -> dict[str, str]:
    found = {item.name: text(item) for item in sorted((_CPU / "vulnerabilities").iterdir())}
    if not found:
        raise Unknown("the kernel lists none")
    return found


def _clock_cost_ns() -> float:
    """Median cost of one clock read as seen from here, the interpreter's own cost included."""
    spans = []
    for _ in range(201):
        start = time.perf_counter_ns()
        for _ in range(10):
            time.perf_counter_ns()
        spans.append((time.perf_counter_ns() - start) / 11)
    return sorted(spans)[100]


def _boost() -> bool:
    if (_CPU / "cpufreq/boost").exists():
        return number(_CPU / "cpufreq/boost") == 1
    if (_CPU / "intel_pstate/no_turbo").exists():
        return number(_CPU / "intel_pstate/no_turbo") == 0
    raise Unknown("no frequency control is visible")


def _frequency(name: str) -> int:
    path = _CPU / "cpu0/cpufreq" / name
    if not path.exists():
        raise Unknown("no frequency control is visible")
    return number(path)


def _governor() -> str:
    path = _CPU / "cpu0/cpufreq/scaling_governor"
    if not path.exists():
        raise Unknown("no frequency control is visible")
    return text(path)


def _memory() -> int:
    for line in text("/proc/meminfo").splitlines():
        if line.startswith("MemTotal:"):
            return int(line.split()[1]) * 1024
    raise Unknown("/proc/meminfo has no MemTotal")


def _cpu_quota() -> str:
    folder = text("/proc/self/cgroup").splitlines()[-1].split(":", 2)[2]
    path = Path("/sys/fs/cgroup") / folder.lstrip("/") / "cpu.max"
    if not path.exists():
        raise Unknown("no cgroup CPU controller applies here")
    return text(path)


def host_hash() -> str:
    """Tells machines apart without naming them."""
    return hashlib.sha256(os.uname().nodename.encode()).hexdigest()[:16]


def load_facts(facts: Facts) -> None:
    """What changes during a run; collected before and after."""
    facts.put("load.average", lambda: list(os.getloadavg()))
    facts.put("load.proc_stat", lambda: text("/proc/stat").splitlines()[0])
    facts.put("load.running", lambda: text("/proc/loadavg").split()[3])


def collect(facts: Facts, reveal_host: bool = False) -> None:
    """All facts of this subject."""
    facts.put("cpu.model", lambda: _cpuinfo("model name"))
    facts.put("cpu.microcode", lambda: _cpuinfo("microcode"))
    facts.put("cpu.topology", _topology)
    facts.put("cpu.usable", lambda: len(os.sched_getaffinity(0)))
    facts.put("cpu.caches", _caches)
    facts.put("cpu.numa_nodes", lambda: text("/sys/devices/system/node/online"))
    facts.put("cpu.smt", lambda: text(_CPU / "smt/control"))
    facts.put("cpu.governor", _governor)
    facts.put("cpu.boost", _boost)
    facts.put("cpu.min_khz", lambda: _frequency("cpuinfo_min_freq"))
    facts.put("cpu.max_khz", lambda: _frequency("cpuinfo_max_freq"))
    facts.put("cpu.isolated", lambda: text(_CPU / "isolated"))
    facts.put("cpu.nohz_full", lambda: text(_CPU / "nohz_full"))
    facts.put("cpu.mitigations", _mitigations)
    facts.put("machine.host", host_hash if not reveal_host else lambda: os.uname().nodename)
    facts.put("machine.hypervisor", _hypervisor)
    facts.put("machine.container", _container)
    facts.put("machine.cpu_quota", _cpu_quota)
    facts.put("machine.memory_bytes", _memory)
    facts.put(
        "clock.source",
        lambda: text("/sys/devices/system/clocksource/clocksource0/current_clocksource"),
    )
    facts.put("clock.cost_ns", _clock_cost_ns)
    facts.put("clock.resolution_ns", lambda: time.get_clock_info("monotonic").resolution * 1e9)
    facts.put("memory.thp", lambda: chosen("/sys/kernel/mm/transparent_hugepage/enabled"))
    load_facts(facts)
