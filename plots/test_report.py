# SPDX-License-Identifier: MIT
"""Writing a report: the same bytes each time, whole files, errors that say what to do."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from plots import __main__, headline, report, testing
from plots.load import load
from results.errors import ResultsError
from results.testing import synthetic_run

_ROOT = Path(__file__).resolve().parent.parent


def _in_another_process(run: Path, seed: str) -> tuple[bytes, bytes]:
    words = [sys.executable, "-m", "plots", str(run)]
    environment = {**os.environ, "PYTHONHASHSEED": seed, "TZ": f"UTC+{seed}"}
    subprocess.run(words, cwd=_ROOT, env=environment, check=True, capture_output=True, timeout=300)
    return (run / "report.html").read_bytes(), (run / "report.pdf").read_bytes()


def test_the_same_data_gives_the_same_bytes_in_any_process(run_dir: Path, tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "elsewhere" / "second"
    shutil.copytree(run_dir, first)
    shutil.copytree(run_dir, second)
    assert _in_another_process(first, "1") == _in_another_process(second, "7")


def test_only_the_two_files_are_added(bare_dir: Path, tmp_path: Path) -> None:
    made = shutil.copytree(bare_dir, tmp_path / "run")
    before = {path.name for path in made.iterdir()}
    paths = report.render(made)
    assert {path.name for path in made.iterdir()} - before == {path.name for path in paths}
    assert [path.name for path in paths] == ["report.html", "report.pdf"]


def test_a_report_that_cannot_be_replaced_leaves_no_draft(
    bare_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = shutil.copytree(bare_dir, tmp_path / "run")
    before = {path.name for path in made.iterdir()}

    def refuse(source: object, target: object) -> None:
        raise OSError(28, "No space left on device", str(target))

    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(OSError):
        report.render(made)
    assert {path.name for path in made.iterdir()} == before


@pytest.mark.parametrize(
    ("content", "said"),
    (
        (None, "holds no results.jsonl"),
        ("", "is empty"),
        ("not json\n", "not a Kevbench result file"),
        ('{"record": "run", "value": NaN}\n', "not a Kevbench result file"),
    ),
)
def test_data_that_cannot_be_read_end_in_one_line_and_status_4(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: str | None, said: str
) -> None:
    if content is not None:
        (tmp_path / "results.jsonl").write_text(content)
    assert __main__.main([str(tmp_path)]) == 4
    told = capsys.readouterr()
    assert said in told.err and told.err.count("\n") == 1 and not told.out
    assert not list(tmp_path.glob("report.*")) and not list(tmp_path.glob(".report*"))


def test_not_a_number_among_the_records_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def change(records: list[testing.Record]) -> list[testing.Record]:
        next(r for r in records if r["record"] == "metric")["value"] = float("nan")
        return records

    made = testing.rewrite(synthetic_run(tmp_path / "run"), change)
    assert __main__.main([str(made)]) == 4
    assert "is damaged" in capsys.readouterr().err


def test_a_report_can_be_confined_to_a_workload_and_then_leaves_no_cell_out(
    run_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(headline, "MOST_CELLS", 1)
    made = shutil.copytree(run_dir, tmp_path / "run")
    page, document = report.render(made, workloads=["idle_scan"])
    assert (page.name, document.name) == ("report-idle_scan.html", "report-idle_scan.pdf")
    assert not (made / "report.html").exists()
    shown = page.read_text()
    assert "Confined to idle_scan" in shown and "tcp_rr, " not in shown
    assert "no panel" not in shown
    with pytest.raises(ResultsError, match="nonsense was not measured in this run: name one of"):
        report.render(made, workloads=["nonsense"])


def test_of_many_cells_every_workload_has_some(run_dir: Path) -> None:
    run = load(run_dir)
    order = headline.cell_order(row.cell for row in run.rows)
    names = list(dict.fromkeys(cell.workload for cell in order))
    shown = headline.spread(run, order, len(names) + 1)
    assert len(shown) == len(names) + 1 and {cell.workload for cell in shown} == set(names)
    assert shown == [cell for cell in order if cell in shown]
    assert headline.spread(run, order) == order[: headline.MOST_CELLS]
    left = len(order) - len(shown)
    (words,) = headline.note(order, shown)
    assert words.startswith(f"{left} further cells have no panel")
