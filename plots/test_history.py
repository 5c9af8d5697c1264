# SPDX-License-Identifier: MIT
"""The history page: what changed is drawn first, set-ups are not joined, the bytes repeat."""

from pathlib import Path

from harness.analysis.timeline import chronicle
from plots import html, pdf, report
from plots.figures import history
from results.testing_history import document, encoded, made_up


def test_changes_are_drawn_and_listed_and_the_worst_comes_first(tmp_path: Path) -> None:
    figure = history.draw(chronicle(made_up(tmp_path / "h.jsonl")))
    changed, steady = figure.sections
    assert len(changed.panels) == 3 and len(steady.panels) == 1
    assert changed.panels[0].title.startswith("io_uring+multishot")
    changes = figure.tables[0]
    assert [row[1] for row in changes.rows if row[-1] == "worse"] == [
        "Change number 24",
        "Change number 18",
        "Change number 20",
    ]
    assert [row[1] for row in changes.rows if row[-1] == "better"] == ["Change number 12"]


def test_another_set_up_is_a_line_of_its_own_and_never_a_change(tmp_path: Path) -> None:
    store = made_up(tmp_path / "h.jsonl", 36, moved=18)
    found = chronicle(store)
    assert [(one.place, one.differences) for one in found.moved] == [
        (18, ("kernel.release: 6.1-aaaa against 6.1-bbbb",))
    ]
    assert not any(step.place == 18 for line in found.timelines for step in line.steps)
    assert any("kernel.release" in row[1] for t in history.draw(found).tables for row in t.rows)


def test_the_same_store_gives_the_same_bytes_with_and_without_its_index(tmp_path: Path) -> None:
    first = made_up(tmp_path / "h.jsonl", 12)
    pages = []
    for _ in range(2):
        found = chronicle(first)
        paths = report.render_history(found, first)
        pages.append([path.read_bytes() for path in paths])
        (tmp_path / "h.jsonl.sqlite").unlink()
    assert pages[0] == pages[1]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["h.html", "h.jsonl", "h.pdf"]


def test_hostile_words_and_numbers_are_drawn_as_they_are(tmp_path: Path) -> None:
    store = tmp_path / "h.jsonl"
    tag = "<script>alert(1)</script>\x1b[2J\u202e"
    rows = document(0)["figures"]
    for row, value in zip(rows, (1e300, -1e300, 5e-324, 0.0)):
        row |= {"series": f"host/{tag}/{tag}/{tag}=1", "value": value, "lo": None, "hi": 1e308}
        row |= {"metric": f"{tag}{value}", "unit": tag}
    for number in range(4):
        one = document(number, figures=rows, subject=tag, commit=tag, started_at=tag)
        with open(store, "ab") as more:
            more.write(encoded(one))
    found = chronicle(store)
    figure = history.draw(found)
    page = html.render_history(found, figure)
    assert "<script" not in page and "\x1b" not in page and "\u202e" not in page
    assert pdf.render_history(found, figure).startswith(b"%PDF")


def test_an_empty_history_says_so(tmp_path: Path) -> None:
    figure = history.draw(chronicle(made_up(tmp_path / "h.jsonl", 0)))
    assert not figure.drawn and "no run" in figure.reason
