# SPDX-License-Identifier: MIT
"""An agent in the background: one a pid file, ended by that file and never by a name."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import pathlib
import select
import signal
import subprocess
import sys
import time
from typing import Any

from harness import tree
from harness.load.agent import Agent, Options
from harness.load.errors import LoadError

_START_S = 60.0
_END_S = 20.0
_LOOK_S = 0.1


@dataclasses.dataclass(frozen=True, slots=True)
class Process:
    """A process that no other one is taken for, should its id be given out again."""

    pid: int
    start: int
    """Clock ticks between boot and its start."""
    boot: str
    port: int

    def alive(self) -> bool:
        """Whether it still runs, and has not merely left its id to another."""
        return self.boot == _boot() and _start_of(self.pid) == self.start


def _boot() -> str:
    return pathlib.Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def _start_of(pid: int) -> int | None:
    """None when there is no such process, or a dead one that nobody has waited for."""
    try:
        text = pathlib.Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    # The name, in brackets, may hold blanks and brackets.
    fields = text.rpartition(")")[2].split()
    return None if fields[0] == "Z" else int(fields[19])


def read(pid_file: pathlib.Path) -> Process | None:
    """What the file names; None when it is absent. Raises LoadError when it cannot be read."""
    try:
        fields = json.loads(pid_file.read_text())
        return Process(
            int(fields["pid"]), int(fields["start"]), fields["boot"], int(fields["port"])
        )
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as problem:
        raise LoadError(f"{pid_file} is not a pid file ({problem}): remove it") from None


def _write(pid_file: pathlib.Path, port: int) -> None:
    start = _start_of(os.getpid())
    assert start is not None
    text = json.dumps(dataclasses.asdict(Process(os.getpid(), start, _boot(), port)))
    draft = pid_file.with_name(f"{pid_file.name}.{os.getpid()}")
    try:
        draft.write_text(text)
        os.replace(draft, pid_file)
    except OSError as problem:
        with contextlib.suppress(OSError):
            draft.unlink()
        raise LoadError(f"cannot write {pid_file}: {problem.strerror}; free space there") from None


def serve(options: Options, pid_file: pathlib.Path | None) -> None:
    """Serves in this process until a signal or the deadline; the first line of standard output says
    the port. Whatever it started has ended when it returns. Raises LoadError."""
    if pid_file is not None:
        refuse_second(pid_file)
    agent = Agent(options)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: agent.stop())
    if pid_file is not None:
        _write(pid_file, agent.port)
    print(json.dumps({"schema": "kvb.agent", "pid": os.getpid(), "port": agent.port}), flush=True)
    try:
        agent.serve()
    finally:
        if pid_file is not None:
            pid_file.unlink(missing_ok=True)
        if os.getpgid(0) == os.getpid():
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            os.killpg(os.getpid(), signal.SIGTERM)


def refuse_second(pid_file: pathlib.Path) -> None:
    """Raises LoadError while the agent of that file runs."""
    known = read(pid_file)
    if known is not None and known.alive():
        raise LoadError(
            f"an agent runs already (process {known.pid}): kevbench load stop --pid-file {pid_file}"
        )


def start(words: list[str], log: pathlib.Path) -> dict[str, Any]:
    """Starts `kevbench load agent` with these words in a session of its own and waits until it
    listens; returns what it announced. Raises LoadError with the agent's own message."""
    try:
        messages = open(log, "ab")
    except OSError as problem:
        raise LoadError(f"cannot write {log}: {problem.strerror}; free space there") from None
    with messages:
        begins = messages.tell()
        process = subprocess.Popen(
            [sys.executable, "-m", "harness.host", "load", "agent", *words],
            cwd=tree.ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=messages,
            start_new_session=True,
        )
    assert process.stdout is not None
    with process.stdout as stream:
        ready = select.select([stream], [], [], _START_S)[0]
        line = stream.readline() if ready else b""
    if not line:
        process.kill()
        process.wait()
        with open(log, "rb") as said:
            said.seek(begins)
            lines = said.read().decode(errors="replace").strip().splitlines()
        raise LoadError(
            lines[-1].removeprefix("kevbench: ") if lines else "the agent did not start"
        )
    announced: dict[str, Any] = json.loads(line)
    return announced


def stop(pid_file: pathlib.Path) -> bool:
    """Ends the agent of that file with all it started; False when none ran.

    Raises LoadError when it is another one's or does not end.
    """
    known = read(pid_file)
    if known is None:
        return False
    if not known.alive():
        pid_file.unlink(missing_ok=True)
        return False
    for number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(known.pid, number)
        ends = time.monotonic() + _END_S
        while known.alive() and time.monotonic() < ends:
            time.sleep(_LOOK_S)
        if not known.alive():
            pid_file.unlink(missing_ok=True)
            return True
    raise LoadError(f"process {known.pid} does not end: look at it on that host")
