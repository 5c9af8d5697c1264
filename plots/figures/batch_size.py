# SPDX-License-Identifier: MIT
"""Figure 13: how many events a wait delivers."""

from collections.abc import Sequence

from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.patches import Rectangle
from matplotlib.ticker import FixedFormatter, FixedLocator

from plots import axes, cells, headline, marks, style, text
from plots.figure import Figure, Margins, Panel, Section, Table, missing, table
from plots.model import Batches, Run
from plots.reasons import why_missing

TITLE = "Events delivered by a wait"
# Not among style.CSS_COLOURS on purpose: they sit on a fixed colour and must not follow the page.
_ON_DARK, _ON_LIGHT = "#fdfdfd", "#050505"


def bin_label(index: int) -> str:
    """Events counted in a bin: 0, 1, 2-3, 4-7 and so on."""
    if index < 2:
        return str(index)
    return (
        f"{text.count_tick(2 ** (index - 1))}–{text.count_tick(2**index - 1)}"
        if index < 11
        else (f"{2 ** (index - 11)}Ki+")
    )


def _panel(found: Sequence[Batches], bins: int, key: str, title: str) -> Panel:
    order = sorted(found, key=lambda b: b.side.sort_key)
    shares = [(one.shares + (0.0,) * bins)[:bins] for one in order]
    room = axes.label_room(one.side.label for one in order)
    colours = colormaps["cividis"]

    def draw(ax: Axes) -> None:
        axes.rows_y(ax, [one.side.label for one in order])
        ax.set_xlim(-0.5, bins - 0.5)
        ax.xaxis.set_major_locator(FixedLocator(list(range(bins))))
        ax.xaxis.set_major_formatter(FixedFormatter([bin_label(i) for i in range(bins)]))
        ax.tick_params(axis="x", length=0, labelsize=style.SMALL_PT - (0.9 if bins > 7 else 0))
        ax.spines["bottom"].set_visible(False)
        ax.set_xlabel("events delivered by one wait")
        for place, row in enumerate(shares):
            for column, part in enumerate(row):
                ax.add_patch(
                    Rectangle(
                        (column - 0.47, place - 0.44),
                        0.94,
                        0.88,
                        facecolor=to_hex(colours(part)) if part > 0 else style.BAND,
                        linewidth=0,
                    )
                )
                ax.text(
                    column,
                    place + 0.02,
                    text.share(part),
                    ha="center",
                    va="center",
                    fontsize=style.SMALL_PT - 0.6,
                    color=_ON_LIGHT if part > 0.55 else _ON_DARK,
                )

    sentence = "; ".join(
        f"{one.side.label}: "
        + text.listing(
            f"{text.share(part)} % {bin_label(i)}" for i, part in enumerate(row) if part > 0
        )
        for one, row in zip(order, shares, strict=True)
    )
    return Panel(
        key,
        title,
        f"Share of waits by events delivered. {sentence}.",
        draw,
        max(3.6, room + 0.08 + 0.34 * bins),
        0.86 + axes.row_height(len(order), 0.2) * len(order),
        Margins(left=room, right=0.08, top=0.36, bottom=0.46),
    )


def _bins(found: Sequence[Batches]) -> int:
    return 1 + max(i for one in found for i, part in enumerate(one.shares) if part > 0)


def _table(heading: str, found: Sequence[Batches]) -> Table:
    bins = _bins(found)
    among = cells.Among(one.cell for one in found)
    order = sorted(found, key=lambda b: (headline.cell_rank(b.cell), b.side.sort_key))
    lines = [
        (
            among.title(one.cell),
            one.side.label,
            text.MISSING if one.waits is None else f"{one.waits:,}",
            *(text.percent(100 * p) if p else "" for p in (one.shares + (0.0,) * bins)[:bins]),
        )
        for one in order
    ]
    columns = ("cell", "mechanism", "waits", *(bin_label(i) for i in range(bins)))
    return table(
        f"{heading}: share of waits by events delivered", columns, lines, range(2, bins + 3)
    )


def build(run: Run) -> Figure:
    """Share of waits by batch size; cells where every wait delivered one event are only named."""
    sections, tables = [], []
    for index, place in enumerate(run.places):
        here = [one for one in run.batches if one.place == place and any(one.shares)]
        if not here:
            continue
        every = headline.cell_order(one.cell for one in here)
        order = headline.drawn(run, place, every)
        among = cells.Among(every)
        grouped = {cell: [one for one in here if one.cell == cell] for cell in order}
        plain = [cell for cell in order if _bins(grouped[cell]) <= 2]
        shown = [cell for cell in order if cell not in plain]
        panels = tuple(
            _panel(grouped[c], _bins(grouped[c]), f"f13-{index}-{i}", among.title(c))
            for i, c in enumerate(shown)
        )
        names = text.listing(among.title(cell) for cell in plain)
        notes = (f"At most one event a wait, hence not drawn: {names}.",) if plain else ()
        notes += headline.note(every, order)
        sections.append(Section(place.label, panels, notes))
        tables.append(_table(place.label, here))
    if not sections:
        return missing(13, "batch-size", TITLE, why_missing(run, "events per wait"))
    if not any(section.panels for section in sections):
        return missing(
            13, "batch-size", TITLE, "every wait of this run delivered at most one event"
        )
    waits = [one.waits for one in run.batches if one.waits is not None]
    span = text.span(waits)
    sample = f"n = {span} waits a row" if waits else "n is not stored"
    caption = (
        "Each row is a mechanism; a square's shade (cividis) and number are the percentage of its "
        "waits that delivered so many events, bins doubling in size. Weight to the right means that "
        "one wait is shared by many events. The column 0 holds waits that returned with nothing. "
        f"{sample}; shares of all waits, no interval."
    )
    return Figure(13, "batch-size", TITLE, caption, tuple(sections), tuple(tables))
