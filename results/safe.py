# SPDX-License-Identifier: MIT
"""Text from files, made harmless to show."""

from __future__ import annotations

import re
from typing import Any

_UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff\u202a-\u202e\u2066-\u2069\ufffe\uffff]")


def text(words: str) -> str:
    """Replaces what XML, PDF or a terminal could trip over: controls, lone surrogates, overrides."""
    if words.isascii() and words.isprintable():
        return words
    return _UNSAFE.sub("\ufffd", words)


def whole(value: Any) -> Any:
    """Every text in a JSON value, names included. Lists of numbers, or of pairs, stay as they are."""
    if isinstance(value, str):
        return text(value)
    if isinstance(value, dict):
        return {whole(name): whole(part) for name, part in value.items()}
    if isinstance(value, list) and value and not isinstance(value[0], (int, float)):
        # Long lists are bucket pairs and counts: pairs of numbers stay as they are.
        return value if isinstance(value[0], list) else [whole(part) for part in value]
    return value
