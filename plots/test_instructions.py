# SPDX-License-Identifier: MIT
"""The guest's counts in the report: figure 11 and kevent against its bars."""

import subprocess
from pathlib import Path

import pytest

from plots import figures, front, html, kevent_bars, pdf, testing
from plots.figure import Figure
from plots.load import load
from plots.model import Run
from results.testing import synthetic_run


@pytest.fixture(scope="module")
def counted(tmp_path_factory: pytest.TempPathFactory) -> Run:
    made = synthetic_run(tmp_path_factory.mktemp("counted") / "run")
    return load(testing.rewrite(made, testing.add_counts))


@pytest.fixture(scope="module")
def figure(counted: Run) -> Figure:
    return next(one for one in figures.build(counted) if one.number == 11)


def test_every_counted_cell_has_a_panel_that_splits_off_notification(
    counted: Run, figure: Figure
) -> None:
    cells = {row.cell for row in counted.rows if row.metric == "instr_per_event"}
    panels = [panel for section in figure.sections for panel in section.panels]
    assert len(panels) == len(cells) + 1  # and the key
    texts = [panel.description for panel in panels[1:]]
    assert all("kevent mapped-et: 530  ·  330" in one for one in texts)
    assert "exact" in figure.caption


def test_the_guests_section_says_that_it_is_emulated(figure: Figure) -> None:
    assert all("emulated (TCG)" in section.heading for section in figure.sections)


def test_each_figure_of_kevent_stands_beside_its_bar(counted: Run, figure: Figure) -> None:
    table = figure.tables[0]
    assert table.title.startswith(kevent_bars.NAME)
    assert len(table.rows) == len(counted.bars)
    verdicts = {row[1]: row[-1] for row in table.rows}
    assert verdicts["kevent mapped"] == "✓ met"
    # 330 of 860 is 0.38: within 0.60 of descriptors that are read and written.
    assert verdicts["kevent mapped-et"] == "✓ met"
    assert verdicts["kevent get"] == "✗ not met by 2 %"


def test_the_front_page_has_a_line_a_bar_with_the_dearest_figure(counted: Run) -> None:
    page = front.build(counted)
    assert page.bars is not None
    lines = {row[0]: row for row in page.bars.rows}
    parity = lines["no dearer than epoll's counterpart"]
    assert parity[-1] == "✗ not met by 2 %" and "kevent get" in parity[4]
    assert any("kevent dearer" in name for name, _ in page.facts)


def test_a_run_without_a_guest_has_no_bars(run: Run) -> None:
    assert front.build(run).bars is None and not run.bars


def test_both_documents_show_them(counted: Run, tmp_path: Path) -> None:
    drawn = figures.build(counted)
    page = html.render(counted, drawn)
    assert "kevent against its bars" in page and "✗ not met by 2 %" in page
    path = tmp_path / "report.pdf"
    path.write_bytes(pdf.render(counted, drawn))
    words = subprocess.run(
        ["pdftotext", "-layout", str(path), "-"], capture_output=True, text=True, check=True
    ).stdout
    assert "kevent against epoll, by exact counts" in words and "not met by 2 %" in words
