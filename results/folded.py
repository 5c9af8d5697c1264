# SPDX-License-Identifier: MIT
"""Folded stacks: a line a stack, frames from the root joined by ";", a space, the samples.

The form that flame graph tools share. A frame of the kernel ends in "_[k]".
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from results import safe
from results.errors import ResultsError

Stacks = dict[tuple[str, ...], int]

KERNEL = "_[k]"
#: More is no recording of ours: refused before it fills memory.
MOST_BYTES, MOST_FRAMES, MOST_SAMPLES = 64 << 20, 1024, 1 << 53


def frame(name: str) -> str:
    """A name as a frame: nothing in it that ends a frame or a line."""
    return safe.text(name).replace(";", ":").strip() or "unknown"


def dump(stacks: Mapping[tuple[str, ...], int]) -> str:
    """Stacks in the order of their frames, so that the same ones give the same text."""
    return "".join(f"{';'.join(stack)} {count}\n" for stack, count in sorted(stacks.items()))


def parse(lines: Iterable[str], name: str = "folded stacks") -> Stacks:
    """Stacks with their samples. Raises ResultsError that names the line."""
    found: Stacks = {}
    known: dict[str, str] = {}
    total = 0
    for number, line in enumerate(lines, start=1):
        text = line.rstrip("\n")
        if not text:
            continue
        path, space, count = text.rpartition(" ")
        if not space or not path or not (count.isascii() and count.isdigit()) or len(count) > 16:
            raise ResultsError(f"{name} line {number} is no folded stack: FRAME;FRAME COUNT")
        parts = path.split(";")
        for part in parts:
            if part not in known:
                known[part] = frame(part)
        frames = tuple(map(known.__getitem__, parts))
        if len(frames) > MOST_FRAMES:
            raise ResultsError(f"{name} line {number} has {len(frames)} frames: too deep to draw")
        total += int(count)
        if total > MOST_SAMPLES:
            raise ResultsError(f"{name} line {number}: more samples than a number holds exactly")
        found[frames] = found.get(frames, 0) + int(count)
    return {stack: count for stack, count in found.items() if count}


def load(path: Path) -> Stacks:
    """The stacks in a file. Raises ResultsError."""
    try:
        if path.stat().st_size > MOST_BYTES:
            raise ResultsError(f"{path.name} is larger than {MOST_BYTES >> 20} MiB: no recording")
        with open(path, encoding="utf-8", errors="replace", newline="\n") as file:
            return parse(file, path.name)
    except OSError as problem:
        raise ResultsError(f"cannot read {path.name}: {problem.strerror}") from None
