# SPDX-License-Identifier: MIT
"""The end of a run: what it reads again of the results."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.commands import run
from harness.errors import FAILED, OK
from harness.measure import Outcome
from plots import testing
from results import reader
from results.testing import synthetic_run


def test_the_end_of_a_run_parses_none_of_the_records_that_a_full_run_has_millions_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    made = synthetic_run(tmp_path / "run")
    parsed: list[str] = []
    whole = reader.parse

    def parse(line: str) -> reader.Record:
        record = whole(line)
        parsed.append(str(record["record"]))
        return record

    monkeypatch.setattr(reader, "parse", parse)
    # The report reads by itself, slices by the compiled module.
    monkeypatch.setattr(run, "draw", lambda directory: (directory / "a", directory / "b"))
    assert run.finish(Outcome(made, "made-up"), as_json=False) == OK
    assert "metric" in parsed and not reader.RAW & set(parsed)
    assert "epoll" in capsys.readouterr().out


def test_a_variant_that_failed_is_told_from_those_left_out_and_fails_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail_one(records: list[testing.Record]) -> list[testing.Record]:
        first = next(one for one in records if one["record"] == "skip")
        first.update(kind="failed", reason="an event was lost, so the run is void")
        return records

    made = testing.rewrite(synthetic_run(tmp_path / "run"), fail_one)
    monkeypatch.setattr(run, "draw", lambda directory: ())
    assert run.finish(Outcome(made, "made-up"), as_json=False) == FAILED
    said = capsys.readouterr()
    skipped, _, failed = said.out.partition("failed:\n")
    assert "kevent+get: an event was lost, so the run is void" in failed
    assert "an event was lost" not in skipped and "kevent+mapped: kevent.ko" in skipped
    assert said.err.splitlines() == [
        "kevbench: kevent+get in idle_scan failed and has no figures: "
        "an event was lost, so the run is void"
    ]
