# SPDX-License-Identifier: MIT
"""Which lines share a panel.

Twenty-six lines in one panel cannot be read. So an overview shows one variant of each mechanism, and
each mechanism's variants get panels of at most `LIMIT` lines, all with epoll level-triggered as the
common reference. Five lines is also the most that can carry direct labels.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from plots import style
from plots.model import Side

LIMIT = 5


@dataclass(frozen=True)
class Group:
    """Lines of one panel; `reference` is repeated from elsewhere and drawn faint."""

    key: str
    title: str
    sides: tuple[Side, ...]
    reference: Side | None = None

    def label(self, side: Side) -> str:
        """A line's name: the variant alone where the panel's title names the mechanism."""
        if self.key == "overview" or side == self.reference:
            return side.label
        return side.short


def shares_scale(one: Group, other: Group) -> bool:
    """Whether two panels have the same y axis: the overview has its own, scanning ones theirs."""
    if "overview" in (one.key, other.key):
        return one.key == other.key
    return _scans(one) == _scans(other)


def _scans(group: Group) -> bool:
    """True for mechanisms that look at every descriptor in every wait."""
    return all(side.mechanism in ("select", "poll") for side in group.sides)


def ordered(sides: Iterable[Side]) -> list[Side]:
    """Unique sides in the order of every list."""
    return sorted(set(sides), key=lambda s: s.sort_key)


def overview(sides: Iterable[Side]) -> Group:
    """One variant for each mechanism."""
    found = [side for side in ordered(sides) if not side.entry]
    chosen: list[Side] = []
    for mechanism in dict.fromkeys(side.mechanism for side in found):
        own = [side for side in found if side.mechanism == mechanism]
        wanted = style.CANONICAL.get(mechanism, ())
        by_name = {side.variant: side for side in own}
        chosen.append(next((by_name[name] for name in wanted if name in by_name), own[0]))
    return Group("overview", "one variant each", tuple(chosen))


def families(sides: Iterable[Side]) -> list[Group]:
    """Panels of at most LIMIT lines, by mechanism and where needed by base variant."""
    found = ordered(sides)
    reference = next((side for side in found if side.is_reference), None)
    groups: list[Group] = []
    for mechanism in dict.fromkeys(side.mechanism for side in found):
        own = [side for side in found if side.mechanism == mechanism]
        beside = reference if reference is not None and reference not in own else None
        room = LIMIT - (1 if beside else 0)
        if len(own) <= room:
            groups.append(Group(_key(mechanism), mechanism, tuple(own), beside))
            continue
        for base, part in _by_base(mechanism, own, LIMIT - 1):
            shown = reference if reference is not None and reference not in part else None
            groups.append(
                Group(_key(f"{mechanism}-{base}"), f"{mechanism}: {base}", tuple(part), shown)
            )
    return groups


def _by_base(mechanism: str, own: list[Side], room: int) -> list[tuple[str, list[Side]]]:
    """Base variants with their modifications, small bases merged, long ones cut at `room`."""
    parts: dict[str, list[Side]] = {}
    for side in own:
        base = style.split_variant(mechanism, side.variant)[0]
        parts.setdefault(base, []).append(side)
    merged: list[tuple[str, list[Side]]] = []
    for base, members in parts.items():
        for start in range(0, len(members), room):
            piece = members[start : start + room]
            if merged and len(piece) == 1 and len(merged[-1][1]) < room:
                name, earlier = merged[-1]
                merged[-1] = (f"{name}, {base}" if base not in name else name, earlier + piece)
            else:
                merged.append((base, piece))
    return merged


def _key(text: str) -> str:
    return "".join(c if c.isascii() and c.isalnum() else "-" for c in text.lower())
