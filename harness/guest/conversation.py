# SPDX-License-Identifier: MIT
"""Follows the stream of one guest: passes its output on, stores its results, keeps its verdicts."""

import os
import re
import time
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from harness.guest import console
from harness.guest.transport import Frame, FrameReader, ProtocolError

Sink = Callable[[bytes], None]


class Conversation:
    """What one guest has said so far. One thread only.

    `out_dir` None drops the result files. Call `close` at the end, also of a broken stream.
    """

    def __init__(self, stdout: Sink, stderr: Sink, out_dir: Path | None) -> None:
        self._sinks = {Frame.STDOUT: stdout, Frame.STDERR: stderr}
        self._out_dir = out_dir
        self._reader = FrameReader()
        self._file: BinaryIO | None = None
        self._file_left = 0
        self.ready_at: float | None = None
        self.release = ""
        self.ending: tuple[Frame, int] | None = None
        self.taint: int | None = None
        self.fault = ""
        self.kernel_log: list[bytes] = []
        self.results: list[str] = []
        self.ended = False

    def receive(self, data: bytes) -> bool:
        """Takes the next piece of the stream; True when the guest has said its last word."""
        for frame, payload in self._reader.feed(data):
            self._handle(frame, payload)
        return self.ended

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    def _handle(self, frame: Frame, payload: bytes) -> None:
        if frame in self._sinks:
            self._sinks[frame](payload)
        elif frame is Frame.READY:
            self.ready_at = time.monotonic()
            self.release = payload.decode().partition("\n")[0]
        elif frame in (Frame.EXITED, Frame.SIGNALED):
            self.ending = frame, int(payload)
        elif frame is Frame.KMSG:
            self.kernel_log.append(payload)
        elif frame is Frame.TAINT:
            self.taint = int(payload)
        elif frame is Frame.FAULT:
            self.fault = payload.decode("utf-8", "replace")
        elif frame is Frame.END:
            self.ended = True
            if self._file_left:
                raise ProtocolError("the guest ended in the middle of a result file")
        else:
            self._handle_result(frame, payload)

    def _handle_result(self, frame: Frame, payload: bytes) -> None:
        if frame is Frame.DATA:
            if len(payload) > self._file_left:
                raise ProtocolError("a result file is longer than announced")
            self._file_left -= len(payload)
            if self._file is not None:
                self._file.write(payload)
        elif frame is Frame.FILE:
            permissions, size, name = _parse_file(payload)
            self._open_file(os.fsdecode(name), permissions, size)
        elif frame is Frame.FOLDER:
            target = self._target(os.fsdecode(payload))
            if target is not None:
                target.mkdir(parents=True, exist_ok=True)
        elif frame is Frame.LINK:
            link, _, points_to = payload.partition(b"\0")
            target = self._target(os.fsdecode(link))
            if target is not None:
                target.unlink(missing_ok=True)
                target.symlink_to(os.fsdecode(points_to))

    def _open_file(self, name: str, permissions: int, size: int) -> None:
        self.close()
        self._file_left = size
        self.results.append(name)
        target = self._target(name)
        if target is None:
            return
        target.parent.mkdir(parents=True, exist_ok=True)
        target.unlink(missing_ok=True)  # never written through a link that lies there
        self._file = target.open("wb")
        os.fchmod(self._file.fileno(), permissions & 0o777)

    def _target(self, name: str) -> Path | None:
        """Where a result goes; refuses a name that would leave the folder."""
        path = PurePosixPath(name)
        if path.is_absolute() or ".." in path.parts or not path.parts:
            raise ProtocolError(f"the guest sent a result named {name!r}")
        if self._out_dir is None:
            return None
        folder = self._out_dir
        for part in path.parts[:-1]:
            folder = folder / part
            if folder.is_symlink():
                raise ProtocolError(f"the guest sent {name!r}, which lies behind a link")
        return self._out_dir / path


def _parse_file(payload: bytes) -> tuple[int, int, bytes]:
    match = re.fullmatch(rb"([0-7]+) (\d+) (.+)", payload, re.DOTALL)
    if match is None:
        raise ProtocolError("the guest announced a result file in a form of its own")
    return int(match.group(1), 8), int(match.group(2)), match.group(3)


def kernel_faults(conversation: Conversation, console_lines: list[str], module: bool) -> list[str]:
    """Every defect in the kernel's log and on its console, and unexpected taint."""
    log_lines = [console.kmsg_text(record) for record in conversation.kernel_log]
    faults = console.defects([*log_lines, *console_lines])
    if conversation.taint is not None:
        faults += console.taint_faults(conversation.taint, module)
    return faults
