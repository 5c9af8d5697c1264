# SPDX-License-Identifier: MIT
"""The machine in one line, and stored facts as rows of a table."""

import shlex
from collections.abc import Iterator, Mapping, Sequence


def flat(value: object) -> str:
    """A stored fact as text; an unknown one as "not known"."""
    if value is None:
        return "not known"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {flat(part)}" for name, part in value.items()) or "none"
    if isinstance(value, (list, tuple)):
        return ", ".join(flat(part) for part in value) or "none"
    return str(value)


def rows(facts: Mapping[str, object]) -> Iterator[tuple[str, str, str]]:
    """(subject, fact, value) in stored order; nested subjects are dotted."""
    for subject, value in facts.items():
        if isinstance(value, Mapping):
            yield from _nested(subject, "", value)
        else:
            yield subject, "", flat(value)


def _nested(subject: str, path: str, facts: Mapping[str, object]) -> Iterator[tuple[str, str, str]]:
    for name, value in facts.items():
        here = f"{path}.{name}" if path else str(name)
        if isinstance(value, Mapping) and value:
            yield from _nested(subject, here, value)
        else:
            yield subject, here, flat(value)


def command_line(argv: Sequence[str]) -> str:
    """Arguments as a shell would take them."""
    return shlex.join(argv)


def first(facts: Mapping[str, object], *paths: str) -> str:
    """The first of these dotted facts that is known, as text; empty where none is."""
    for path in paths:
        value: object = facts
        for name in path.split("."):
            value = value.get(name) if isinstance(value, Mapping) else None
        if value not in (None, "", {}, []):
            return flat(value)
    return ""


def one_line(facts: Mapping[str, object]) -> str:
    """CPU, count, memory, kernel and virtualisation, as far as known."""
    cpu = first(facts, "cpu.model", "cpu.model_name", "cpu.name")
    count = first(facts, "cpu.online", "cpu.threads", "cpu.logical", "cpu.count", "cpu.cpus")
    memory = first(facts, "memory.total_bytes", "memory.total", "memory.mem_total_bytes")
    kernel = first(facts, "kernel.release")
    machine = first(facts, "hypervisor", "machine.hypervisor", "cpu.hypervisor", "virtualisation")
    parts = [cpu]
    parts.append(f"{count} CPUs" if count else "")
    parts.append(_gib(memory) if memory else "")
    parts.append(f"Linux {kernel}" if kernel else "")
    if machine and machine not in ("none", "not known", "no"):
        parts.append(f"virtual machine ({machine})")
    return ", ".join(part for part in parts if part)


def _gib(memory: str) -> str:
    return f"{int(memory) / 2**30:.1f} GiB" if memory.isdigit() else memory
