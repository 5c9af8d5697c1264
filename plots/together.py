# SPDX-License-Identifier: MIT
"""Pieces of a report made by as many processes as there are processors."""

import gc
import multiprocessing
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from multiprocessing.connection import Connection, wait
from typing import Any

Task = Callable[[], bytes]

#: Looking for cycles at Python's own pace takes a fifth of the time of drawing and a third of that of
#: reading.
_GARBAGE = (100_000, 50, 50)


def carry_out(tasks: Sequence[Task], processes: int | None = None) -> list[bytes]:
    """The results of all tasks, in their order; as many processes as may run here unless given.

    Each process takes the next task that is left, so the longest should come first. The processes
    are forked and see everything that is there when they start. Raises what a task raises, and
    RuntimeError when a process died.
    """
    wanted = len(os.sched_getaffinity(0)) if processes is None else processes
    found: dict[int, bytes] = {}
    # Forked, since drawings hold functions, which cannot be sent.
    context = multiprocessing.get_context("fork")
    turn = context.Value("q", 0)
    with ExitStack() as stack:
        open_ends: set[Connection] = set()
        gc.freeze()  # a child that looked at what it inherited would copy it
        stack.callback(gc.unfreeze)
        for _ in range(max(1, min(wanted, len(tasks)))):
            receiver, sender = context.Pipe(duplex=False)
            child = context.Process(target=_work, args=(tasks, turn, sender), daemon=True)
            child.start()
            # The child's copy alone keeps the pipe open, so its death ends the wait.
            sender.close()
            open_ends.add(receiver)
            stack.callback(receiver.close)
            stack.callback(child.join)
            stack.callback(child.kill)
        while open_ends:
            for end in wait(list(open_ends)):
                assert isinstance(end, Connection)
                try:
                    number, result = end.recv()
                except EOFError:
                    open_ends.discard(end)
                    continue
                if isinstance(result, BaseException):
                    raise result
                found[number] = result
    if len(found) != len(tasks):
        raise RuntimeError("a process that drew a part of the report died")
    return [found[number] for number in range(len(tasks))]


@contextmanager
def rare_garbage() -> Iterator[None]:
    """Looks for cycles seldom: reading and drawing make millions of objects and few cycles."""
    before = gc.get_threshold()
    gc.set_threshold(*_GARBAGE)
    try:
        yield
    finally:
        gc.set_threshold(*before)


def _work(tasks: Sequence[Task], turn: Any, sender: Connection) -> None:
    while True:
        with turn.get_lock():
            number = int(turn.value)
            turn.value = number + 1
        if number >= len(tasks):
            return
        try:
            sender.send((number, tasks[number]()))
        except Exception as problem:
            sender.send((number, problem))
            return
