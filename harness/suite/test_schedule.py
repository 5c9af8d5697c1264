# SPDX-License-Identifier: MIT
from __future__ import annotations

import threading

import pytest

from harness.suite.outcome import Outcome
from harness.suite.schedule import Ended, Job, run

_LIMIT_S = 30.0


def _passing() -> Outcome:
    return Outcome(passed=1)


def _names(ended: list[Ended]) -> list[str]:
    return [each.name for each in ended]


def test_jobs_end_in_the_order_given() -> None:
    begun: list[str] = []
    jobs = [Job(name, _passing) for name in ("one", "two", "three")]
    assert _names(list(run(jobs, begun.append))) == ["one", "two", "three"]
    assert begun == ["one", "two", "three"]


def test_the_next_job_does_not_wait_for_one_beside_it() -> None:
    go = threading.Event()

    def slow() -> Outcome:
        return Outcome(passed=1) if go.wait(_LIMIT_S) else Outcome(failed=1)

    def release() -> Outcome:
        go.set()
        return _passing()

    ended = list(run([Job("slow", slow, beside=True), Job("next", release)], lambda _: None))
    assert _names(ended) == ["next", "slow"]
    assert all(each.outcome.passed == 1 for each in ended)


def test_a_job_that_needs_the_machine_waits_for_those_beside() -> None:
    done = threading.Event()
    seen: list[bool] = []

    def slow() -> Outcome:
        done.set()
        return _passing()

    def quiet() -> Outcome:
        seen.append(done.is_set())
        return _passing()

    jobs = [Job("slow", slow, beside=True), Job("quiet", quiet, alone=True)]
    assert _names(list(run(jobs, lambda _: None))) == ["slow", "quiet"]
    assert seen == [True]


def test_what_a_job_beside_raises_is_not_lost() -> None:
    def broken() -> Outcome:
        raise ValueError("no such tool")

    with pytest.raises(ValueError, match="no such tool"):
        list(run([Job("broken", broken, beside=True), Job("next", _passing)], lambda _: None))
