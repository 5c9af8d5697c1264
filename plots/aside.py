# SPDX-License-Identifier: MIT
"""Two halves of a report at once: work that goes on in a process of its own."""

import multiprocessing
from collections.abc import Callable
from multiprocessing.connection import Connection
from types import TracebackType


class Aside:
    """Bytes made by a forked child, which sees everything that is there when it starts.

    Used as a context manager, by one thread: leaving it ends the child.
    """

    def __init__(self, work: Callable[[], bytes]) -> None:
        # Forked, since drawings hold functions, which cannot be sent.
        context = multiprocessing.get_context("fork")
        self._receiver, sender = context.Pipe(duplex=False)
        self._child = context.Process(target=_carry_out, args=(work, sender), daemon=True)
        self._child.start()
        # The child's copy alone keeps the pipe open, so its death ends result().
        sender.close()

    def __enter__(self) -> "Aside":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._child.kill()
        self._child.join()
        self._receiver.close()

    def result(self) -> bytes:
        """Waits for the bytes. Raises what the child raised, RuntimeError when it died."""
        try:
            found = self._receiver.recv()
        except EOFError:
            raise RuntimeError("the process that drew half of the report died") from None
        if isinstance(found, BaseException):
            raise found
        assert isinstance(found, bytes)
        return found


def _carry_out(work: Callable[[], bytes], sender: Connection) -> None:
    try:
        sender.send(work())
    except Exception as problem:
        sender.send(problem)
