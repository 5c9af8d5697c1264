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

    @property
    def trigger(self) -> str:
        """When a watch that stays ready is reported again: lt, et or oneshot.

        Completion has no counterpart among readiness modes and counts as lt, as does all else that
        reports while the condition holds.
        """
        base = self.variant.partition("+")[0]
        if self.mechanism == "epoll":
            return {"et": "et", "et-once": "et", "oneshot": "oneshot"}.get(base, "lt")
        if self.mechanism == "io_uring":
            return {"poll": "oneshot", "multishot": "et"}.get(base, "lt")
        if base.endswith("-et"):
            return "et"
        return "oneshot" if base.endswith("-oneshot") else "lt"

    def reference(self, present: Collection[Variant]) -> Variant | None:
        """The epoll variant this one is divided by: same trigger mode, else lt, else none."""
        for mode in (self.trigger, "lt"):
            candidate = Variant("epoll", mode)
            if candidate in present:
                return candidate
        return None
