# SPDX-License-Identifier: MIT
"""Progress: a bar on a terminal, plain lines in a log, nothing when quiet."""

from __future__ import annotations

import shutil
import sys
import time
from typing import TextIO

_REDRAW_S = 0.1
_LINE_EVERY_S = 10.0


class Progress:
    """Share of planned seconds done. Not thread-safe."""

    def __init__(self, total: float, stream: TextIO | None = None, quiet: bool = False) -> None:
        self._stream = sys.stderr if stream is None else stream
        self._total = max(total, 1e-9)
        self._done = 0.0
        self._bar = not quiet and self._stream.isatty()
        self._quiet = quiet
        self._start = time.monotonic()
        self._drawn = self._start - _LINE_EVERY_S

    def advance(self, amount: float, text: str) -> None:
        """Adds planned seconds and shows what was done last."""
        self._done = min(self._total, self._done + amount)
        self.show(text)

    def show(self, text: str, ahead: float = 0.0) -> None:
        """Draws, but not more often than an eye or a log can use.

        `ahead` are planned seconds of the present cell that are done but not yet added.
        """
        moment = time.monotonic()
        wait = _REDRAW_S if self._bar else _LINE_EVERY_S
        if self._quiet or moment - self._drawn < wait:
            return
        self._drawn = moment
        share = min(1.0, (self._done + ahead) / self._total)
        elapsed = moment - self._start
        if not self._bar:
            print(f"[{elapsed:6.0f} s, {100 * share:3.0f} %] {text}", file=self._stream, flush=True)
            return
        columns = shutil.get_terminal_size().columns
        filled = int(20 * share)
        line = f"[{'#' * filled}{'.' * (20 - filled)}] {100 * share:3.0f} % {text}"
        print("\r\x1b[K" + line[: columns - 1], end="", file=self._stream, flush=True)

    def message(self, text: str) -> None:
        """A line that stays."""
        if self._bar:
            print("\r\x1b[K", end="", file=self._stream)
        print(text, file=self._stream, flush=True)

    def finish(self) -> None:
        """Removes the bar."""
        if self._bar:
            print("\r\x1b[K", end="", file=self._stream, flush=True)
