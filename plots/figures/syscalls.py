# SPDX-License-Identifier: MIT
"""Figure 10: system calls of an event, by call."""

import itertools
from collections.abc import Sequence

from plots import bars, cells, headline, style, text
from plots.figure import Figure, Panel, Section, Table, missing, table
from plots.model import Calls, Run
from plots.reasons import why_missing

TITLE = "System calls of an event, by call"

#: A waiting call has its mechanism's colour; the calls that move data are alike for all.
_LOOKS: dict[str, tuple[str, str]] = {
    "epoll_wait": (style.BLACK, ""),
    "epoll_pwait": (style.BLACK, ""),
    "epoll_pwait2": (style.BLACK, "////"),
    "epoll_ctl": (style.GREY, ""),
    "poll": (style.PURPLE, ""),
    "ppoll": (style.PURPLE, "////"),
    "select": (style.ORANGE, ""),
    "pselect6": (style.ORANGE, "////"),
    "io_uring_enter": (style.BLUE, ""),
    "ioctl": (style.VERMILION, ""),
    "read": (style.SKY, ""),
    "recvfrom": (style.SKY, "////"),
    "recvmsg": (style.SKY, "xxxx"),
    "write": (style.GREEN, ""),
    "sendto": (style.GREEN, "////"),
    "sendmsg": (style.GREEN, "xxxx"),
    "accept": (style.YELLOW, ""),
    "accept4": (style.YELLOW, ""),
    "close": (style.YELLOW, "////"),
    "futex": (style.RULE, "////"),
}
_MOST = 11


def _parts(found: Sequence[Calls]) -> list[bars.Part]:
    """The calls shown apart, in the order of the looks; the rarest become "other"."""
    most: dict[str, float] = {}
    for one in found:
        for name, value in one.per_operation:
            most[name] = max(most.get(name, 0.0), value)
    names = sorted(most, key=lambda n: (-most[n], n))[:_MOST]
    known = list(_LOOKS)
    names.sort(key=lambda n: (known.index(n) if n in known else len(known), n))
    # Hatches of lines only: dots and circles are outlines that make a drawing ten times as large.
    spare = itertools.cycle(
        ("\\\\\\\\", "++++", "----", "||||", "//", "\\\\", "--", "||", "++", "xx")
    )
    parts = [
        bars.Part(name, *(_LOOKS[name] if name in _LOOKS else (style.RULE, next(spare))))
        for name in names
    ]
    if len(most) > len(names):
        parts.append(bars.Part("other", style.RULE))
    return parts


def _lengths(one: Calls, parts: Sequence[bars.Part]) -> tuple[float, ...]:
    values = dict(one.per_operation)
    named = [values.get(part.name, 0.0) for part in parts if part.name != "other"]
    if parts[-1].name == "other":
        named.append(max(0.0, sum(values.values()) - sum(named)))
    return tuple(named)


def _panel(found: Sequence[Calls], parts: Sequence[bars.Part], key: str, title: str) -> Panel:
    order = sorted(found, key=lambda c: c.side.sort_key)
    rows = [
        bars.Bar(
            one.side, _lengths(one, parts), text.number(sum(v for _, v in one.per_operation), 3)
        )
        for one in order
    ]
    sentence = "; ".join(
        f"{one.side.label}: "
        + (
            text.listing(f"{name} {text.number(value, 3)}" for name, value in one.per_operation)
            or "none"
        )
        for one in order
    )
    return bars.bar_panel(
        key,
        title,
        f"System calls of an event. {sentence}.",
        parts,
        rows,
        "system calls per event",
        "total",
        right=0.6,
    )


def _table(heading: str, found: Sequence[Calls]) -> Table:
    among = cells.Among(one.cell for one in found)
    order = sorted(found, key=lambda c: (headline.cell_rank(c.cell), c.side.sort_key))
    lines = [
        (
            among.title(one.cell),
            one.side.label,
            text.number(sum(v for _, v in one.per_operation)),
            ", ".join(f"{name} {text.number(value, 3)}" for name, value in one.per_operation),
        )
        for one in order
    ]
    return table(heading, ("cell", "mechanism", "total", "by call"), lines, (2,))


def build(run: Run) -> Figure:
    """Stacked bars from zero, one panel a cell."""
    sections, tables, tools = [], [], set()
    for index, place in enumerate(run.places):
        here = [one for one in run.calls if one.place == place]
        if not here:
            continue
        parts = _parts(here)
        every = headline.cell_order(one.cell for one in here)
        order = headline.drawn(run, place, every)
        among = cells.Among(every)
        panels = [bars.key_panel(f"f10-{index}-key", parts)]
        panels += [
            _panel(
                [one for one in here if one.cell == cell],
                parts,
                f"f10-{index}-{place_of}",
                among.title(cell),
            )
            for place_of, cell in enumerate(order)
        ]
        sections.append(Section(place.label, tuple(panels), headline.note(every, order)))
        tables.append(_table(place.label, here))
        tools |= {one.tool for one in here if one.tool}
    if not sections:
        return missing(10, "syscalls", TITLE, why_missing(run, "syscalls_per_event"))
    counted = f" Counted by {text.listing(sorted(tools))}." if tools else ""
    caption = (
        "Fewer is cheaper. Bars start at zero; the number beside a bar is the total. The parts say "
        "which calls make up an event: waiting calls have the colour of their mechanism, calls that "
        "move data look alike for all. These counts explain figure 9."
        f"{counted} n: one counting run a cell; counts carry no interval."
    )
    return Figure(10, "syscalls", TITLE, caption, tuple(sections), tuple(tables))
