# SPDX-License-Identifier: MIT
"""What must run on a host does: one of these reported as missing fails, it is not skipped."""

from __future__ import annotations

from harness import catalogue
from harness.names import Variant

_RING = ("poll", "multishot", "completion")
REQUIRED = {
    "null": ("null",),
    "select": ("select", "pselect", "bigset"),
    "poll": ("poll", "ppoll"),
    "epoll": ("lt", "et", "et-once", "oneshot", "exclusive", "pwait2"),
    "io_uring": tuple(
        base + option for base in _RING for option in ("", "+defer", "+fixed", "+sqpoll")
    ),
}


def test_every_required_variant_is_available_to_the_command_line() -> None:
    found = catalogue.load().variants
    wanted = [Variant(name, one) for name, variants in REQUIRED.items() for one in variants]
    missing = {
        one.name: found.get(one, "not listed")
        for one in wanted
        if found.get(one, "not listed") is not None
    }
    assert len(wanted) == 24 and not missing, missing


def test_kevent_is_available_or_says_what_would_help() -> None:
    """In guests with the module the conformance suite holds every variant to being there."""
    found = {
        one: why for one, why in catalogue.load().variants.items() if one.mechanism == "kevent"
    }
    assert len(found) == 22
    assert all(why is None or "kevent" in why for why in found.values()), found


def test_nothing_else_is_built_in_under_these_mechanisms() -> None:
    """A variant added without an entry above would be free to skip."""
    found = catalogue.load().variants
    extra = [
        one.name
        for one in found
        if one.mechanism in REQUIRED and one.variant not in REQUIRED[one.mechanism]
    ]
    assert not extra, extra
