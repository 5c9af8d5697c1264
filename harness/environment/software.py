# SPDX-License-Identifier: MIT
"""Facts about the build, the sources and the tools."""

from __future__ import annotations

import hashlib
import json
import platform
import subprocess
from pathlib import Path

from harness import tree
from harness.environment.facts import Facts, Unknown, output

_PACKAGES = (
    "libc6",
    "g++",
    "liburing2",
    "libbenchmark1debian",
    "valgrind",
    "httperf",
    "wrk",
    "linux-perf",
    "qemu-system-x86",
    "python3-numpy",
    "python3-matplotlib",
)
_EVENTS = (
    "task-clock",
    "context-switches",
    "cpu-migrations",
    "page-faults",
    "cycles",
    "instructions",
    "cache-misses",
    "branch-misses",
    "raw_syscalls:sys_enter",
)
PROGRAMS = ("kevbench-worker", "kevbench-micro")


def sha256(path: Path) -> str:
    """Hash of a file's content."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _packages() -> dict[str, str]:
    listing = output(["dpkg-query", "-W", "-f", "${Package} ${Version} ${db:Status-Abbrev}\n"])
    found = {}
    for line in listing.splitlines():
        name, version, *state = line.split(" ")
        if name in _PACKAGES and state and state[0].startswith("ii"):
            found[name] = version
    return found


def counting_events() -> dict[str, str]:
    """Each event of interest: "counts", or how perf words that it does not."""
    command = ["perf", "stat", "-j", "-e", ",".join(_EVENTS), "--", "true"]

    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=15, check=False)
    except FileNotFoundError:
        raise Unknown("perf is not installed") from None
    except subprocess.TimeoutExpired:
        raise Unknown("perf took longer than 15 s") from None
    found = {}
    for line in done.stderr.splitlines():
        try:
            item = json.loads(line)
            value = str(item["counter-value"])
        except (ValueError, KeyError, TypeError):
            continue
        found[str(item["event"]).split(":u")[0]] = (
            value.strip("<>") if value.startswith("<") else "counts"
        )
    if not found:
        raise Unknown((done.stderr.strip() or "perf printed nothing").splitlines()[0][:200])
    return found


def _cache(name: str) -> str:
    path = tree.BUILD / "CMakeCache.txt"
    for line in path.read_text().splitlines():
        if line.startswith(name + ":"):
            return line.split("=", 1)[1]
    raise Unknown(f"the build does not state {name}")


def _compiler() -> str:
    return output([_cache("CMAKE_CXX_COMPILER"), "--version"]).splitlines()[0]


def _flags() -> str:
    kind = _cache("CMAKE_BUILD_TYPE")
    parts = [kind, _cache("CMAKE_CXX_FLAGS"), _cache(f"CMAKE_CXX_FLAGS_{kind.upper()}")]
    return " ".join(part for part in parts if part)


def _git(*arguments: str) -> str:
    return output(["git", "-C", str(tree.ROOT), *arguments])


def _diff_hash() -> str | None:
    """Hash of what differs from the commit; "clean" when nothing does."""
    changes = _git("diff", "HEAD") + _git("ls-files", "--others", "--exclude-standard")
    return hashlib.sha256(changes.encode()).hexdigest() if changes else "clean"


def _programs() -> dict[str, str]:
    found = {}
    for name in PROGRAMS:
        path = tree.BUILD / "harness" / name
        if path.exists():
            found[name] = sha256(path)
    if not found:
        raise Unknown("nothing is built in build/release")
    return found


def collect(facts: Facts) -> None:
    """All facts of this subject."""
    facts.put("software.version", tree.version)
    facts.put("software.python", platform.python_version)
    facts.put("software.libc", lambda: " ".join(platform.libc_ver()))
    facts.put("software.packages", _packages)
    facts.put("software.compiler", _compiler)
    facts.put("software.flags", _flags)
    facts.put("software.sanitizer", lambda: _cache("KVB_SANITIZE"))
    facts.put("software.programs_sha256", _programs)
    facts.put("perf.events", counting_events)
    facts.put("git.commit", lambda: _git("rev-parse", "HEAD").strip())
    facts.put("git.dirty", lambda: _diff_hash() != "clean")
    facts.put("git.diff_sha256", _diff_hash)
