# SPDX-License-Identifier: MIT
"""Figures 19 and 21: who is woken, and what those pay who use nothing."""

from pathlib import Path

import pytest

from plots import figures, testing
from plots.figure import Figure
from plots.load import load
from results.testing import synthetic_run


def _as(record: testing.Record, workload: str, metric: str, value: float) -> testing.Record:
    key = str(record["case_key"]).replace("idle_scan/", f"{workload}/")
    copy = {**record, "case_key": key, "workload": workload, "metric": metric}
    return {**copy, "value": value, "lo": value, "hi": value, "unit": "of 1"}


def _crews(records: list[testing.Record]) -> list[testing.Record]:
    """Each measured cost of idle_scan once more as the figures of a crew and of a bystander."""
    made: list[testing.Record] = []
    for one in records:
        if one.get("metric") != "cpu_ns_per_event" or one.get("workload") != "idle_scan":
            continue
        made += [
            _as(one, "herd", "wakeups_per_event", 7.5),
            _as(one, "herd", "share_index", 0.25),
            _as(one, "bystander", "unused_instr_per_event", -2.0),
        ]
    return [*records[:-1], *made, records[-1]]


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> dict[int, Figure]:
    run = synthetic_run(tmp_path_factory.mktemp("crews") / "run")
    return {one.number: one for one in figures.build(load(testing.rewrite(run, _crews)))}


def test_the_threads_woken_stand_beside_how_even_their_shares_are(
    drawn: dict[int, Figure],
) -> None:
    figure = drawn[19]
    panels = [panel for section in figure.sections for panel in section.panels]
    assert panels and all("epoll lt: 7.50  ·  0.25" in panel.description for panel in panels)
    assert {"wakeups_per_event", "share_index"} <= {
        cell for table in figure.tables for row in table.rows for cell in row
    }


def test_a_figure_below_nothing_is_told_but_has_no_bar(drawn: dict[int, Figure]) -> None:
    panels = [panel for section in drawn[21].sections for panel in section.panels]
    assert panels and all("epoll lt: -2;" in panel.description for panel in panels)
    assert "without kevent.ko" in drawn[21].caption


def test_neither_is_drawn_from_a_run_that_did_not_measure_it(tmp_path: Path) -> None:
    found = {one.number: one for one in figures.build(load(synthetic_run(tmp_path / "run")))}
    for number, workload in ((19, "herd"), (21, "bystander")):
        assert not found[number].drawn and workload in found[number].reason
