# SPDX-License-Identifier: MIT
"""Axes: limits, ticks and labels chosen from the data, with fixed tick lists for speed."""

import math
from collections.abc import Callable, Iterable, Sequence

from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.ticker import FixedFormatter, FixedLocator, NullFormatter, NullLocator

from plots import fontmetrics, style, text

#: Nothing measured comes near it; an axis up to a damaged number of 1e300 would overflow.
MOST = 1e30


def log_ticks(low: float, high: float) -> list[float]:
    """Ticks of a log axis: decades, with steps between them where that leaves fewer than three."""
    span = math.log10(high / low)
    stride = math.ceil(span / 6) if span > 7 else 1
    first = math.floor(math.log10(low))
    decades = range(first, math.ceil(math.log10(high)) + 1, stride)
    for factors in ((1.0,), (1.0, 3.0), (1.0, 2.0, 5.0), (1.0, 1.5, 2.0, 3.0, 5.0, 7.0)):
        ticks = [factor * 10.0**decade for decade in decades for factor in factors]
        ticks = [tick for tick in ticks if low * 0.999 <= tick <= high * 1.001]
        if len(ticks) >= 3:
            return ticks
    return linear_ticks(low, high, 4)


def linear_ticks(low: float, high: float, about: int = 5) -> list[float]:
    """Round ticks between `low` and `high`, about `about` of them."""
    if high <= low:
        return [low]
    raw = (high - low) / about
    unit = 10.0 ** math.floor(math.log10(raw))
    step = next(unit * f for f in (1, 2, 2.5, 5, 10) if unit * f >= raw * 0.999)
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    return [round(i * step, 12) for i in range(first, last + 1)]


def _label(tick: float, formatter: Callable[[float], str]) -> str:
    return formatter(float(f"{tick:.6g}"))


def _fix(axis: Axis, ticks: list[float], formatter: Callable[[float], str]) -> None:
    axis.set_major_locator(FixedLocator(ticks))
    axis.set_major_formatter(FixedFormatter([_label(t, formatter) for t in ticks]))
    axis.set_minor_locator(NullLocator())
    axis.set_minor_formatter(NullFormatter())


def _decades_first(ticks: Sequence[float]) -> list[int]:
    return sorted(range(len(ticks)), key=lambda at: not math.log10(ticks[at]).is_integer())


def apart(labels: Sequence[str], places: Sequence[float], order: Iterable[int]) -> list[str]:
    """The labels, centred at these inches; one that would touch another one before it in `order`
    is left empty."""
    kept: dict[int, float] = {}
    for at in order:
        half = fontmetrics.width(labels[at], style.SMALL_PT) / 2
        if all(abs(places[at] - places[o]) >= half + other + 0.04 for o, other in kept.items()):
            kept[at] = half
    return [label if at in kept else "" for at, label in enumerate(labels)]


def log_limits(
    values: Iterable[float], pad: float = 0.06, least: float = 1.3
) -> tuple[float, float]:
    """Limits around positive `values` with room at both ends, at least a factor `least` apart."""
    positive = [min(max(v, 1 / MOST), MOST) for v in values if v > 0 and math.isfinite(v)]
    low, high = min(positive), max(positive)
    if high / low < least:
        middle, half = math.sqrt(low * high), math.sqrt(least)
        low, high = middle / half, middle * half
    room = (high / low) ** pad
    return low / room, high * room


def log_x(
    ax: Axes,
    limits: tuple[float, float],
    label: str,
    formatter: Callable[[float], str] = text.count_tick,
    ticks: Iterable[float] = (),
) -> None:
    """Makes x logarithmic and says so in the label; `ticks` replaces the usual choice."""
    ax.set_xscale("log")
    ax.set_xlim(*limits)
    chosen = [tick for tick in ticks if limits[0] <= tick <= limits[1]]
    drawn = chosen or log_ticks(*limits)
    _fix(ax.xaxis, drawn, formatter)
    room = ax.get_position().width * ax.figure.get_figwidth()
    scale = room / math.log(limits[1] / limits[0])
    places = [scale * math.log(tick / limits[0]) for tick in drawn]
    labels = [_label(tick, formatter) for tick in drawn]
    ax.xaxis.set_major_formatter(FixedFormatter(apart(labels, places, _decades_first(drawn))))
    ax.set_xlabel(f"{label} (log scale)")
    ax.grid(True, axis="x")


def log_y(
    ax: Axes,
    limits: tuple[float, float],
    label: str,
    formatter: Callable[[float], str] = text.count_tick,
) -> None:
    """Makes y logarithmic and says so in the label."""
    ax.set_yscale("log")
    ax.set_ylim(*limits)
    _fix(ax.yaxis, log_ticks(*limits), formatter)
    ax.set_ylabel(f"{label} (log scale)")
    ax.grid(True, axis="y")


def zero_x(
    ax: Axes, high: float, label: str, formatter: Callable[[float], str] = text.count_tick
) -> None:
    """A linear x axis that starts at zero, as bars need."""
    top = min(high * 1.04, MOST) if high > 0 else 1.0
    ax.set_xlim(0, top)
    _fix(ax.xaxis, linear_ticks(0, top, 4), formatter)
    ax.set_xlabel(label)
    ax.grid(True, axis="x")


def rows_y(ax: Axes, labels: list[str]) -> None:
    """One row a label, the first on top, without an axis line."""
    ax.set_ylim(len(labels) - 0.4, -0.6)
    ax.yaxis.set_major_locator(FixedLocator(list(range(len(labels)))))
    ax.yaxis.set_major_formatter(FixedFormatter([text.short(words) for words in labels]))
    ax.tick_params(axis="y", length=0, pad=4)
    ax.spines["left"].set_visible(False)


def label_room(labels: Iterable[str], limit: float = 1.8) -> float:
    """Margin in inches that the longest of these labels needs beside the axes."""
    widths = [fontmetrics.width(text.short(words), style.SMALL_PT) for words in labels]
    return min(limit, max(widths, default=0.0) + 0.16)


def below(ax: Axes) -> None:
    """Puts grid lines under the data."""
    ax.set_axisbelow(True)


def row_height(rows: int, most: float = 0.19, room: float = 5.6) -> float:
    """Inches a row, fewer where many rows would not fit on a page."""
    return min(most, room / max(rows, 1))
