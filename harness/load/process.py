# SPDX-License-Identifier: MIT
"""Running load generators: found, pinned, bounded in time, output kept."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Sequence
from typing import IO

from harness.load.errors import LoadError, ToolMissing
from harness.load.point import RawOutput


def find_tool(name: str, package: str) -> str:
    """Path of an installed program. Raises ToolMissing."""
    found = shutil.which(name)
    if found is None:
        raise ToolMissing(name, package)
    return found


def pinned(argv: Sequence[str], cpu: int | None) -> list[str]:
    """The command with its processor fixed; unchanged when `cpu` is None."""
    if cpu is None:
        return list(argv)
    return [find_tool("taskset", "util-linux"), "-c", str(cpu), *argv]


def run_together(commands: Sequence[Sequence[str]], deadline_s: float) -> list[RawOutput]:
    """Starts all commands at once and collects their output, in order.

    Output goes through files, so no program ever waits for us to read. Processes still running at
    the deadline (seconds from now) are killed and LoadError is raised; none outlives the call.
    """
    ends = time.monotonic() + deadline_s
    running: list[subprocess.Popen[bytes]] = []
    files: list[tuple[IO[bytes], IO[bytes]]] = []
    environment = {**os.environ, "LC_ALL": "C"}
    try:
        for command in commands:
            pair = (tempfile.TemporaryFile(), tempfile.TemporaryFile())
            files.append(pair)
            running.append(
                subprocess.Popen(
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=pair[0],
                    stderr=pair[1],
                    env=environment,
                )
            )
        for process, command in zip(running, commands):
            try:
                process.wait(max(0.0, ends - time.monotonic()))
            except subprocess.TimeoutExpired:
                raise LoadError(
                    f"{os.path.basename(command[0])} did not end within {deadline_s:.0f} s: "
                    "is the server answering?"
                ) from None
        return [
            RawOutput(tuple(command), process.returncode, _text(out), _text(err))
            for process, command, (out, err) in zip(running, commands, files)
        ]
    finally:
        for process in running:
            if process.poll() is None:
                process.kill()
                process.wait()
        for out, err in files:
            out.close()
            err.close()


def _text(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode("utf-8", errors="replace")
