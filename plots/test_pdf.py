# SPDX-License-Identifier: MIT
"""The PDF: embedded fonts, bookmarks, the front table as text, pages that are used."""

import re
import subprocess
from pathlib import Path

import pytest

from plots import figures, fontmetrics, pdf, pdf_table, testing
from plots.figure import Figure, table
from plots.load import load
from plots.pdf_page import INNER, Pager
from results.testing import synthetic_run


def _tool(*words: str) -> str:
    return subprocess.run(words, check=True, capture_output=True, text=True, timeout=60).stdout


def _pages(document: Path) -> int:
    return int(re.search(r"Pages:\s+(\d+)", _tool("pdfinfo", str(document)))[1])  # type: ignore[index]


def test_every_font_is_embedded(document: Path) -> None:
    lines = _tool("pdffonts", str(document)).splitlines()[2:]
    assert lines
    for line in lines:
        assert "DejaVuSans" in line
        assert re.search(r"\s(yes|no)\s+(yes|no)\s+(yes|no)\s+\d+\s+\d+\s*$", line)[1] == "yes"  # type: ignore[index]


def test_the_first_page_holds_the_front_table(document: Path, page: str) -> None:
    text = _tool("pdftotext", "-f", "1", "-l", "1", "-layout", str(document), "-")
    part = re.findall(r'<table class="matrix">.*?</table>', page, re.DOTALL)[0]
    rows = re.findall(r'<th scope="row">([^<]+)</th>(.*?)</tr>', part, re.DOTALL)
    assert len(rows) == 8
    for label, cells in rows:
        ratios = re.findall(r"<b>([^<]+)</b>", cells)
        line = next(line for line in text.splitlines() if line.startswith(f"{label}  "))
        shown = re.findall(r"(?<![\d.])[\d,]+\.?\d*(?= [▼▲=≈●–])", line.removeprefix(label))
        assert shown[: len(ratios)] == ratios, label


def test_every_page_has_its_number_and_something_on_it(document: Path) -> None:
    count = _pages(document)
    texts = _tool("pdftotext", "-layout", str(document), "-").split("\f")[:-1]
    assert len(texts) == count
    for index, text in enumerate(texts, start=1):
        assert f"{index} of {count}" in text
        assert len(text.split()) > 40, f"page {index} is all but empty"


def test_every_figure_is_in_the_contents_with_its_page(
    document: Path, drawn: dict[int, Figure]
) -> None:
    texts = _tool("pdftotext", "-layout", str(document), "-").split("\f")
    contents = next(text for text in texts if "Contents" in text)
    for figure in (one for one in drawn.values() if one.drawn):
        title = f"Figure {figure.number}. {figure.title}"
        found = re.search(re.escape(title) + r"\s+(\d+)", contents)
        assert found, title
        assert title in texts[int(found[1]) - 1]


def test_captions_and_numbers_of_all_figures_are_text(
    document: Path, drawn: dict[int, Figure]
) -> None:
    text = " ".join(_tool("pdftotext", str(document), "-").split())
    for figure in (one for one in drawn.values() if one.drawn):
        assert " ".join(figure.caption.split()[:12]) in text
        assert f"Numbers of figure {figure.number}, {figure.title}" in text


def test_the_document_opens_with_bookmarks(document: Path, drawn: dict[int, Figure]) -> None:
    raw = document.read_bytes()
    assert b"/Outlines" in raw and b"/PageMode /UseOutlines" in raw
    for figure in drawn.values():
        title = f"Figure {figure.number}. {figure.title}"
        assert title.encode("utf-16-be").hex().upper().encode() in raw


def test_a_quick_run_fits_forty_pages(document: Path) -> None:
    assert _pages(document) <= 40


def test_a_run_without_measurements_has_a_document_too(bare_dir: Path, tmp_path: Path) -> None:
    run = load(bare_dir)
    path = tmp_path / "bare.pdf"
    path.write_bytes(pdf.render(run, figures.build(run)))
    text = _tool("pdftotext", str(path), "-")
    assert "No ratio to epoll" in text and text.count("Not measured") >= 10


def test_host_and_emulated_guest_are_kept_apart(tmp_path: Path) -> None:
    def change(records: list[testing.Record]) -> list[testing.Record]:
        # Ratios of one workload are enough; every panel more takes its time.
        wanted = ("run", "env", "end", "metric")
        few = [r for r in records if r["record"] in wanted]
        few = [r for r in few if r.get("workload", "idle_scan") == "idle_scan"]
        return testing.add_guest(few)

    run = load(testing.rewrite(synthetic_run(tmp_path / "run"), change))
    path = tmp_path / "both.pdf"
    path.write_bytes(pdf.render(run, figures.build(run)))
    text = " ".join(_tool("pdftotext", str(path), "-").split())
    assert "Emulated: guest, kernel 6.12.1, emulated (TCG)" in text
    assert "Cost against epoll: host" in text and "Cost against epoll: guest" in text


def _numbers(rows: int) -> list[tuple[str, str, str]]:
    return [(f"cell {i // 4}", f"row {i}", str(i)) for i in range(rows)]


@pytest.mark.parametrize("rows", (1, 7, 50, 230))
def test_a_narrow_table_is_set_in_strips_and_loses_no_row(rows: int) -> None:
    pager = Pager("test")
    pager.page()
    one = table("narrow", ("cell", "name", "number"), _numbers(rows), (2,))
    pdf_table.draw(pager, one, "narrow")
    words = [line for page in pager._words for line in page.lines]
    shown = [entry[2] for entry in words]
    for i in range(rows):
        assert shown.count(f"row {i}") == 1 and f"cell {i // 4}" in " ".join(shown)
    assert len(pager.pages) <= 1 + rows // 100
    lefts = {round(x) for x, _, text, *_ in words if text.startswith("row ")}
    assert len(lefts) == min(3, max(1, rows // 8))


def test_a_table_longer_than_paper_bears_says_what_it_left_out() -> None:
    pager = Pager("test")
    pager.page()
    pdf_table.draw(pager, table("long", ("name",), [(str(i),) for i in range(900)]), "long")
    shown = " ".join(line[2] for page in pager._words for line in page.lines)
    assert f"The first {pdf_table.MOST_ROWS} of 900 rows; results.jsonl holds all of them." in shown


def test_no_text_of_a_table_leaves_the_page() -> None:
    pager = Pager("test")
    pager.page()
    wide = [("x" * 300, "word " * 80, "1234567890")] * 30
    pdf_table.draw(pager, table("wide", ("one", "two", "three"), wide, (2,)), "wide")
    for page in pager._words:
        for x, y, text, points, _, bold in page.lines:
            right = x / 72 + fontmetrics.width(text, points, bold)
            assert 0 < x / 72 and right <= INNER + 0.44 + 0.02 and 0 < y / 72 < 8.27


@pytest.mark.parametrize("rows", (5, 17, 64))
def test_strips_are_balanced_where_everything_fits(rows: int) -> None:
    counts = pdf_table.balanced([1.0] * rows, 3, 100.0)
    assert sum(counts) == rows and max(counts) - min(counts) <= 3


def test_strips_are_filled_in_order_where_not_everything_fits() -> None:
    assert pdf_table.balanced([1.0] * 100, 3, 10.0) == [10, 10, 10]
    assert pdf_table.balanced([50.0] * 4, 3, 10.0) == [1, 1, 1]
