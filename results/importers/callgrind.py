# SPDX-License-Identifier: MIT
"""callgrind.out files: instructions of each function itself, and of the whole."""

from __future__ import annotations

import re

from results.errors import ResultsError
from results.importers.imported import Counted, Figure, Imported, Options, name_of, number

_FUNCTION = re.compile(r"^fn=\((\d+)\)(?: (.*))?$")
#: Functions below this share of the whole are left out; a file names thousands.
_SMALLEST = 0.001


def self_costs(text: str) -> tuple[dict[str, int], int | None, str | None]:
    """Instructions by function, the total the file states, and the tool's version.

    Costs of calls, which belong to the functions called, do not enter. Raises ResultsError for a
    file that counts something other than instructions first, or is none of callgrind's.
    """
    if not text.startswith("# callgrind format") and "\nevents:" not in text[:4096]:
        raise ResultsError("this is no callgrind.out file")
    known: dict[str, str] = {}
    costs: dict[str, int] = {}
    total: int | None = None
    version: str | None = None
    current, skip = "", False
    for line in text.splitlines():
        if line.startswith("creator: "):
            version = line.removeprefix("creator: ").strip()
        elif line.startswith("events:"):
            if line.split()[1:2] != ["Ir"]:
                raise ResultsError(f"the file counts {line.split()[1:2]}, not instructions (Ir)")
        elif line.startswith(("summary:", "totals:")):
            words = line.split()
            total = int(number(words[1] if len(words) > 1 else "", "the total"))
        elif line.startswith("fn="):
            current = _function(line, known)
        elif line.startswith("cfn="):
            # A name may be spelled out here and be a number alone where the function itself comes.
            _function(line[1:], known)
        elif line.startswith("calls="):
            skip = True
        elif line[:1].isdigit() or line[:1] in "+-*":
            if skip:
                skip = False
                continue
            words = line.split()
            if len(words) >= 2 and words[1].isdigit():
                costs[current] = costs.get(current, 0) + int(words[1])
    return costs, total, version


def _function(line: str, known: dict[str, str]) -> str:
    """The name behind fn=(12) or fn=(12) name: a number is spelled out once."""
    found = _FUNCTION.match(line)
    if found is None:
        return line.removeprefix("fn=")
    if found[2]:
        known[found[1]] = found[2]
    return known.get(found[1], f"({found[1]})")


def load(text: str, options: Options) -> Imported:
    """The functions that matter, and the whole; with the operations given, a metric too."""
    costs, total, version = self_costs(text)
    whole = sum(costs.values()) if total is None else total
    if not costs or whole <= 0:
        raise ResultsError("the callgrind file holds no cost: was a function collected?")
    counts = [
        Counted(
            options.case,
            "callgrind",
            "user_instructions",
            float(value),
            name_of(name, "a function"),
            version,
        )
        for name, value in sorted(costs.items(), key=lambda item: (-item[1], item[0]))
        if value >= _SMALLEST * whole
    ]
    counts.insert(
        0, Counted(options.case, "callgrind", "user_instructions", float(whole), None, version)
    )
    figures = []
    if options.operations:
        value = whole / options.operations
        figures.append(Figure(options.case, "user_instr_per_event", value, exact=True))
    return Imported(tuple(figures), tuple(counts))
