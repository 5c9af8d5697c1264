# SPDX-License-Identifier: MIT
"""The end of a run: what it reads again of the results."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.commands import run
from harness.errors import OK
from harness.measure import Outcome
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
