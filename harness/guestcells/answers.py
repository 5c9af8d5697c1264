# SPDX-License-Identifier: MIT
"""Reads what the guest sends: answers as lines of JSON, in pieces, perhaps cut off."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

Answer = dict[str, Any]


class AnswerStream:
    """Takes the guest's output as it comes, keeps it in a file, and hands out whole answers.

    The file is written before an answer is looked at, each piece by one write() on a descriptor
    that appends, so what a guest said is not lost however this process or the guest ends. One
    thread only.
    """

    def __init__(self, path: Path, receive: Callable[[Answer], None]) -> None:
        self._file = path.open("ab", buffering=0)
        self._receive = receive
        self._pending = b""
        #: Lines that were no answer: cut off by the end of a process.
        self.torn = 0

    def feed(self, data: bytes) -> None:
        """Takes the next piece."""
        self._file.write(data)
        *whole, self._pending = (self._pending + data).split(b"\n")
        for line in whole:
            self._take(line)

    def _take(self, line: bytes) -> None:
        if not line.strip():
            return
        try:
            answer = json.loads(line)
            known = isinstance(answer, dict) and "id" in answer and "ok" in answer
        except (ValueError, RecursionError):
            known = False
        if known:
            self._receive(answer)
        else:
            self.torn += 1

    def close(self) -> None:
        """Closes the file; a line without its end is dropped."""
        self.torn += bool(self._pending.strip())
        self._pending = b""
        self._file.close()
