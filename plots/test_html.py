# SPDX-License-Identifier: MIT
"""The HTML: one file, readable without script or network, numbers as stored, nothing injected."""

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from plots import figures, html, style, testing, text
from plots.load import load
from plots.model import Run
from results.testing import synthetic_run

_VOID = {"meta", "hr", "br", "img", "input", "link", "path", "use", "rect", "circle", "image"}
_EVIL = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>&\x1b[31m\u202e"


class _Page(HTMLParser):
    """Tags with their attributes, and the text of table rows."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.rows: list[tuple[tuple[str, ...], list[str]]] = []
        self.open: list[str] = []
        self.faults: list[str] = []
        self._table = ""
        self._cell: list[str] | None = None
        self.feed(source)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        known = {name: value or "" for name, value in attrs}
        self.tags.append((tag, known))
        if tag not in _VOID:
            self.open.append(tag)
        if tag == "table":
            self._table = known.get("class", "")
        if tag == "tr":
            self.rows.append(((self._table,), []))
        if tag in ("td", "th"):
            self._cell = []

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        if tag in ("td", "th") and self._cell is not None:
            self.rows[-1][1].append(" ".join("".join(self._cell).split()))
            self._cell = None
        if tag in _VOID:
            return
        if not self.open or self.open.pop() != tag:
            self.faults.append(tag)

    def handle_data(self, data: str) -> None:
        if self._cell is not None:
            self._cell.append(f" {data} ")


def _ids(page: _Page) -> list[str]:
    return [known["id"] for _, known in page.tags if "id" in known]


def test_the_page_is_well_formed(page: str) -> None:
    parsed = _Page(page)
    assert not parsed.faults and not parsed.open


def test_the_page_needs_no_network_and_no_script(page: str) -> None:
    parsed = _Page(page)
    assert not {tag for tag, _ in parsed.tags} & {"script", "iframe", "object", "link", "img"}
    for tag, known in parsed.tags:
        for name, value in known.items():
            assert not name.startswith("on"), (tag, name)
            if name in ("src", "href", "xlink:href", "action", "data"):
                assert value.startswith("#"), (tag, name, value)
    assert "@import" not in page
    assert all(target.startswith("#") for target in re.findall(r"url\(([^)]*)\)", page))
    policy = next(k["content"] for t, k in parsed.tags if t == "meta" and "http-equiv" in k)
    assert "default-src 'none'" in policy and "script" not in policy


def test_ids_are_unique_and_every_reference_has_its_target(page: str) -> None:
    parsed = _Page(page)
    ids = _ids(parsed)
    assert len(ids) > 500 and len(set(ids)) == len(ids)
    wanted = {v[1:] for _, k in parsed.tags for n, v in k.items() if n in ("href", "xlink:href")}
    wanted |= set(re.findall(r"url\(#([^)]+)\)", page))
    for _, known in parsed.tags:
        wanted |= set(known.get("aria-labelledby", "").split())
    assert wanted <= set(ids)


def test_every_drawing_has_a_title_and_a_description(page: str) -> None:
    drawings = re.findall(r"<svg\b.*?</svg>", page, re.DOTALL)
    assert len(drawings) > 50
    for drawing in drawings:
        found = re.search(r"<title id=[^>]+>(.+?)</title>\s*<desc id=[^>]+>(.+?)</desc>", drawing)
        assert found and len(found[2]) > len(found[1])
        assert 'role="img"' in drawing


def test_every_figure_has_its_caption_and_its_numbers(page: str) -> None:
    for number in (2, 3, 5, 6, 8, 9, 10, 12, 13, 14):
        part = page.split(f'<section id="figure-{number}">')[1].split("</section>")[0]
        assert '<p class="caption">' in part and "<table" in part, number
    assert '<section id="provenance">' in page


def test_colours_follow_the_page_so_that_dark_and_light_share_a_drawing(page: str) -> None:
    drawings = "".join(re.findall(r"<svg\b.*?</svg>", page, re.DOTALL))
    without = re.sub(r'<section id="figure-13">.*?</section>', "", page, flags=re.DOTALL)
    left = set(re.findall(r"#[0-9a-f]{6}\b", "".join(re.findall(r"<svg.*?</svg>", without, re.S))))
    assert not left, left  # figure 13 alone has a scale of its own
    used = set(re.findall(r"var\(--([a-z-]+)\)", drawings))
    assert used <= {entry[0] for entry in style.CSS_COLOURS.values()}
    assert {"okabe-black", "okabe-blue", "okabe-orange", "okabe-purple"} <= used
    assert "prefers-color-scheme: dark" in page and "#16181b" in page


def _summary_ratio(rows: list[dict[str, Any]], label: str, workload: str, column: str) -> str:
    words = column.split()
    wanted = dict(zip(words[::2], words[1::2], strict=True))
    found = [
        row
        for row in rows
        if row["workload"] == workload
        and row["metric"] == "cpu_ns_per_event"
        and label in (f"{row['mechanism']} {row['variant']}", row["mechanism"])
        and (label != row["mechanism"] or row["variant"] == row["mechanism"])
        and all(str(row["params"].get(n)) == v.replace(",", "") for n, v in wanted.items())
    ]
    values = {row["ratio_to_epoll"] for row in found}
    assert len(values) == 1, (label, workload, column, values)
    return text.ratio(values.pop())


def test_the_front_page_shows_the_ratios_of_the_summary(page: str, run_dir: Path) -> None:
    rows = json.loads((run_dir / "summary.json").read_text())["rows"]
    checked = 0
    for part in re.findall(r'<table class="matrix">.*?</table>', page, re.DOTALL):
        lines = [cells for _, cells in _Page(part).rows]
        spans = re.findall(r'<th class="group" colspan="(\d+)"[^>]*>([^<]+)<', part)
        workloads = [name for width, name in spans for _ in range(int(width))]
        columns = lines[1]
        for label, *cells in lines[2:]:
            for workload, column, cell in zip(workloads, columns, cells, strict=False):
                shown = cell.split()[0]
                assert shown == _summary_ratio(rows, label, workload, column), (label, column)
                checked += 1
    assert checked > 60


def test_the_front_page_shows_the_floor_of_the_summary(page: str, run_dir: Path) -> None:
    floor = json.loads((run_dir / "summary.json").read_text())["floor"]
    assert f"{floor['instr_per_event']:.0f} instructions an event" in page
    assert f"{floor['percent_of_cheapest_event']:.1f} % of the cheapest event" in page


def test_skipped_rows_are_shown_with_their_reasons(page: str) -> None:
    rows = [" | ".join(cells) for _, cells in _Page(page).rows]
    front = [row for row in rows if row.startswith("kevent ")]
    assert front and all("kevent.ko is not loaded on this machine" in row for row in front)
    full = [row for row in rows if "unavailable" in row]
    assert full and all("kevent.ko is not loaded" in row for row in full)
    for variant in ("get", "mapped", "mapped-et", "mapped+batch"):
        assert any(f"kevent {variant}" in row for row in full)


def _render(directory: Path) -> str:
    run = load(directory)
    return html.render(run, figures.build(run))


def test_a_failure_is_told_from_a_limit_on_the_front_page(tmp_path: Path) -> None:
    def fail_one(records: list[testing.Record]) -> list[testing.Record]:
        next(one for one in records if one["record"] == "skip")["kind"] = "failed"
        return records

    page = _render(testing.rewrite(synthetic_run(tmp_path / "run"), fail_one))
    rows = [" | ".join(cells) for _, cells in _Page(page).rows]
    (broken,) = [row for row in rows if row.startswith("kevent get in idle_scan")]
    assert "| failed: kevent.ko is not loaded" in broken
    (limits,) = [row for row in rows if row.startswith("kevent mapped,")]
    assert "failed" not in limits


def test_hostile_names_stay_text(tmp_path: Path) -> None:
    def change(records: list[testing.Record]) -> list[testing.Record]:
        def spoil(value: Any) -> Any:
            if isinstance(value, dict):
                return {name: spoil(part) for name, part in value.items()}
            if isinstance(value, list):
                return [spoil(part) for part in value]
            if isinstance(value, str):
                return value.replace("multishot", f"m{_EVIL}").replace("unix", f"u{_EVIL}")
            return value

        for record in records:
            kept = {name: record[name] for name in ("record", "schema", "schema_version", "run_id")}
            record.update({n: spoil(v) for n, v in record.items() if n not in kept})
            if record["record"] == "skip":
                record["reason"] += _EVIL
            if record["record"] == "env":
                record["facts"]["cpu"]["model"] = _EVIL
            if record["record"] == "run":
                record["argv"] = ["kevbench", _EVIL]
        return records

    page = _render(testing.rewrite(synthetic_run(tmp_path / "run"), change))
    parsed = _Page(page)
    assert not parsed.faults and not parsed.open
    assert not {tag for tag, _ in parsed.tags} & {"script", "img"}
    assert not any(name.startswith("on") for _, known in parsed.tags for name in known)
    assert "alert(1)" in page and "\x1b" not in page and "\u202e" not in page
    ids = _ids(parsed)
    assert len(set(ids)) == len(ids)
    assert all(re.fullmatch(r"[A-Za-z0-9_.:+-]+", name) for name in ids)


def test_values_of_any_size_and_missing_ones_are_rendered(tmp_path: Path) -> None:
    def change(records: list[testing.Record]) -> list[testing.Record]:
        metrics = [r for r in records if r["record"] == "metric"]
        for index, record in enumerate(metrics):
            if index % 5 == 0:
                record |= {"value": 1e300, "lo": 1e-300, "hi": 1.7e308}
            elif index % 5 == 1:
                record |= {"value": None, "lo": None, "hi": None, "reason": "it did not count"}
                record |= {"ratio_to_epoll": None, "ratio_lo": None, "ratio_hi": None}
            elif index % 5 == 2:
                record |= {"value": 0.0, "lo": 0.0, "hi": 0.0}
            elif index % 5 == 3:
                record |= {"ratio_to_epoll": 1e-12, "ratio_lo": None, "ratio_hi": None}
        return records

    page = _render(testing.rewrite(synthetic_run(tmp_path / "run"), change))
    assert not _Page(page).faults
    assert "1.000e+300" in page and "it did not count" in page
    assert not re.search(r"\b(nan|inf|None)\b", re.sub(r"<[^>]*>", " ", page.split("<main>")[1]))


@pytest.mark.parametrize("kept", ("torn", "bare"))
def test_an_incomplete_run_says_so(tmp_path: Path, bare_dir: Path, kept: str) -> None:
    if kept == "torn":
        page = _render(synthetic_run(tmp_path / "run", complete=False))
        assert "This run is not complete (status: cut short)" in page
    else:
        page = _render(bare_dir)
        assert "No ratio to epoll" in page and page.count('class="missing"') >= 10


def test_the_floor_has_a_table_under_provenance(page: str, run: Run) -> None:
    part = page.split('<section id="provenance">')[1]
    assert f"Harness floor, the null adapter: {run.places[0].label}" in part


def test_checks_that_say_the_same_of_several_metrics_share_a_row(tmp_path: Path) -> None:
    def change(records: list[testing.Record]) -> list[testing.Record]:
        for record in records:
            if record["record"] == "metric" and record["side"] == "poll+poll":
                record["checks"] = [{"name": "disturbance", "state": "warned", "text": "3 of 9"}]
        return records

    run = load(testing.rewrite(synthetic_run(tmp_path / "run"), change))
    page = html.render(run, figures.build(run))
    rows = [cells for _, cells in _Page(page).rows if cells[:2] == ["disturbance", "warned"]]
    cells = {row.cell for row in run.rows if row.side.label == "poll"}
    assert len(rows) == len(cells)
    assert all("metrics" in row[2] or "time" in row[2] or "_" in row[2] for row in rows)
