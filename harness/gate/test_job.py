# SPDX-License-Identifier: MIT
"""Whole jobs on stand-in workers whose costs are known."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness.catalogue import load_from
from harness.controller.interrupt import Interrupt, Interrupted
from harness.controller.recorder import Recorder
from harness.environment.collect import host_place
from harness.errors import INCONCLUSIVE as STATUS_INCONCLUSIVE
from harness.errors import INVALID as STATUS_INVALID
from harness.errors import OK, REGRESSED as STATUS_REGRESSED
from harness.gate import builds
from harness.gate.builds import Programs, relink, same_code, tree_programs
from harness.gate.cells import BASE, CHANGE, HOST_CELLS, PROTOCOL
from harness.gate.job import Job
from harness.gate.records import verdict_fields
from harness.gate.revision import Exemption
from harness.gate.rows import Row, Stage, status, worst
from harness.gate.show import last_line, stage_lines
from harness.gate.timing import Timer
from harness.stats.verdict import EQUIVALENT, IMPROVED, INCONCLUSIVE, INVALID, REGRESSED
from harness.worker import Worker
from results import validate
from results.identity import new_run_id
from results.writer import ResultWriter

SHORT = replace(PROTOCOL, pairs=8, blocks=2, warmup_slices=1, spare_pairs=0)


@pytest.fixture(autouse=True)
def quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    """The scatter of a quiet machine, so that short rounds resolve the bands."""
    monkeypatch.setenv("KVB_FAKE_NOISE", "0.006")


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[ResultWriter]:
    with ResultWriter(tmp_path / "results.jsonl", new_run_id()) as opened:
        yield opened


def _job(
    fake: Path, writer: ResultWriter, environments: Mapping[str, Mapping[str, str]], **more: Any
) -> Job:
    timer = Timer(Recorder(writer, host_place()), Interrupt(), 5, lambda text: None)
    programs = {label: Programs(fake, None) for label in (BASE, CHANGE)}
    catalogues = {label: load_from(fake) for label in (BASE, CHANGE)}
    job = Job(programs, catalogues, HOST_CELLS[:1], timer, lambda text: None, SHORT, 8)
    for name, value in {"stages": (1, 4, 5), "environments": environments, **more}.items():
        setattr(job, name, value)
    return job


def _states(stages: list[Stage]) -> list[str]:
    return [stage.state for stage in stages]


def test_the_same_program_twice_is_equal_without_being_run(
    fake_worker: Path, writer: ResultWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("harness.gate.job.same_code", lambda *paths: True)
    stages = _job(fake_worker, writer, {}).run()
    assert _states(stages) == [EQUIVALENT] * 3 and not any(stage.rows for stage in stages)
    assert status(stages) == OK and "same code" in stage_lines(stages[0])[0]


def test_a_slower_change_is_red_on_time_and_confirmed(
    fake_worker: Path, writer: ResultWriter
) -> None:
    job = _job(fake_worker, writer, {CHANGE: {"KVB_FAKE_FACTOR": "1.2"}})
    stages = job.run()
    assert _states(stages) == [EQUIVALENT, REGRESSED, REGRESSED]
    assert status(stages) == STATUS_REGRESSED and job.timed_rows == 2
    red = stages[1].rows[0]
    assert red.percent == pytest.approx(20, abs=4)
    assert red.confirmed_by == "new processes and the same link order"
    assert "confirmed by" in "\n".join(stage_lines(stages[1]))
    assert last_line(stages).startswith(f"gate: regressed: {red.case} cpu_ns_per_event and 1 more")
    for stage in stages:
        for row in stage.rows:
            writer.append("verdict", verdict_fields(stage, row, host_place(), job.timer.data))
    lines = writer.path.read_text().splitlines()

    assert validate.check_records(json.loads(line) for line in lines) == len(lines)


def test_a_trailer_lets_times_pass_but_shows_them(fake_worker: Path, writer: ResultWriter) -> None:
    job = _job(
        fake_worker,
        writer,
        {CHANGE: {"KVB_FAKE_FACTOR": "1.2"}},
        exemptions=[Exemption("idle_scan", "close detection")],
        stages=(4,),
    )
    stages = job.run()
    assert status(stages) == OK
    assert stages[0].rows[0].state == REGRESSED
    assert "let pass, Perf-Exempt: close detection" in "\n".join(stage_lines(stages[0]))


def test_a_red_count_spares_the_time_stages_unless_forced(
    fake_worker: Path, writer: ResultWriter
) -> None:
    stages = _job(fake_worker, writer, {CHANGE: {"KVB_FAKE_CALLS": "1"}}).run()
    assert stages[0].state == REGRESSED and "--force-time" in str(stages[1].note)
    assert status(stages) == STATUS_REGRESSED


def test_unequal_work_is_invalid_and_has_no_number(fake_worker: Path, writer: ResultWriter) -> None:
    job = _job(fake_worker, writer, {CHANGE: {"KVB_FAKE_UNEQUAL": "epoll+lt"}}, stages=(4, 5))
    stages = job.run()
    assert _states(stages) == [INVALID, INVALID] and status(stages) == STATUS_INVALID
    row = stages[0].rows[0]
    assert row.percent is None and row.base is None and "unequal work" in str(row.reason)


def test_a_worker_that_dies_is_invalid(fake_worker: Path, writer: ResultWriter) -> None:
    job = _job(fake_worker, writer, {CHANGE: {"KVB_FAKE_DIE": "epoll+lt"}}, stages=(4,))
    stages = job.run()
    assert stages[0].state == INVALID and "made to die" in str(stages[0].rows[0].reason)


def test_a_round_is_not_extended_past_its_deadline(
    fake_worker: Path, writer: ResultWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KVB_FAKE_NOISE", "0.2")
    job = _job(fake_worker, writer, {CHANGE: {"KVB_FAKE_FACTOR": "1"}}, stages=(4,))
    job.timer.deadline = 0.0
    stages = job.run()
    assert _states(stages) == [INCONCLUSIVE] and job.timer.out_of_time
    assert stages[0].rows[0].pairs == SHORT.pairs


def test_the_worst_row_names_the_stage_and_red_beats_invalid() -> None:
    assert worst([EQUIVALENT, INVALID, REGRESSED]) == REGRESSED
    assert worst([IMPROVED, INCONCLUSIVE]) == INCONCLUSIVE
    assert worst([]) == "skipped"
    stage = Stage(4, "CPU time", [Row("c", "cpu_ns_per_event", INCONCLUSIVE)])
    assert status([stage]) == STATUS_INCONCLUSIVE and status([Stage(3, "guest")]) == OK


def test_relinked_workers_run_and_are_laid_out_anew() -> None:
    programs = tree_programs()
    if programs.folder is None:
        pytest.skip("the worker was named by an environment variable")
    first, second = relink(programs, "test", 2, 1)
    assert not same_code(first, second) and not same_code(first, programs.worker)
    with Worker(first, {}) as worker:
        assert worker.ask(do="about")["optimized"]


def test_symbols_and_build_identity_are_no_difference(tmp_path: Path) -> None:
    programs = tree_programs()
    copy = tmp_path / "worker"
    copy.write_bytes(programs.worker.read_bytes())
    stripped = tmp_path / "stripped"
    words = ["objcopy", "--strip-debug", str(copy), str(stripped)]
    assert builds.run_logged(words, tmp_path / "log", 60) == ""
    assert copy.read_bytes() != stripped.read_bytes() and same_code(copy, stripped)
    assert not same_code(copy, Path("/bin/true")) and not same_code(tmp_path, tmp_path)


def _void(check: str) -> Row:
    failed = {"name": check, "state": "failed", "text": "so it is", "value": None}
    return Row("c", "cpu_ns_per_event", INVALID, checks=(failed,))


def test_a_disturbed_machine_leaves_the_gate_inconclusive_and_a_fault_makes_it_invalid() -> None:
    for check, wanted in (
        ("stationarity", STATUS_INCONCLUSIVE),
        ("timer", STATUS_INCONCLUSIVE),
        ("equal work", STATUS_INVALID),
        ("alive", STATUS_INVALID),
    ):
        assert status([Stage(4, "CPU time", [_void(check)])]) == wanted, check
    assert _void("stationarity").state == INVALID


def test_a_limit_of_time_ends_the_job_between_two_steps(
    fake_worker: Path, writer: ResultWriter
) -> None:
    job = _job(fake_worker, writer, {CHANGE: {"KVB_FAKE_FACTOR": "1"}})
    job.timer.interrupt.ends_at = 0.0
    with pytest.raises(Interrupted):
        job.run()
    assert job.timer.interrupt.out_of_time and job.timer.interrupt.seconds_left(9.0) == 1.0
