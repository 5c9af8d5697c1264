# SPDX-License-Identifier: MIT
"""What this machine can measure and what disturbs it. Reads only."""

from __future__ import annotations

import json
import os
import resource
import shutil
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from harness import tree
from harness.environment.collect import lookup
from harness.errors import UsageError


@dataclass(frozen=True)
class Finding:
    """One line of advice. `state`: ok, disturbs, missing or unknown; remedy empty when ok."""

    subject: str
    name: str
    state: str
    text: str
    remedy: str = ""

    def fields(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


Environment = Mapping[str, Any]


def _fact(environment: Environment, path: str) -> Any:
    return lookup(environment["facts"], path)


def _why(environment: Environment, path: str) -> str:
    return str(environment["reasons"].get(path, "not stated"))


def _tool(name: str, package: str, what: str) -> Finding:
    if shutil.which(name):
        return Finding("can measure", name, "ok", what)
    return Finding("can measure", name, "missing", what, f"apt-get install {package}")


def _tools(environment: Environment) -> list[Finding]:
    return [
        _tool("httperf", "httperf", "HTTP workload at a given rate"),
        _tool("wrk", "wrk", "HTTP saturation throughput"),
        _tool("valgrind", "valgrind", "exact user instructions per event"),
        _tool("perf", "linux-perf", "tracepoints, counters and flame graphs"),
        _tool("qemu-system-x86_64", "qemu-system-x86", "guests, in which kevent.ko is loaded"),
    ]


def _worker(environment: Environment) -> list[Finding]:
    try:
        program = tree.worker()
    except UsageError as problem:
        return [
            Finding("can measure", "worker", "missing", str(problem), "./kevbench run builds it")
        ]
    findings = [Finding("can measure", "worker", "ok", "built")]
    try:
        done = subprocess.run(
            [str(program), "about"], capture_output=True, text=True, timeout=20, check=False
        )
        about = json.loads(done.stdout)
    except (OSError, ValueError, subprocess.TimeoutExpired):
        return findings
    if about.get("optimized") is False or about.get("sanitizer", "none") != "none":
        findings.append(
            Finding(
                "disturbs",
                "build",
                "disturbs",
                "the worker is not optimised or carries a sanitizer",
                "cmake --preset release && cmake --build --preset release",
            )
        )
    for name, counter in sorted((about.get("counters") or {}).items()):
        if counter.get("available"):
            findings.append(Finding("can measure", name, "ok", "counts"))
        else:
            reason = str(counter.get("reason") or "does not count here")
            findings.append(Finding("can measure", name, "missing", reason, _counter_remedy(name)))
    return findings


def _counter_remedy(name: str) -> str:
    if name == "syscalls":
        return "run as root, or mount tracefs and lower kernel.perf_event_paranoid"
    return "none in this machine: hardware counters need bare metal or a VM that passes them on"


def _descriptors(environment: Environment) -> list[Finding]:
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    limit = "unlimited" if hard == resource.RLIM_INFINITY else str(hard)
    if hard != resource.RLIM_INFINITY and hard < 100_100:
        return [
            Finding(
                "can measure",
                "descriptors",
                "missing",
                f"limit {limit}: no sizes up to 100000",
                "ulimit -Hn 100200 before the run, or LimitNOFILE= of the service",
            )
        ]
    return [Finding("can measure", "descriptors", "ok", f"limit {limit}")]


def _io_uring(environment: Environment) -> list[Finding]:
    disabled = _fact(environment, "kernel.io_uring_disabled")
    if disabled:
        return [
            Finding(
                "can measure",
                "io_uring",
                "missing",
                f"kernel.io_uring_disabled is {disabled}",
                "sysctl kernel.io_uring_disabled=0",
            )
        ]
    return [Finding("can measure", "io_uring", "ok", "not disabled")]


def _kvm(environment: Environment) -> list[Finding]:
    if os.access("/dev/kvm", os.R_OK | os.W_OK):
        text = "/dev/kvm opens; only booting a guest shows whether it works"
        return [Finding("can measure", "kvm", "unknown", text)]
    text = "no usable /dev/kvm: guests are emulated, their times are marked so"
    return [Finding("can measure", "kvm", "missing", text, "enable (nested) virtualisation")]


def _load(environment: Environment) -> list[Finding]:
    average = _fact(environment, "load.average")
    usable = _fact(environment, "cpu.usable") or 1
    if average and average[0] > 0.3 * usable:
        text = f"load average {average[0]:.1f} on {usable} CPUs: others are running"
        return [
            Finding("disturbs", "load", "disturbs", text, "stop other work, or expect coarse rows")
        ]
    return [Finding("disturbs", "load", "ok", "quiet")]


def _steal(environment: Environment) -> list[Finding]:
    fields = str(_fact(environment, "load.proc_stat") or "").split()
    if len(fields) < 9:
        return [Finding("disturbs", "steal", "unknown", _why(environment, "load.proc_stat"))]
    ticks = [int(value) for value in fields[1:9]]
    share = 100.0 * ticks[7] / max(1, sum(ticks))
    if share > 1.0:
        text = f"{share:.1f} % of CPU time since boot was stolen by other machines"
        return [Finding("disturbs", "steal", "disturbs", text, "use a host with dedicated CPUs")]
    return [Finding("disturbs", "steal", "ok", f"{share:.1f} % since boot")]


def _frequency(environment: Environment) -> list[Finding]:
    governor = _fact(environment, "cpu.governor")
    findings = []
    if governor is None:
        findings.append(
            Finding("disturbs", "governor", "unknown", _why(environment, "cpu.governor"))
        )
    elif governor != "performance":
        remedy = "cpupower frequency-set -g performance"
        findings.append(
            Finding("disturbs", "governor", "disturbs", f"governor is {governor}", remedy)
        )
    else:
        findings.append(Finding("disturbs", "governor", "ok", "performance"))
    boost = _fact(environment, "cpu.boost")
    if boost is None:
        findings.append(Finding("disturbs", "boost", "unknown", _why(environment, "cpu.boost")))
    elif boost:
        remedy = "echo 0 > /sys/devices/system/cpu/cpufreq/boost (or no_turbo=1)"
        findings.append(Finding("disturbs", "boost", "disturbs", "boost is on", remedy))
    else:
        findings.append(Finding("disturbs", "boost", "ok", "off"))
    return findings


def _topology(environment: Environment) -> list[Finding]:
    findings = []
    usable = _fact(environment, "cpu.usable") or 1
    if usable < 2:
        text = "one CPU: clients and servers take turns"
        findings.append(Finding("disturbs", "cpus", "disturbs", text, "use two CPUs or more"))
    else:
        findings.append(Finding("disturbs", "cpus", "ok", f"{usable} usable"))
    if _fact(environment, "cpu.smt") == "on":
        text = "SMT is on: siblings share a core"
        remedy = "echo off > /sys/devices/system/cpu/smt/control"
        findings.append(Finding("disturbs", "smt", "disturbs", text, remedy))
    quota = str(_fact(environment, "machine.cpu_quota") or "max")
    if not quota.startswith("max"):
        text = f"the cgroup limits CPU time ({quota}): throttling stops slices in the middle"
        findings.append(Finding("disturbs", "quota", "disturbs", text, "run outside that cgroup"))
    virtual = _fact(environment, "machine.hypervisor")
    if virtual not in (None, "none"):
        text = f"virtual machine ({virtual}): wake-ups across CPUs cost more than on metal"
        findings.append(
            Finding("disturbs", "virtual", "disturbs", text, "use bare metal for times")
        )
    return findings


def _kernel(environment: Environment) -> list[Finding]:
    findings = []
    clock = _fact(environment, "clock.source")
    if clock not in (None, "tsc", "kvm-clock"):
        text = f"clock source {clock} is slow to read"
        findings.append(Finding("disturbs", "clock", "disturbs", text, "boot with clocksource=tsc"))
    else:
        findings.append(Finding("disturbs", "clock", "ok", str(clock)))
    if _fact(environment, "kernel.aslr") == 0:
        text = "ASLR is off: layout bias becomes a constant error instead of scatter"
        remedy = "sysctl kernel.randomize_va_space=2"
        findings.append(Finding("disturbs", "aslr", "disturbs", text, remedy))
    return findings


_EXAMINERS: tuple[Callable[[Environment], list[Finding]], ...] = (
    _worker,
    _tools,
    _descriptors,
    _io_uring,
    _kvm,
    _load,
    _steal,
    _frequency,
    _topology,
    _kernel,
)


def examine(environment: Environment) -> list[Finding]:
    """Every finding, what can be measured first. Changes nothing."""
    return [finding for examiner in _EXAMINERS for finding in examiner(environment)]


def render(findings: list[Finding]) -> str:
    """For people."""
    lines = []
    for subject, title in (
        ("can measure", "what this machine can measure"),
        ("disturbs", "what disturbs it"),
    ):
        lines.append(title)
        for one in findings:
            if one.subject == subject:
                remedy = f" -> {one.remedy}" if one.remedy else ""
                lines.append(f"  {one.state:<9} {one.name:<18} {one.text}{remedy}")
    return "\n".join(lines)
