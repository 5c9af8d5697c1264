# SPDX-License-Identifier: MIT
"""Runs stages one after the other, and beside them those that can wait for a core.

A stage that is marked `beside` starts in its turn and the next ones do not wait for it. It is waited
for before a stage that needs the machine alone, and at the end.
"""
from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

from harness.suite.outcome import Outcome


@dataclass(frozen=True)
class Job:
    """One stage as the schedule sees it."""

    name: str
    run: Callable[[], Outcome]
    beside: bool = False
    alone: bool = False


@dataclass(frozen=True)
class Ended:
    """A job that came to its end, with what it found and how long it took."""

    name: str
    outcome: Outcome
    seconds: float


def run(jobs: Iterable[Job], begun: Callable[[str], None]) -> Iterator[Ended]:
    """Yields every job as it ends; `begun` hears of each start. Not for use by several threads.

    What a job raises comes out here, once the jobs beside it have ended.
    """
    waiting: list[Future[Ended]] = []
    with ThreadPoolExecutor(max_workers=1) as pool:
        for job in jobs:
            if job.alone:
                yield from _collect(waiting)
            begun(job.name)
            if job.beside:
                waiting.append(pool.submit(_timed, job))
                continue
            yield _timed(job)
        yield from _collect(waiting)


def _collect(waiting: list[Future[Ended]]) -> Iterator[Ended]:
    while waiting:
        yield waiting.pop(0).result()


def _timed(job: Job) -> Ended:
    start = time.monotonic()
    outcome = job.run()
    return Ended(job.name, outcome, time.monotonic() - start)
