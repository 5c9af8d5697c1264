# SPDX-License-Identifier: MIT
"""The history store: appended whole, read around torn lines, indexed anew when it has to be."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from results import history
from results.errors import ResultsError
from results.reader import read
from results.testing import synthetic_run
from results.testing_history import STEPS, document, encoded, made_up

_ROOT = Path(__file__).resolve().parent.parent


def _index(store: Path) -> Path:
    return store.with_name(store.name + history.INDEX_SUFFIX)


def test_runs_come_back_in_first_parent_order_whatever_the_order_of_adding(tmp_path: Path) -> None:
    store = tmp_path / "h.jsonl"
    for number in (3, 0, 2, 1):
        assert history.add(store, encoded(document(number)))
    found = history.load(store)
    assert [run.commit.depth for run in found.runs] == [1, 2, 3, 4]
    assert {series.name for series in found.series} == set(STEPS)
    assert all([value.run for value in series.values] == [0, 1, 2, 3] for series in found.series)


def test_without_a_place_among_commits_the_start_orders(tmp_path: Path) -> None:
    store = tmp_path / "h.jsonl"
    history.add(store, encoded(document(5, depth=None, started_at="2026-02-02")))
    history.add(store, encoded(document(1, started_at="2026-03-03")))
    assert [run.started_at for run in history.load(store).runs] == ["2026-02-02", "2026-03-03"]


def test_a_run_is_added_once(tmp_path: Path) -> None:
    store = tmp_path / "h.jsonl"
    assert history.add(store, encoded(document(1))) and not history.add(store, encoded(document(1)))
    assert len(history.load(store).runs) == 1


def test_a_real_run_keeps_its_figures_and_leaves_out_details(tmp_path: Path) -> None:
    result = read(synthetic_run(tmp_path / "run"))
    commit = history.Commit("abc", 7, "Say why", True)
    store = tmp_path / "h.jsonl"
    history.add(store, history.line_of(result, commit, {"kernel": {"release": "6.1"}}))
    found = history.load(store)
    assert found.runs[0].commit == commit and found.runs[0].facts["kernel"]["release"] == "6.1"
    wanted = [r for r in result.of("metric", detail=False) if r["value"] is not None]
    assert sum(len(series.values) for series in found.series) == len(wanted)
    assert "cpu_user_ns_per_event" not in {series.metric for series in found.series}


@pytest.mark.parametrize("spoil", ("missing", "older", "garbage", "empty", "foreign"))
def test_the_index_is_made_anew_and_the_answer_is_the_same(tmp_path: Path, spoil: str) -> None:
    store = made_up(tmp_path / "h.jsonl", 6)
    history.load(store)
    if spoil == "missing":
        _index(store).unlink()
    elif spoil == "older":
        with open(store, "ab") as more:
            more.write(encoded(document(6)))
    elif spoil == "foreign":
        _index(store).unlink()
        sqlite3.connect(_index(store)).execute("CREATE TABLE meta (x)").connection.close()
    else:
        _index(store).write_bytes(b"rubbish" * 500 if spoil == "garbage" else b"")
    found = history.load(store)
    assert len(found.runs) == (7 if spoil == "older" else 6)
    assert found == history.load(store)
    assert list(tmp_path.glob(".h.jsonl*")) == []


def test_a_folder_that_cannot_be_written_costs_the_index_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = made_up(tmp_path / "h.jsonl", 3)

    def refuse(**_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(tempfile, "mkstemp", refuse)
    assert len(history.load(store).runs) == 3 and not _index(store).exists()


def test_a_torn_line_is_left_out_said_and_does_not_spoil_the_next(tmp_path: Path) -> None:
    store = made_up(tmp_path / "h.jsonl", 3)
    whole = store.read_bytes()
    for cut in (1, 200, len(encoded(document(2))) - 1):
        store.write_bytes(whole[:-cut])
        assert history.add(store, encoded(document(9)))
        found = history.load(store)
        complete = 3 if cut == 1 else 2
        assert len(found.runs) == complete + 1 and found.torn == 3 - complete


_WRITER = """
import sys
from pathlib import Path
from results import history
from results.testing_history import document, encoded
for number in range(int(sys.argv[2]), 100000):
    history.add(Path(sys.argv[1]), encoded(document(number)))
    print(number, flush=True)
"""


def test_kill_9_leaves_every_run_that_was_reported_as_added(tmp_path: Path) -> None:
    store = tmp_path / "h.jsonl"
    for first in (0, 1000, 2000):
        words = [sys.executable, "-c", _WRITER, str(store), str(first)]
        environment = {**os.environ, "PYTHONPATH": str(_ROOT)}
        with subprocess.Popen(words, stdout=subprocess.PIPE, env=environment, text=True) as writer:
            assert writer.stdout is not None
            told = [int(writer.stdout.readline()) for _ in range(5)]
            writer.send_signal(signal.SIGKILL)
        kept = {json.loads(line)["depth"] - 1 for line in store.read_bytes().splitlines()}
        assert set(told) <= kept
    assert len(history.load(store).runs) >= 15


@pytest.mark.parametrize(
    ("content", "said"),
    (
        (b"", None),
        (b"not json\n", "not a history"),
        (b'{"schema":"kvb.result","record":"run"}\n', "not a history"),
        (b"\x00\xff\xfe\n", "not a history"),
        (b"[" * 100_000 + b"\n", "not a history"),
        (encoded(document(0, schema_version="2.0")), "newer Kevbench"),
        (encoded(document(0, schema_version="x")), "not MAJOR.MINOR"),
        (encoded(document(0, figures="many")), "no usable figures"),
        (encoded(document(0, figures=[1, 2])), "no usable figures"),
        (encoded(document(0, run_id=7)), "no usable run_id"),
        (encoded(document(0, facts=[])), "no usable facts"),
    ),
)
def test_a_foreign_newer_or_damaged_store_is_refused_in_a_line(
    tmp_path: Path, content: bytes, said: str | None
) -> None:
    store = tmp_path / "h.jsonl"
    store.write_bytes(content)
    if said is None:
        assert history.load(store).runs == ()
        return
    with pytest.raises(ResultsError, match=said) as caught:
        history.load(store)
    assert "\n" not in str(caught.value) and list(tmp_path.glob(".h*")) == []
    before = store.read_bytes()
    with pytest.raises(ResultsError):
        history.add(store, encoded(document(5)))
    assert store.read_bytes() == before


def test_numbers_that_are_none_and_absurd_ones_do_not_pass_for_figures(tmp_path: Path) -> None:
    store = tmp_path / "h.jsonl"
    rows = document(1)["figures"]
    rows[0] |= {"value": "1; DROP TABLE run", "lo": None}
    rows[1] |= {"value": True}
    rows[2] |= {"value": 10**400}
    rows[3] |= {"value": 1e300}
    store.write_bytes(encoded(document(0)) + encoded(document(1, figures=rows, depth="x")))
    counts = {series.name: len(series.values) for series in history.load(store).series}
    assert sorted(counts.values()) == [1, 1, 1, 2]
    store.write_bytes(encoded(document(0)) + b'{"schema":"kvb.history","value":NaN}\n')
    assert history.load(store).torn == 1


def test_a_missing_store_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(ResultsError, match="kevbench history add"):
        history.load(tmp_path / "none.jsonl")
