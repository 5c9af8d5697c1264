# SPDX-License-Identifier: MIT
import multiprocessing
import os
from functools import partial

import pytest

from plots.together import carry_out


#: Longest that one process waits for another one, which takes milliseconds.
_LIMIT_S = 60.0
_CONTEXT = multiprocessing.get_context("fork")


def test_results_are_in_the_order_of_the_tasks_whoever_ends_first() -> None:
    seen, others_ended = os.getpid(), _CONTEXT.Event()

    def first() -> bytes:
        assert others_ended.wait(_LIMIT_S)
        return f"0 {os.getppid()}".encode()

    def other(number: int) -> bytes:
        if number == 19:
            others_ended.set()
        return f"{number} {os.getppid()}".encode()

    wanted = [f"{number} {seen}".encode() for number in range(20)]
    assert carry_out([first, *(partial(other, n) for n in range(1, 20))], 3) == wanted
    assert carry_out([partial(other, 0)], 8) == wanted[:1] and carry_out([]) == []


def test_no_process_waits_for_another_one_with_a_long_task() -> None:
    last_began = _CONTEXT.Event()

    def long() -> bytes:
        assert last_began.wait(_LIMIT_S)
        return str(os.getpid()).encode()

    def short(last: bool) -> bytes:
        if last:
            last_began.set()
        return str(os.getpid()).encode()

    first, *others = carry_out([long, *(partial(short, n == 8) for n in range(9))], 2)
    assert len(others) == 9 and first not in others


def test_what_a_task_raises_is_raised_here() -> None:
    def broken() -> bytes:
        raise ValueError("no such font")

    with pytest.raises(ValueError, match="no such font"):
        carry_out([lambda: b"", broken, lambda: b""], 2)


def test_a_process_that_dies_is_no_endless_wait() -> None:
    with pytest.raises(RuntimeError, match="died"):
        carry_out([lambda: b"", lambda: os._exit(3)], 2)
