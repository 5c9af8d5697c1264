# SPDX-License-Identifier: MIT
"""Figure 6: complementary cumulative distribution of latencies."""

from plots import distribution
from plots.figure import Figure, missing
from plots.figures.spectrum import UNCORRECTED
from plots.model import Run
from plots.reasons import why_missing

TITLE = "Share of operations slower than a latency"
KIND = distribution.Kind("exceedance", "latency", "share slower", latency_on_x=True)


def build(run: Run) -> Figure:
    """Complementary ECDF on log axes."""
    sections = tuple(
        part
        for index, place in enumerate(run.places)
        if (part := distribution.section(run, place, KIND, f"f6-{index}")).panels
    )
    if not sections:
        return missing(6, "slower-than", TITLE, why_missing(run, "latency histogram", ("tcp_rr",)))
    tables = tuple(
        distribution.share_table(place.label, hists)
        for place in run.places
        if (hists := [h for h in run.histograms if h.place == place])
    )
    both = any(h.kind == "uncorrected" for h in run.histograms)
    caption = (
        "Further left and lower is better. Read from a latency on the x axis up to the line: that "
        "share of operations took longer. A vertical fall means that nearly all took the same time; "
        "a shelf is a second, slower way through. No bins were chosen: steps are the histogram's own, "
        "at most 0.1 % wide. "
        + (UNCORRECTED if both else "")
        + "The line turns thin where fewer than 100 samples lie beyond it and ends at 10. "
        f"{distribution.sample(run.histograms)}; all stored samples are drawn, so there is no interval."
    )
    return Figure(6, "slower-than", TITLE, caption, sections, tables)
