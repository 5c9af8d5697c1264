# SPDX-License-Identifier: MIT
"""Mechanisms and variants: their names, trigger modes, and which epoll row each is divided by."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from results.keys import variant_name


@dataclass(frozen=True, order=True)
class Variant:
    """One variant of one mechanism."""

    mechanism: str
    variant: str

    @property
    def name(self) -> str:
        """As people and options write it: "epoll+lt"."""
        return variant_name(self.mechanism, self.variant)


def trigger_by_name(variant: Variant) -> str:
    """When a watch that stays ready is reported again: lt, et or oneshot, told from the name alone.

    Completion has no counterpart among readiness modes and counts as lt, as does all else that
    reports while the condition holds.
    """
    base = variant.variant.partition("+")[0]
    if variant.mechanism == "epoll":
        return {"et": "et", "et-once": "et", "oneshot": "oneshot"}.get(base, "lt")
    if variant.mechanism == "io_uring":
        return {"poll": "oneshot", "multishot": "et"}.get(base, "lt")
    if base.endswith("-et"):
        return "et"
    return "oneshot" if base.endswith("-oneshot") else "lt"


def reference(trigger: str, present: Collection[Variant]) -> Variant | None:
    """The epoll variant a side is divided by: same trigger mode, else lt, else none. A server that
    asks epoll in its own way ("native") is in no cell with the others."""
    for mode in (trigger, "lt", "native"):
        candidate = Variant("epoll", mode)
        if candidate in present:
            return candidate
    return None
