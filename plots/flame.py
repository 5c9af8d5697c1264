# SPDX-License-Identifier: MIT
"""Flame graphs drawn as panels: layout of folded stacks, colours, names that fit."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from matplotlib.axes import Axes
from matplotlib.patches import PathPatch
from matplotlib.path import Path

from plots import fontmetrics, style
from plots.figure import Margins, Panel
from results.folded import KERNEL

#: Two panels fill a row of a page.
WIDTH = 5.38
ROW = 0.15
MOST_ROWS = 34
#: Narrower frames are left out: a thousandth of the width is half a pixel.
LEAST = 0.002
_MARGINS = Margins(0.06, 0.06, 0.3, 0.06)
#: What lies below is the way into the measured loop, the same on every side.
_ENTRY = "run_slice"
_NAME_PT = 6.2


@dataclass
class Node:
    """A frame: `own` and `other` are the weights of its stacks on this side and the one against."""

    name: str
    own: float = 0.0
    other: float = 0.0
    below: dict[str, "Node"] = field(default_factory=dict)


@dataclass(frozen=True)
class Box:
    """A drawn frame; `left` and `right` are shares of the width."""

    row: int
    left: float
    right: float
    name: str
    colour: str


Weights = Mapping[tuple[str, ...], float]


def plain(name: str) -> str:
    """A symbol without its template arguments, name spaces and the kernel's mark."""
    name = name.removesuffix(KERNEL)
    kept: list[str] = []
    depth = 0
    for sign in name.replace("(anonymous namespace)::", ""):
        depth += sign == "<"
        if depth == 0:
            kept.append(sign)
        depth -= sign == ">" and depth > 0
    words = re.sub(r"\(inlined\)|\[abi:\w+\]", "", "".join(kept)).strip()
    return words.rsplit("::", 1)[-1] or name


def trimmed(stack: tuple[str, ...]) -> tuple[str, ...]:
    """The stack from the measured loop on, where it reaches that far down."""
    for place in range(len(stack) - 1, 0, -1):
        if plain(stack[place]) == _ENTRY:
            return stack[place + 1 :] or stack[place:]
    return stack[1:] or stack


def tree(own: Weights, other: Weights | None = None) -> Node:
    """All stacks as one tree."""
    root = Node("all")
    for weights, name in ((own, "own"), (other or {}, "other")):
        for stack, weight in weights.items():
            node = root
            setattr(node, name, getattr(node, name) + weight)
            for one in trimmed(stack)[:MOST_ROWS]:
                # By its plain name: template arguments tell mechanisms apart, not what is done.
                short = plain(one) + (KERNEL if one.endswith(KERNEL) else "")
                node = node.below.setdefault(short, Node(short))
                setattr(node, name, getattr(node, name) + weight)
    return root


def boxes(root: Node, colour: Callable[[Node, int], str]) -> list[Box]:
    """Frames in rows from the bottom, siblings by name, so that equal data draw alike."""
    found: list[Box] = []
    whole = root.own or 1.0
    waiting = [(root, 0, 0.0)]
    while waiting:
        node, row, left = waiting.pop()
        for number, one in enumerate(sorted(node.below.values(), key=lambda n: n.name)):
            width = one.own / whole
            if width >= LEAST:
                found.append(Box(row, left, left + width, one.name, colour(one, row + number)))
                waiting.append((one, row + 1, left))
            left += width
    return found


def by_kind(node: Node, place: int) -> str:
    """Kernel and user apart; two shades each, so that neighbours do not run together."""
    shades = style.FLAME_KERNEL if node.name.endswith(KERNEL) else style.FLAME_USER
    return shades[place % 2]


def by_change(whole: float) -> Callable[[Node, int], str]:
    """Colour of a difference: how much a frame costs more or less, as a share of `whole`."""

    def colour(node: Node, place: int) -> str:
        change = (node.own - node.other) / (whole or 1.0)
        for step, limit in enumerate((0.10, 0.03, 0.01)):
            if abs(change) >= limit:
                shades = style.FLAME_MORE if change > 0 else style.FLAME_LESS
                return shades[step]
        return style.FLAME_SAME

    return colour


def panel(key: str, title: str, description: str, drawn: Iterable[Box]) -> Panel:
    """The boxes as a panel as high as they need."""
    every = list(drawn)
    rows = max((box.row for box in every), default=0) + 1
    height = rows * ROW + _MARGINS.top + _MARGINS.bottom

    def draw(ax: Axes) -> None:
        ax.set_xlim(0, 1)
        ax.set_ylim(0, rows)
        ax.set_axis_off()
        _fill(ax, every)
        inner = WIDTH - _MARGINS.left - _MARGINS.right
        for box in every:
            _name(ax, box, inner)

    return Panel(key, title, description, draw, WIDTH, height, _MARGINS, fixed=True)


def _fill(ax: Axes, every: list[Box]) -> None:
    """All frames of a colour are one path, which keeps the drawing small."""
    by_colour: dict[str, list[Box]] = {}
    for box in every:
        by_colour.setdefault(box.colour, []).append(box)
    for colour, found in sorted(by_colour.items()):
        vertices: list[tuple[float, float]] = []
        codes: list[int] = []
        for box in found:
            low, high = box.row, box.row + 1
            corners = [(box.left, low), (box.right, low), (box.right, high), (box.left, high)]
            vertices += [*corners, corners[0]]
            codes += [Path.MOVETO, Path.LINETO, Path.LINETO, Path.LINETO, Path.CLOSEPOLY]
        patch = PathPatch(
            Path(vertices, codes), facecolor=colour, edgecolor=style.PAPER, linewidth=0.5
        )
        # Not add_patch(), which looks through every corner for limits that are set already.
        ax.add_artist(patch)


def _name(ax: Axes, box: Box, inner: float) -> None:
    """The name as far as it fits; nothing where not even three letters would."""
    room = (box.right - box.left) * inner - 0.05
    words = plain(box.name)
    if fontmetrics.width(words, _NAME_PT) > room:
        while len(words) > 2 and fontmetrics.width(words + "…", _NAME_PT) > room:
            words = words[:-1]
        if len(words) < 3:
            return
        words += "…"
    ax.text(
        box.left + 0.025 / inner,
        box.row + 0.46,
        words,
        va="center",
        fontsize=_NAME_PT,
        color=style.INK,
        zorder=4,
    )
