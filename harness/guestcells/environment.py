# SPDX-License-Identifier: MIT
"""The env record of a guest, from the contents of its files."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.environment import collect
from harness.guestcells.boot import Prepared
from harness.guestcells.plan import FACTS


def environment(
    place: Mapping[str, Any], files: Mapping[str, str | None], prepared: Prepared
) -> dict[str, Any]:
    """The fields; `files` by the names of FACTS."""
    facts: dict[str, Any] = {}
    reasons: dict[str, str] = {}
    for path, source in FACTS.items():
        text = files.get(path)
        node = facts
        *folders, leaf = path.split(".")
        for folder in folders:
            node = node.setdefault(folder, {})
        node[leaf] = None if text is None else text.strip()
        if text is None:
            reasons[path] = f"{source} cannot be read in the guest"
    facts["machine"] = {"accelerator": place["accel"], "cpus": 1}
    if prepared.missing:
        reasons["module.kevent"] = prepared.missing
    return {**place, "facts": facts, "reasons": reasons, "collected_at": collect.now()}
