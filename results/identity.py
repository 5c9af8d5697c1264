# SPDX-License-Identifier: MIT
"""Run identities (ULID: 48 bit of milliseconds, 80 random bit) and the seeds made from them."""

from __future__ import annotations

import hashlib
import os
import re
import time

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_PATTERN = re.compile(r"^[0-9A-HJKMNP-TV-Z]{26}$")


def new_run_id(now_ms: int | None = None, entropy: bytes | None = None) -> str:
    """A fresh run id; sorts by time of creation. Arguments only serve tests."""
    milliseconds = time.time_ns() // 1_000_000 if now_ms is None else now_ms
    random_part = os.urandom(10) if entropy is None else entropy
    number = (milliseconds << 80) | int.from_bytes(random_part[:10], "big")
    digits = []
    for _ in range(26):
        digits.append(_ALPHABET[number & 31])
        number >>= 5
    return "".join(reversed(digits))


def is_run_id(text: str) -> bool:
    """Whether the text has the form of a run id."""
    return bool(_PATTERN.match(text))


def derived_seed(*parts: object) -> int:
    """A 63 bit seed that depends on every part, equal in every process and Python version."""
    text = "\x1f".join(str(part) for part in parts)
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1
