# SPDX-License-Identifier: MIT
"""The page of the 2006 claim: what it says of kevent better, equal, worse, emulated and absent."""

from __future__ import annotations

from plots.figure import Figure
from plots.figures import claim
from plots.model import Cell, Place, Row, Run, Side

HOST = Place("host", "6.12", "none")
GUEST = Place("guest", "6.12", "tcg")
CELL = Cell("kevent_2006", (("rate", "3400"), ("style", "plain")))


def row(side: Side, ratio: float, place: Place = HOST, metric: str = "requests_per_s") -> Row:
    """A stored cost ratio with an interval of one percent."""
    return Row(
        place,
        CELL,
        side,
        metric,
        "1/s",
        value=1000.0,
        lo=990.0,
        hi=1010.0,
        ratio=ratio,
        ratio_lo=ratio / 1.01,
        ratio_hi=ratio * 1.01,
        reference="epoll+lt",
        interval="bootstrap-percentile",
        n=8,
        blocks=8,
    )


def drawn(*rows: Row) -> Figure:
    """The page of a run with these rows."""
    return claim.build(Run("R", "", "quick", "bench", "complete", rows))


KEVENT, POLL = Side("kevent", "mapped"), Side("poll", "poll")


def line(figure: Figure) -> str:
    """The answer of its only section."""
    (section,) = figure.sections
    return section.notes[0]


def test_a_cost_of_two_thirds_confirms_the_claim() -> None:
    assert "1.50 times epoll: confirmed" in line(drawn(row(KEVENT, 1 / 1.5)))


def test_negative_verdicts_stand_as_prominently() -> None:
    assert "1.00 times epoll: parity" in line(drawn(row(KEVENT, 1.0)))
    assert "0.80 times epoll: refuted" in line(drawn(row(KEVENT, 1.25)))


def test_without_kevent_nothing_is_judged_and_others_are_no_part_of_the_claim() -> None:
    figure = drawn(row(POLL, 0.5))
    assert "not judged here, since kevent was not measured" in line(figure)
    assert figure.tables[1].rows[0][-1] == "no part of the claim"


def test_emulated_times_are_not_judged_and_exact_counts_are() -> None:
    times = drawn(row(KEVENT, 0.5, GUEST))
    assert line(times).endswith("not judged: emulated.")
    counts = drawn(row(KEVENT, 0.5, GUEST, "instr_per_request"))
    assert "2.00 times epoll: confirmed" in line(counts)
    assert counts.sections[0].notes[1] == "By requests per second: not judged: emulated."


def test_published_figures_are_given_as_of_other_hardware() -> None:
    figure = drawn(row(KEVENT, 1.0))
    assert figure.tables[0].title == "Published in 2006, different hardware; ratios only"
    assert any("3380" in cell for cells in figure.tables[0].rows for cell in cells)
    assert "3380" in figure.caption and "2500" in figure.caption


def test_a_run_without_the_workload_says_so() -> None:
    figure = drawn()
    assert not figure.drawn and "kevent_2006" in figure.reason
