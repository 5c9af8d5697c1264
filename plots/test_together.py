# SPDX-License-Identifier: MIT
import os
import time

import pytest

from plots.together import Task, carry_out


def test_results_are_in_the_order_of_the_tasks_whoever_made_them() -> None:
    seen = os.getpid()

    def task(number: int) -> Task:
        def work() -> bytes:
            time.sleep(0.02 if number % 3 == 0 else 0.0)
            return f"{number} {seen} {os.getppid()}".encode()

        return work

    wanted = [f"{number} {seen} {seen}".encode() for number in range(20)]
    assert carry_out([task(number) for number in range(20)], 3) == wanted
    assert carry_out([task(0)], 8) == wanted[:1] and carry_out([]) == []


def test_no_process_waits_for_another_one_with_a_long_task() -> None:
    def process(seconds: float) -> bytes:
        time.sleep(seconds)
        return str(os.getpid()).encode()

    tasks: list[Task] = [lambda: process(0.5), *[lambda: process(0.0)] * 9]
    first, *others = carry_out(tasks, 2)
    assert set(others) and first not in others


def test_what_a_task_raises_is_raised_here() -> None:
    def broken() -> bytes:
        raise ValueError("no such font")

    with pytest.raises(ValueError, match="no such font"):
        carry_out([lambda: b"", broken, lambda: b""], 2)


def test_a_process_that_dies_is_no_endless_wait() -> None:
    with pytest.raises(RuntimeError, match="died"):
        carry_out([lambda: b"", lambda: os._exit(3)], 2)
