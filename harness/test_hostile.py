# SPDX-License-Identifier: MIT
"""Result files made to do harm: one line that refuses them, or a report that shows them safely."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from harness.cli import dispatch
from results.testing import synthetic_run

Change = Callable[[dict[str, Any]], None]
TAG = '<script>alert("x")</script><img src=x onerror=alert(1)>\'"&$\\frac{1}{0}$'


@dataclass(frozen=True)
class Done:
    """How a command ended."""

    returncode: int
    stdout: str
    stderr: str


def _command(*words: str) -> Done:
    """In this process, since a process of its own loads the figures' libraries anew each time."""
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        status = dispatch(words)
    return Done(status, out.getvalue(), err.getvalue())


@pytest.fixture(scope="module")
def lines(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """A small run: every kind of record, one cell, so that a report takes a second or two."""
    run = synthetic_run(tmp_path_factory.mktemp("hostile") / "run")
    kept = []
    for line in (run / "results.jsonl").read_text().splitlines():
        record = json.loads(line)
        case = str(record.get("case_key", ""))
        if not case or (case.startswith("idle_scan") and "registered=100/" in case):
            kept.append(line)
    return kept


def _write(folder: Path, lines: list[str], change: Change) -> Path:
    folder.mkdir(parents=True)
    with (folder / "results.jsonl").open("w") as output:
        for line in lines:
            record = json.loads(line)
            change(record)
            output.write(json.dumps(record) + "\n")
    return folder


def _refused(done: Done) -> str:
    """The one line of a refusal."""
    assert done.returncode == 4, (done.returncode, done.stdout[-300:], done.stderr[-2000:])
    said = done.stderr.strip().splitlines()
    assert len(said) == 1 and said[0].startswith("kevbench: "), done.stderr[-2000:]
    assert "Traceback" not in done.stderr
    return said[0]


def _rename(record: dict[str, Any]) -> None:
    for name in ("mechanism", "workload", "reason", "basis"):
        if isinstance(record.get(name), str):
            record[name] = f"{record[name]}{TAG}"
    if isinstance(record.get("params"), dict):
        record["params"] = {
            f"{key}{TAG}": f"{value}{TAG}" for key, value in record["params"].items()
        }
    for name in ("case_key", "side", "variant"):
        if isinstance(record.get(name), str):
            record[name] += TAG
    if record["record"] == "run":
        record["argv"] = [TAG]
        record["labels"] = {TAG: TAG}
    if record["record"] == "env":
        record["facts"] = {
            "kernel": {"release": TAG, "cmdline": TAG},
            "software": {"compiler": TAG},
        }


def test_tags_in_names_are_shown_as_text(tmp_path: Path, lines: list[str]) -> None:
    run = _write(tmp_path / "run", lines, _rename)
    done = _command("report", str(run))
    assert done.returncode == 0, done.stderr[-3000:]
    page = (run / "report.html").read_text()
    # Every piece of markup that could run is there as text alone.
    assert "<script>alert" not in page and "<img src=x" not in page
    assert "&lt;script&gt;alert" in page
    assert not re.search(r"<[a-zA-Z][^>]*\sonerror\s*=", page)
    assert (run / "report.pdf").read_bytes().startswith(b"%PDF")
    same = _command("compare", str(run), str(run), "--json")
    assert same.returncode in (0, 3), same.stderr
    assert json.loads(same.stdout)["status"] == same.returncode


def _metric(field: str, value: Any) -> Change:
    def change(record: dict[str, Any]) -> None:
        if record["record"] == "metric":
            record[field] = value

    return change


def _drop(kind: str, field: str) -> Change:
    def change(record: dict[str, Any]) -> None:
        if record["record"] == kind:
            record.pop(field, None)

    return change


@pytest.mark.parametrize(
    "change",
    [
        _metric("value", "12"),
        _metric("value", [1]),
        _metric("pair_values", {"a": 1}),
        _metric("interval", None),
        _metric("metric", "no_such_metric"),
        _metric("params", ["registered"]),
        _metric("checks", "passed"),
        _drop("metric", "workload"),
        _drop("metric", "value"),
        _drop("case", "params"),
        _drop("hist", "buckets"),
        _drop("env", "facts"),
        _drop("verdict", "state"),
        _drop("skip", "reason"),
    ],
)
def test_fields_of_another_type_or_none_never_crash_a_report(
    tmp_path: Path, lines: list[str], change: Change
) -> None:
    done = _command("report", str(_write(tmp_path / "run", lines, change)))
    if done.returncode != 0:
        assert "damaged" in _refused(done) or "cannot be used" in _refused(done)
    else:
        assert "Traceback" not in done.stderr


@pytest.mark.parametrize("value", [1e300, -1e300, 5e-324, 10**25, 0, -1])
def test_absurd_numbers_are_drawn_or_refused(
    tmp_path: Path, lines: list[str], value: float
) -> None:
    def change(record: dict[str, Any]) -> None:
        if record["record"] == "metric" and record["value"] is not None:
            record.update(value=value, lo=value, hi=value, pair_values=[value] * 8)

    run = _write(tmp_path / "run", lines, change)
    done = _command("report", str(run))
    if done.returncode != 0:
        _refused(done)
    else:
        assert "Traceback" not in done.stderr and (run / "report.pdf").stat().st_size > 0


@pytest.mark.parametrize("text", ["NaN", "Infinity", "-Infinity", "1e999", "9" * 6000])
def test_numbers_that_are_none_are_refused(tmp_path: Path, lines: list[str], text: str) -> None:
    spoilt = [
        re.sub(r'"value":[-0-9.e+]+', f'"value":{text}', line)
        if '"record":"metric"' in line
        else line
        for line in lines
    ]
    assert spoilt != lines
    (tmp_path / "results.jsonl").write_text("\n".join(spoilt) + "\n")
    for verb in (("report", str(tmp_path)), ("compare", str(tmp_path), str(tmp_path))):
        assert "damaged" in _refused(_command(*verb))


def test_a_file_cut_anywhere_is_reported_up_to_there_or_refused(
    tmp_path: Path, lines: list[str]
) -> None:
    whole = "\n".join(lines) + "\n"
    for number, share in enumerate((0.001, 0.3, 0.999)):
        folder = tmp_path / str(number)
        folder.mkdir()
        (folder / "results.jsonl").write_text(whole[: int(len(whole) * share)])
        done = _command("report", str(folder))
        assert "Traceback" not in done.stderr
        if done.returncode != 0:
            _refused(done)
        else:
            assert "cut off" in done.stderr


def test_another_programs_file_and_a_newer_one_are_refused(
    tmp_path: Path, lines: list[str]
) -> None:
    (tmp_path / "results.jsonl").write_text('{"context": {}, "benchmarks": []}\n')
    assert "not a Kevbench result file" in _refused(
        _command("compare", str(tmp_path), str(tmp_path))
    )
    newer = [line.replace('"schema_version":"1.0"', '"schema_version":"9.0"') for line in lines]
    (tmp_path / "results.jsonl").write_text("\n".join(newer) + "\n")
    assert "newer" in _refused(_command("report", str(tmp_path)))
