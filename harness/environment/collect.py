# SPDX-License-Identifier: MIT
"""The env record of this machine, and the fingerprint that says which runs may be compared."""

from __future__ import annotations

import datetime
import hashlib
import json
import os
from collections.abc import Mapping
from typing import Any

from harness.environment import kernel, machine, software
from harness.environment.facts import Facts

#: Facts that change what a figure means. Two runs that differ in one are not comparable.
COMPARABLE = (
    "kernel.release",
    "kernel.version",
    "kernel.config_sha256",
    "kernel.aslr",
    "cpu.model",
    "cpu.microcode",
    "cpu.topology",
    "cpu.usable",
    "cpu.smt",
    "cpu.governor",
    "cpu.boost",
    "cpu.mitigations",
    "machine.host",
    "machine.hypervisor",
    "machine.cpu_quota",
    "clock.source",
    "memory.thp",
    "software.libc",
    "software.compiler",
    "software.flags",
)


def now() -> str:
    """This moment in UTC."""
    moment = datetime.datetime.now(datetime.timezone.utc)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


def host_place() -> dict[str, Any]:
    """Where, kernel and acceleration of figures taken on this machine."""
    return {"where": "host", "kernel": os.uname().release, "accel": "none"}


def collect(reveal_host: bool = False) -> dict[str, Any]:
    """The fields of an env record. Takes a second or two; changes nothing."""
    facts = Facts()
    machine.collect(facts, reveal_host)
    kernel.collect(facts)
    software.collect(facts)
    return {
        **host_place(),
        "facts": facts.tree,
        "reasons": facts.reasons,
        "collected_at": now(),
    }


def load_now() -> dict[str, Any]:
    """The facts that change during a run."""
    facts = Facts()
    machine.load_facts(facts)
    return facts.tree


def lookup(facts: Mapping[str, Any], path: str) -> Any:
    """The fact at a dotted path, None when absent."""
    node: Any = facts
    for step in path.split("."):
        if not isinstance(node, Mapping):
            return None
        node = node.get(step)
    return node


def fingerprint(facts: Mapping[str, Any]) -> str:
    """Hash of the comparable facts; equal fingerprints mean comparable machines."""
    comparable = {path: lookup(facts, path) for path in COMPARABLE}
    text = json.dumps(comparable, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def differences(first: Mapping[str, Any], second: Mapping[str, Any]) -> list[str]:
    """One line for each comparable fact in which two environments differ."""
    lines = []
    for path in COMPARABLE:
        one, other = lookup(first, path), lookup(second, path)
        if one != other:
            lines.append(f"{path}: {one} against {other}")
    return lines
