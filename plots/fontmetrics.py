# SPDX-License-Identifier: MIT
"""Widths of text set in the report's font, to wrap and to size columns before drawing.

Advances are read from the font once for each character; laying text out with matplotlib instead
would cost more than drawing it.
"""

import os
from functools import lru_cache

from matplotlib.font_manager import FontProperties, findfont
from matplotlib.ft2font import FT2Font

_SCALE = 1000.0


@lru_cache(maxsize=2)
def _font(bold: bool) -> FT2Font:
    properties = FontProperties(family=["DejaVu Sans"], weight="bold" if bold else "normal")
    font = FT2Font(findfont(properties))
    font.set_size(_SCALE, 72)
    return font


# An open font reads from its file as it is used, at an offset that forked processes share.
os.register_at_fork(after_in_child=_font.cache_clear)


@lru_cache(maxsize=4096)
def _advance(character: str, bold: bool) -> float:
    return float(_font(bold).load_char(ord(character)).linearHoriAdvance) / 65536.0 / _SCALE


def width(words: str, points: float, bold: bool = False) -> float:
    """Width in inches of one line at a font size in points, without kerning."""
    return sum(_advance(character, bold) for character in words) * points / 72.0


def wrap(words: str, points: float, limit: float, bold: bool = False) -> list[str]:
    """Lines of at most `limit` inches; a word that is too long (a hash, a path) is broken."""
    lines: list[str] = []
    for paragraph in words.split("\n"):
        line = ""
        for word in paragraph.split(" "):
            candidate = f"{line} {word}" if line else word
            if width(candidate, points, bold) <= limit:
                line = candidate
                continue
            if line:
                lines.append(line)
            while width(word, points, bold) > limit and len(word) > 1:
                head = _fitting(word, points, limit, bold)
                lines.append(word[:head])
                word = word[head:]
            line = word
        lines.append(line)
    return lines


def _fitting(word: str, points: float, limit: float, bold: bool) -> int:
    count = 1
    while count < len(word) and width(word[: count + 1], points, bold) <= limit:
        count += 1
    return count
