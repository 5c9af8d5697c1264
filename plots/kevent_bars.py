# SPDX-License-Identifier: MIT
"""kevent against the bars it is held to: a line a bar for the front page, and every figure."""

from collections.abc import Sequence

from plots import cells, text
from plots.figure import Table, table
from plots.model import Cell, Place, Run
from results import bars
from results.bars import Judged

NAME = "kevent against epoll, by exact counts"


def _of(run: Run, place: Place | None = None) -> list[tuple[Place, Judged]]:
    return [(where, one) for where, one in run.bars if place is None or where == place]


def _cell(one: Judged) -> Cell:
    return Cell(one.workload, tuple(sorted(one.params.items())))


def summary(run: Run) -> Table | None:
    """A line a bar: how many figures fall under it, how many meet it, and the worst."""
    found = _of(run)
    if not found:
        return None
    lines, kinds = [], []
    among = cells.Among(_cell(one) for _, one in found)
    for place, bar in dict.fromkeys((place, one.bar) for place, one in found):
        mine = [one for where, one in found if (where, one.bar) == (place, bar)]
        worst = max(mine, key=lambda one: one.ratio)
        met = sum(one.met for one in mine)
        where = f"{worst.variant.replace('+', ' ', 1)} in {among.title(_cell(worst))}"
        lines.append(
            (
                bar.name,
                f"{bar.limit:.2f}",
                f"{met} of {len(mine)}",
                text.ratio(worst.ratio),
                where,
                _verdict(worst) if met < len(mine) else "✓ met",
            )
        )
        kinds.append("cheaper" if met == len(mine) else "dearer")
    places = list(dict.fromkeys(place.label for place, _ in found))
    columns = ("bar", "at most", "met", "highest ratio", "where", "verdict")
    return table(f"{NAME}: {'; '.join(places)}", columns, lines, (1, 2, 3), kinds)


def tables(run: Run, place: Place) -> Sequence[Table]:
    """Every judged figure of a place, in the order it was measured."""
    found = [one for _, one in _of(run, place)]
    if not found:
        return ()
    among = cells.Among(_cell(one) for one in found)
    lines = [
        (
            among.title(_cell(one)),
            one.variant.replace("+", " ", 1),
            text.metric_words(one.metric),
            text.number(one.value),
            one.against.replace("+", " ", 1),
            text.ratio(one.ratio),
            f"{one.bar.limit:.2f}",
            _verdict(one),
        )
        for one in found
    ]
    kinds = ["cheaper" if one.met else "dearer" for one in found]
    columns = ("cell", "mechanism", "metric", "value", "against", "ratio", "at most", "verdict")
    return (table(f"{NAME}, {place.label}", columns, lines, (3, 5, 6), kinds),)


def _verdict(one: Judged) -> str:
    return f"{'✓' if one.met else '✗'} {bars.in_words(one)}"
