# SPDX-License-Identifier: MIT
"""One slice worker process: starting it, talking to it, ending it."""

from __future__ import annotations

import json
import os
import random
import select
import subprocess
import tempfile
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from harness.names import Variant

#: Longest a worker may take for one answer before it counts as dead. A slice takes milliseconds.
DEADLINE_S = 60.0
PADDING_LIMIT = 4096


class WorkerDied(Exception):
    """The process ended, hung or spoke nonsense; the text says which, with its last words."""


class WorkerRefused(Exception):
    """The worker answered ok=false. `kind` is usage, skipped or fault."""

    def __init__(self, kind: str, text: str) -> None:
        super().__init__(text)
        self.kind = kind


def padded_environment(rng: random.Random) -> dict[str, str]:
    """This environment with 0 to 4096 bytes more.

    The size of the environment moves the stack, and with it alignment effects of several percent;
    drawing it anew for each process turns that bias into scatter that the interval shows.
    """
    return {**os.environ, "KEVBENCH_PADDING": "x" * rng.randint(0, PADDING_LIMIT)}


class Worker:
    """A running `kevbench-worker serve`. Use as a context manager; not thread-safe."""

    def __init__(
        self,
        program: Path,
        environment: Mapping[str, str],
        plugins: Iterable[Path] = (),
        prefix: Sequence[str] = (),
    ) -> None:
        """Starts the process without waiting for it. Raises WorkerDied when that fails."""
        command = [*prefix, str(program), "serve"]
        for plugin in plugins:
            command += ["--plugin", str(plugin)]
        self._buffer = b""
        # A file and not a pipe: nobody reads standard error while a slice runs.
        self._words = tempfile.TemporaryFile()
        try:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._words,
                env=dict(environment),
                # Ctrl-C goes to the controller alone, which lets the running slice finish.
                start_new_session=True,
                bufsize=0,
            )
        except OSError as problem:
            self._words.close()
            raise WorkerDied(f"cannot start {program.name}: {problem.strerror}") from None

    @property
    def pid(self) -> int:
        """Of the process, for tools that look at it from outside."""
        return self._process.pid

    def ask(self, deadline_s: float = DEADLINE_S, **request: Any) -> dict[str, Any]:
        """Sends one request and returns the answer.

        Raises WorkerRefused for an answer with ok=false and WorkerDied when there is none.
        """
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(request).encode() + b"\n")
        except (OSError, ValueError):
            raise WorkerDied(self._obituary()) from None
        line = self._read_line(time.monotonic() + deadline_s, deadline_s)
        try:
            answer = json.loads(line)
            accepted = bool(answer["ok"])
        except (ValueError, KeyError, TypeError):
            self.kill()
            raise WorkerDied(f"answered {line[:60]!r}, which is not the protocol") from None
        if not accepted:
            raise WorkerRefused(str(answer.get("kind", "fault")), str(answer.get("error", "")))
        return dict(answer)

    def open(self, workload: str, variant: Variant, params: Mapping[str, str]) -> dict[str, Any]:
        """Opens the one cell that later requests are about. Raises as `ask`."""
        return self.ask(
            do="open",
            workload=workload,
            mechanism=variant.mechanism,
            variant=variant.variant,
            params=dict(params),
        )

    def _read_line(self, until: float, deadline_s: float) -> bytes:
        assert self._process.stdout is not None
        descriptor = self._process.stdout.fileno()
        while b"\n" not in self._buffer:
            left = until - time.monotonic()
            if left <= 0 or not select.select([descriptor], [], [], left)[0]:
                self.kill()
                raise WorkerDied(f"did not answer within {deadline_s:g} s and was ended")
            piece = os.read(descriptor, 1 << 18)
            if not piece:
                raise WorkerDied(self._obituary())
            self._buffer += piece
        line, _, self._buffer = self._buffer.partition(b"\n")
        return line

    def _obituary(self) -> str:
        """How the process ended, and what it said last."""
        try:
            status = self._process.wait(2.0)
        except subprocess.TimeoutExpired:
            self.kill()
            return "closed its output and was ended"
        how = f"was ended by signal {-status}" if status < 0 else f"ended with status {status}"
        self._words.seek(0)
        lines = self._words.read().decode(errors="replace").strip().splitlines()
        return f"{how}: {lines[-1]}" if lines else how

    def kill(self) -> None:
        """Ends the process at once; nothing happens when it has ended already."""
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()

    def hang_up(self) -> None:
        """Ends the worker's input, on which it stops by itself; close() then has less to wait."""
        if self._process.stdin is not None and not self._process.stdin.closed:
            self._process.stdin.close()

    def close(self) -> None:
        """Ends the process in peace: end of input is its signal to stop. Idempotent."""
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None and not stream.closed:
                stream.close()
        try:
            self._process.wait(5.0)
        except subprocess.TimeoutExpired:
            self.kill()
        self._words.close()

    def __enter__(self) -> Worker:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
