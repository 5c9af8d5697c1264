# SPDX-License-Identifier: MIT
"""The one place that says how a mechanism, a variant and a verdict look.

Colours are Okabe and Ito's, which stay apart for the common kinds of colour blindness. Colour is
never alone: each mechanism also has a marker and a dash pattern, so a grey print can be read. A
variant changes only the marker's fill and the line's weight, so that a line's family shows first.

Text, rules and grid lines are drawn in ink colours. `CSS_COLOURS` maps every colour to a CSS
variable and its light and dark values: the HTML swaps them without drawing anything twice.
"""

import hashlib
from dataclasses import dataclass
from typing import Any

INK = "#1a1a1a"
MUTED = "#5f6368"
RULE = "#b9bdc3"
GRID = "#e4e6e9"
BAND = "#f1f2f4"
PAPER = "#ffffff"

BLACK = "#010101"  # matplotlib leaves #000000 out of its SVG, which would then not be replaced
ORANGE = "#e69f00"
SKY = "#56b4e9"
GREEN = "#009e73"
YELLOW = "#f0e442"
BLUE = "#0072b2"
VERMILION = "#d55e00"
PURPLE = "#cc79a7"
GREY = "#8a8d91"

#: Frames of flame graphs: light enough for text upon them, two shades of a kind.
FLAME_USER = ("#f7d9a6", "#f2c67f")
FLAME_KERNEL = ("#b5d6ec", "#96c3e1")
#: Differences, the largest first, and what hardly changed.
FLAME_MORE = ("#ee8f53", "#f4b48b", "#f9d9c3")
FLAME_LESS = ("#5fa9d6", "#9bcae6", "#cfe5f3")
FLAME_SAME = "#e9ebee"

#: colour in the drawing -> (CSS variable, light value, dark value)
CSS_COLOURS: dict[str, tuple[str, str, str]] = {
    INK: ("ink", "#1a1a1a", "#e8eaed"),
    MUTED: ("muted", "#5f6368", "#a2a7ad"),
    RULE: ("rule", "#b9bdc3", "#5a5f66"),
    GRID: ("grid", "#e4e6e9", "#33373c"),
    BAND: ("band", "#f1f2f4", "#24272b"),
    PAPER: ("paper", "#ffffff", "#16181b"),
    BLACK: ("okabe-black", "#010101", "#f5f5f5"),
    ORANGE: ("okabe-orange", "#e69f00", "#e69f00"),
    SKY: ("okabe-sky", "#56b4e9", "#56b4e9"),
    GREEN: ("okabe-green", "#009e73", "#14b98a"),
    YELLOW: ("okabe-yellow", "#f0e442", "#f0e442"),
    BLUE: ("okabe-blue", "#0072b2", "#3fa0dd"),
    VERMILION: ("okabe-vermilion", "#d55e00", "#f2792b"),
    PURPLE: ("okabe-purple", "#cc79a7", "#d88fb8"),
    GREY: ("okabe-grey", "#8a8d91", "#93979c"),
    FLAME_USER[0]: ("flame-user-a", "#f7d9a6", "#6b4a12"),
    FLAME_USER[1]: ("flame-user-b", "#f2c67f", "#7d5817"),
    FLAME_KERNEL[0]: ("flame-kernel-a", "#b5d6ec", "#1d4863"),
    FLAME_KERNEL[1]: ("flame-kernel-b", "#96c3e1", "#255978"),
    FLAME_MORE[0]: ("flame-more-a", "#ee8f53", "#a3480d"),
    FLAME_MORE[1]: ("flame-more-b", "#f4b48b", "#7a3a12"),
    FLAME_MORE[2]: ("flame-more-c", "#f9d9c3", "#55301a"),
    FLAME_LESS[0]: ("flame-less-a", "#5fa9d6", "#0f6494"),
    FLAME_LESS[1]: ("flame-less-b", "#9bcae6", "#1c5070"),
    FLAME_LESS[2]: ("flame-less-c", "#cfe5f3", "#223f50"),
    FLAME_SAME: ("flame-same", "#e9ebee", "#34383d"),
}

Dash = tuple[int, tuple[float, ...]]


@dataclass(frozen=True)
class MechanismLook:
    """Colour, marker and dash of a mechanism; `order` is its place in every list."""

    order: int
    colour: str
    marker: str
    dash: Dash


@dataclass(frozen=True)
class Look:
    """How one mechanism and variant is drawn. `weight` is in points."""

    colour: str
    marker: str
    dash: Dash
    fill: str
    weight: float

    def line(self) -> dict[str, Any]:
        """Keyword arguments of Axes.plot."""
        return {
            "color": self.colour,
            "linestyle": self.dash,
            "linewidth": self.weight,
            **self.point(),
        }

    def point(self) -> dict[str, Any]:
        """Keyword arguments of Axes.plot for the marker alone."""
        return {
            "marker": self.marker,
            "markersize": 4.6,
            "fillstyle": self.fill,
            "markeredgecolor": self.colour,
            "markerfacecolor": self.colour if self.fill != "none" else PAPER,
            "markerfacecoloralt": PAPER,
            "markeredgewidth": 1.0,
        }


MECHANISMS: dict[str, MechanismLook] = {
    "select": MechanismLook(0, ORANGE, "^", (0, (1.2, 1.4))),
    "poll": MechanismLook(1, PURPLE, "v", (0, (4, 1.4, 1.2, 1.4))),
    "epoll": MechanismLook(2, BLACK, "o", (0, ())),
    "io_uring": MechanismLook(3, BLUE, "s", (0, (4, 1.6))),
    "kevent": MechanismLook(4, VERMILION, "D", (0, (8, 1.8))),
    "null": MechanismLook(9, GREY, "X", (0, (1, 2.6))),
}

