# SPDX-License-Identifier: MIT
"""Talking to a worker that answers, refuses, dies, hangs or talks nonsense."""

from __future__ import annotations

import os
import random
from pathlib import Path
from typing import Any

import pytest

from harness.worker import PADDING_LIMIT, Worker, WorkerDied, WorkerRefused, padded_environment

OPEN: dict[str, Any] = {
    "do": "open",
    "workload": "idle_scan",
    "mechanism": "epoll",
    "variant": "lt",
    "params": {"registered": "10", "source": "eventfd"},
}


def _script(path: Path, body: str) -> Path:
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    return path


def test_a_worker_opens_measures_and_ends(fake_worker: Path) -> None:
    with Worker(fake_worker, dict(os.environ)) as worker:
        assert worker.ask(**OPEN)["case_key"] == "idle_scan/epoll+lt/registered=10/source=eventfd"
        assert worker.ask(do="slice", operations=100, timed=False)["ops"] == 100


def test_a_refusal_keeps_its_kind_and_the_worker(fake_worker: Path) -> None:
    with Worker(fake_worker, dict(os.environ)) as worker:
        many: dict[str, Any] = {
            **OPEN,
            "mechanism": "select",
            "variant": "select",
            "params": {"registered": "2000"},
        }
        with pytest.raises(WorkerRefused, match="descriptor limit") as caught:
            worker.ask(**many)
        assert caught.value.kind == "skipped"
        assert worker.ask(**OPEN)["ok"]


def test_a_death_is_told_with_the_last_words(fake_worker: Path) -> None:
    environment = {**os.environ, "KVB_FAKE_DIE": "epoll+lt"}
    with Worker(fake_worker, environment) as worker:
        worker.ask(**OPEN)
        with pytest.raises(WorkerDied, match="ended with status 7: made to die for a test"):
            for _ in range(3):
                worker.ask(do="slice", operations=10, timed=False)


def test_a_worker_that_hangs_is_ended(fake_worker: Path) -> None:
    environment = {**os.environ, "KVB_FAKE_MUTE": "epoll+lt"}
    with Worker(fake_worker, environment) as worker:
        worker.ask(**OPEN)
        with pytest.raises(WorkerDied, match="did not answer within 0.2 s"):
            worker.ask(deadline_s=0.2, do="slice", operations=10, timed=False)


def test_nonsense_is_not_taken_for_an_answer(tmp_path: Path) -> None:
    program = _script(tmp_path / "nonsense", "read line; echo hello; read line")
    with Worker(program, dict(os.environ)) as worker:
        with pytest.raises(WorkerDied, match="not the protocol"):
            worker.ask(do="open")


def test_a_signal_and_a_missing_program_are_named(tmp_path: Path) -> None:
    with Worker(_script(tmp_path / "suicide", "kill -9 $$"), dict(os.environ)) as worker:
        with pytest.raises(WorkerDied, match="signal 9"):
            worker.ask(do="open")
    with pytest.raises(WorkerDied, match="cannot start absent"):
        Worker(tmp_path / "absent", dict(os.environ))


def test_the_environment_is_padded_by_a_random_amount() -> None:
    sizes = {len(padded_environment(random.Random(seed))["KEVBENCH_PADDING"]) for seed in range(50)}
    assert len(sizes) > 40 and 0 <= min(sizes) and max(sizes) <= PADDING_LIMIT
