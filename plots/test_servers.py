# SPDX-License-Identifier: MIT
"""Real servers on the page of 2006: their ratio, what is not judged, and their absence."""

from __future__ import annotations

from plots.figure import Figure
from plots.figures import claim
from plots.model import Cell, Place, Row, Run, Side

GUEST = Place("guest", "6.12", "tcg")
CELL = Cell("real_server", (("rate", "1000"), ("server", "nginx")))
NATIVE, PRELOAD = Side("epoll", "native"), Side("kevent", "preload")


def row(
    side: Side, value: float, ratio: float | None = None, metric: str = "instr_per_request"
) -> Row:
    return Row(
        *(GUEST, CELL, side, metric, "instructions"),
        value=value,
        lo=value,
        hi=value,
        ratio=ratio,
        reference="epoll+native",
        interval="exact",
        n=18,
    )


def drawn(*rows: Row) -> Figure:
    return claim.build(Run("R", "", "full", "bench", "complete", rows))


def test_the_ratio_to_the_servers_own_epoll_is_said_whichever_way_it_falls() -> None:
    figure = drawn(row(NATIVE, 100_000, 1.0), row(PRELOAD, 104_000, 1.04))
    (section,) = figure.sections
    assert "costs 1.04 to 1.04 of the server's own epoll; it is the dearer one in 1 of 1" in (
        section.notes[0]
    )
    assert figure.drawn and "nginx" in figure.caption


def test_replies_errors_and_the_emulated_rate_stand_beside_the_count() -> None:
    figure = drawn(
        row(NATIVE, 100_000, 1.0),
        row(NATIVE, 5_000, None, "requests_per_s"),
        row(NATIVE, 1_800, None, "replies"),
        row(NATIVE, 0, None, "errors"),
    )
    assert figure.sections[0].notes[1] == "By requests per second: not judged: emulated."
    assert figure.tables[1].rows[0][2:] == ("100,000", "1.00", "5,000", "1,800", "0")


def test_one_side_alone_is_shown_and_not_judged() -> None:
    (section,) = drawn(row(NATIVE, 100_000, 1.0)).sections
    assert "not judged here" in section.notes[0]


def test_servers_are_no_part_of_the_verdict_on_the_claim() -> None:
    figure = drawn(row(NATIVE, 100_000, 1.0), row(PRELOAD, 50_000, 0.5))
    assert not any("confirmed" in note for section in figure.sections for note in section.notes)