#: For plug-ins. The name picks the look, so one plug-in looks alike in every report; two plug-ins
#: may share a look, which direct labels and tables resolve.
_GUESTS = (
    MechanismLook(5, GREEN, "P", (0, (6, 1.5, 1.2, 1.5, 1.2, 1.5))),
    MechanismLook(6, SKY, "h", (0, (2.4, 1.2))),
    MechanismLook(7, YELLOW, "*", (0, (10, 2, 3, 2))),
)

_FILLS = ("full", "none", "left", "top", "right", "bottom")

_BASES: dict[str, tuple[str, ...]] = {
    "select": ("select", "pselect", "bigset"),
    "poll": ("poll", "ppoll"),
    "epoll": ("lt", "et", "oneshot", "et-once", "exclusive", "pwait2", "native"),
    "io_uring": ("multishot", "completion", "poll"),
    "kevent": ("mapped", "get", "mapped+batch", "ring", "naio", "preload"),
}
_MODIFIERS: dict[str, float] = {
    "": 1.5,
    "et": 2.2,
    "oneshot": 1.0,
    "defer": 2.2,
    "fixed": 1.0,
    "sqpoll": 2.8,
}

#: Variant that stands for its mechanism in overviews, best known first.
CANONICAL: dict[str, tuple[str, ...]] = {
    "select": ("select",),
    "poll": ("poll",),
    "epoll": ("lt",),
    "io_uring": ("multishot", "completion"),
    "kevent": ("mapped", "get", "ring"),
    "null": ("null",),
}


def _digest(text: str) -> int:
    return hashlib.sha256(text.encode()).digest()[0]


def mechanism_look(mechanism: str) -> MechanismLook:
    """Colour, marker and dash of a mechanism; unknown names get one picked by the name."""
    known = MECHANISMS.get(mechanism)
    return known if known is not None else _GUESTS[_digest(mechanism) % len(_GUESTS)]


def split_variant(mechanism: str, variant: str) -> tuple[str, str]:
    """(base, modifier) of a variant: "multishot+defer" is ("multishot", "defer")."""
    for base in sorted(_BASES.get(mechanism, ()), key=len, reverse=True):
        if variant == base:
            return base, ""
        if variant.startswith(base) and variant[len(base)] in "+-":
            return base, variant[len(base) + 1 :]
    return variant, ""


def look(mechanism: str, variant: str) -> Look:
    """How `mechanism` `variant` is drawn, in every figure."""
    family = mechanism_look(mechanism)
    base, modifier = split_variant(mechanism, variant)
    bases = _BASES.get(mechanism, ())
    place = bases.index(base) if base in bases else _digest(variant)
    weight = _MODIFIERS.get(modifier.split("+")[0], 1.5)
    return Look(family.colour, family.marker, family.dash, _FILLS[place % len(_FILLS)], weight)


def sort_key(mechanism: str, variant: str) -> tuple[int, str, int, str]:
    """Order of mechanisms and variants in every list and figure."""
    base, modifier = split_variant(mechanism, variant)
    bases = _BASES.get(mechanism, ())
    place = bases.index(base) if base in bases else len(bases)
    return mechanism_look(mechanism).order, mechanism, place, modifier or variant[len(base) :]


@dataclass(frozen=True)
class VerdictLook:
    """Word, symbol and colour of a verdict; the word alone is enough."""

    word: str
    symbol: str
    colour: str
    css: str


VERDICTS: dict[str, VerdictLook] = {
    "cheaper": VerdictLook("cheaper", "▼", BLUE, "cheaper"),
    "dearer": VerdictLook("dearer", "▲", VERMILION, "dearer"),
    "equivalent": VerdictLook("equivalent", "=", INK, "equal"),
    "undecided": VerdictLook("not told apart", "≈", MUTED, "unsure"),
    "reference": VerdictLook("reference", "●", MUTED, "reference"),
    "unjudged": VerdictLook("not judged", "–", MUTED, "unsure"),
    "invalid": VerdictLook("invalid", "✕", VERMILION, "dearer"),
    "skipped": VerdictLook("skipped", "∅", MUTED, "unsure"),
}

FONT_PT = 7.6
SMALL_PT = 6.8

#: Drawing settings of every figure; the caller applies them with matplotlib.rc_context.
RC: dict[str, Any] = {
    "font.family": ["sans-serif"],
    "font.sans-serif": ["DejaVu Sans", "Verdana", "Liberation Sans", "Arial"],
    "font.size": FONT_PT,
    "axes.titlesize": FONT_PT + 0.6,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.titlecolor": INK,
    "axes.titlepad": 7.0,
    "axes.labelsize": FONT_PT,
    "axes.labelcolor": INK,
    "axes.edgecolor": RULE,
    "axes.linewidth": 0.7,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.facecolor": "none",
    "axes.unicode_minus": True,
    "figure.facecolor": "none",
    "grid.color": GRID,
    "grid.linewidth": 0.6,
    "text.color": INK,
    "text.parse_math": False,
    "xtick.color": RULE,
    "ytick.color": RULE,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "xtick.labelsize": SMALL_PT,
    "ytick.labelsize": SMALL_PT,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "xtick.minor.size": 0,
    "ytick.minor.size": 0,
    "hatch.linewidth": 0.6,
    "hatch.color": PAPER,
    "lines.solid_capstyle": "round",
    "pdf.fonttype": 42,
    "pdf.compression": 6,
    "svg.fonttype": "none",
    "svg.hashsalt": "kevbench",
    "path.simplify": False,
}
