# SPDX-License-Identifier: MIT
"""Ctrl-C, or a limit of time, that keeps what was measured."""

from __future__ import annotations

import signal
import time
from types import FrameType, TracebackType


class Interrupted(Exception):
    """The user asked to stop, or time is up; raised between slices, never inside one."""


class Interrupt:
    """While entered, the first SIGINT or SIGTERM asks for a stop and the second one ends at once."""

    def __init__(self) -> None:
        self.requested = False
        #: Moment of the monotonic clock from which on time is up.
        self.ends_at = float("inf")
        self._before: dict[int, object] = {}

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self.requested:
            raise KeyboardInterrupt
        self.requested = True

    @property
    def out_of_time(self) -> bool:
        """Whether the limit has passed."""
        return time.monotonic() >= self.ends_at

    @property
    def due(self) -> bool:
        """Whether to stop at the next occasion."""
        return self.requested or self.out_of_time

    def check(self) -> None:
        """Raises Interrupted once a stop was asked for or time is up."""
        if self.due:
            raise Interrupted

    def seconds_left(self, most: float) -> float:
        """What is left of the limit, at most so much and never less than a second."""
        return max(1.0, min(most, self.ends_at - time.monotonic()))

    def __enter__(self) -> Interrupt:
        for number in (signal.SIGINT, signal.SIGTERM):
            self._before[number] = signal.signal(number, self._note)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]
