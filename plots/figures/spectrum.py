# SPDX-License-Identifier: MIT
"""Figure 5: percentile spectrum."""

from plots import distribution
from plots.figure import Figure, missing
from plots.model import Run
from plots.reasons import why_missing

TITLE = "Latency by percentile"
KIND = distribution.Kind("spectrum", "percentile", "latency", latency_on_x=False)

UNCORRECTED = (
    "Thin dots in the panels of a mechanism count from the actual send instead of the intended one: "
    "where they part from the line, waiting to send hid latency. "
)


def build(run: Run) -> Figure:
    """Latency against 1/(1-q), both logarithmic."""
    sections = tuple(
        part
        for index, place in enumerate(run.places)
        if (part := distribution.section(run, place, KIND, f"f5-{index}")).panels
    )
    if not sections:
        return missing(5, "percentiles", TITLE, why_missing(run, "latency histogram", ("tcp_rr",)))
    tables = tuple(
        distribution.quantile_table(place.label, hists)
        for place in run.places
        if (hists := [h for h in run.histograms if h.place == place])
    )
    both = any(h.kind == "uncorrected" for h in run.histograms)
    caption = (
        "Lower is better. Read upwards from a percentile: 99 % means that one operation in a hundred "
        "took longer. Each step of the axis is ten times rarer. "
        + (UNCORRECTED if both else "")
        + "The line turns thin where fewer than 100 samples lie beyond it and ends at 10. "
        f"{distribution.sample(run.histograms)}; all stored samples are drawn, so there is no interval: "
        "intervals of p50, p99 and p99.9 over processes are with the metrics."
    )
    return Figure(5, "percentiles", TITLE, caption, sections, tables)
