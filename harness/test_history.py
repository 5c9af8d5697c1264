# SPDX-License-Identifier: MIT
"""`kevbench history` and `report --history` as people and programs call them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from harness.cli import dispatch
from harness.errors import OK, USAGE
from results.testing import synthetic_run
from results.testing_history import made_up


def test_runs_are_added_once_and_listed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    store, run = tmp_path / "h.jsonl", synthetic_run(tmp_path / "run")
    assert dispatch(["history", "add", str(store), str(run)]) == OK
    assert dispatch(["history", "add", str(store), str(run)]) == OK
    assert [line.split(": ")[1] for line in capsys.readouterr().out.splitlines()] == [
        "added",
        "is in the store already",
    ]
    assert dispatch(["history", "list", str(store)]) == OK
    told = capsys.readouterr().out
    assert told.startswith("1 runs, ") and "no change point" in told


def test_changes_are_told_as_text_and_as_json_the_worst_first(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store = made_up(tmp_path / "h.jsonl", 36, moved=30)
    assert dispatch(["history", "list", str(store)]) == OK
    lines = capsys.readouterr().out.splitlines()
    assert "io_uring+multishot" in lines[1] and "Change number 12" in "".join(lines[1:3])
    assert any("another set-up: kernel.release" in line for line in lines)
    assert dispatch(["history", "list", str(store), "--json"]) == OK
    document = json.loads(capsys.readouterr().out)
    assert document["schema"] == "kvb.changes" and document["runs"] == 36
    worse = [one for one in document["changes"] if one["worse"]]
    assert len(worse) == 3 and all(one["after"] > one["before"] for one in worse)
    assert len(document["moved"]) == 1


def test_a_bad_run_leaves_the_store_as_it_was(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store, run = made_up(tmp_path / "h.jsonl", 3), synthetic_run(tmp_path / "run")
    before = store.read_bytes()
    bad = tmp_path / "bad.jsonl"
    bad.write_text("not json\n")
    assert dispatch(["history", "add", str(store), str(run), str(bad)]) == USAGE
    assert store.read_bytes() == before
    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.parametrize(
    "words", (["report"], ["report", "--history", "none.jsonl"], ["history", "list", "none.jsonl"])
)
def test_nothing_to_report_is_said_in_a_line(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert dispatch(words) == USAGE
    told = capsys.readouterr().err
    assert told.count("\n") == 1 and ("nothing to report" in told or "does not exist" in told)


def test_a_page_of_its_own_and_a_figure_of_a_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store, run = made_up(tmp_path / "h.jsonl", 24), synthetic_run(tmp_path / "run")
    assert dispatch(["report", "--history", str(store), "--json"]) == OK
    (about,) = json.loads(capsys.readouterr().out)
    assert Path(about["html"]).read_text().count("Kevbench history") >= 2
    assert Path(about["pdf"]).read_bytes().startswith(b"%PDF")
    assert dispatch(["report", str(run), "--history", str(store)]) == OK
    page = (run / "report.html").read_text()
    assert "Figure 17. History" in page and "Series with a change point" in page
