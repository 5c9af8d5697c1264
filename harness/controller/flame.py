# SPDX-License-Identifier: MIT
"""Where the time goes: perf record of a worker while it runs slices, as folded stacks.

In processes of their own, after everything else of the cell: sampling costs time. perf is told to
begin and to stop through its control descriptors, so that only slices are sampled.
"""

from __future__ import annotations

import hashlib
import os
import random
import re
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.celldata import CellData
from harness.controller.cellrun import Setting
from harness.plan import Cell, Side
from harness.worker import Worker, WorkerDied, WorkerRefused, padded_environment
from results import folded
from results.identity import derived_seed

#: Sampled seconds of a side; not a divisor of timer ticks, so as not to run in step with them.
SECONDS, FREQUENCY_HZ = 1.0, 499
_DEADLINE_S = 60


class Refused(Exception):
    """perf does not record here; the text says why."""


@dataclass(frozen=True)
class Recording:
    """How samples are taken on this machine."""

    event: str
    call_graph: str


def event_here() -> str:
    """cycles where the machine counts them, else cpu-clock. Raises Refused without perf."""
    words = ["perf", "stat", "-x", ",", "-e", "cycles", "--", "true"]
    try:
        done = subprocess.run(words, capture_output=True, text=True, timeout=_DEADLINE_S)
    except OSError:
        raise Refused("perf is not installed: apt-get install linux-perf") from None
    except subprocess.TimeoutExpired:
        raise Refused("perf stat does not end") from None
    counted = any(line.split(",")[0].isdigit() for line in done.stderr.splitlines())
    return "cycles" if counted else "cpu-clock"


def _last_words(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    wanted = [line for line in lines if "rror" in line or "ermission" in line or "paranoid" in line]
    return " ".join((wanted or lines or ["it ended without a word"])[0].split())[:200]


class Perf:
    """perf record on one process, disabled until begin(). A context manager; not thread-safe."""

    def __init__(self, pid: int, how: Recording, data: Path) -> None:
        control, self._control = os.pipe()
        self._acknowledged, acknowledge = os.pipe()
        words = ["perf", "record", "-q", "-D", "-1", "-e", how.event, "-F", str(FREQUENCY_HZ)]
        words += ["--call-graph", how.call_graph, "-p", str(pid), "-o", str(data)]
        words += [f"--control=fd:{control},{acknowledge}"]
        try:
            self._process = subprocess.Popen(
                words,
                pass_fds=(control, acknowledge),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                text=True,
            )
        except OSError as problem:
            os.close(self._control)
            os.close(self._acknowledged)
            raise Refused(f"perf cannot be started: {problem.strerror}") from None
        finally:
            os.close(control)
            os.close(acknowledge)

    def _tell(self, word: str) -> None:
        try:
            os.write(self._control, f"{word}\n".encode())
            answered = os.read(self._acknowledged, 16)
        except OSError:
            answered = b""
        if not answered.startswith(b"ack"):
            self._process.kill()
            _, said = self._process.communicate()
            raise Refused(f"perf record: {_last_words(said)}")

    def begin(self) -> None:
        """From here on samples are taken. Raises Refused."""
        self._tell("enable")

    def end(self) -> None:
        """Stops and waits for the file. Raises Refused."""
        self._tell("stop")
        try:
            _, said = self._process.communicate(timeout=_DEADLINE_S)
        except subprocess.TimeoutExpired:
            raise Refused("perf record does not end") from None
        if self._process.returncode != 0:
            raise Refused(f"perf record: {_last_words(said)}")

    def __enter__(self) -> Perf:
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.poll() is None:
            self._process.kill()
            self._process.communicate()
        os.close(self._control)
        os.close(self._acknowledged)


_FRAME = re.compile(r"^\s+[0-9a-f]+ (.*) \((.*?)\)$")
_OFFSET = re.compile(r"\+0x[0-9a-f]+$")


def fold(script: Iterable[str]) -> folded.Stacks:
    """The output of `perf script -F comm,ip,sym,dso`: a head line, frames from the leaf, a gap."""
    found: folded.Stacks = {}
    head, frames = "", list[str]()

    def close() -> None:
        if head and frames:
            stack = (head, *reversed(frames))[: folded.MOST_FRAMES]
            found[stack] = found.get(stack, 0) + 1

    for line in script:
        text = line.rstrip("\n")
        if not text.strip():
            close()
            head, frames = "", []
        elif not text[0].isspace():
            close()
            head, frames = folded.frame(text), []
        else:
            match = _FRAME.match(text)
            name, program = match.groups() if match else (text.strip(), "")
            kernel = program.startswith("[") and program not in ("[unknown]", "[vdso]")
            plain = folded.frame(_OFFSET.sub("", name))
            frames.append(plain + folded.KERNEL if kernel else plain)
    close()
    return found


def script_of(data: Path) -> folded.Stacks:
    """The stacks in a recording. Raises Refused."""
    words = ["perf", "script", "-i", str(data), "-F", "comm,ip,sym,dso"]
    try:
        done = subprocess.run(
            words, capture_output=True, text=True, errors="replace", timeout=_DEADLINE_S
        )
    except (OSError, subprocess.TimeoutExpired) as problem:
        raise Refused(f"perf script: {problem}") from None
    if done.returncode != 0:
        raise Refused(f"perf script: {_last_words(done.stderr)}")
    return fold(done.stdout.splitlines())


class Flames:
    """Records the sides of cells. What is refused once is refused for the whole run, aloud once."""

    def __init__(self, setting: Setting, raw: Path) -> None:
        self._setting = setting
        self._folder = raw / "flame"
        self._number = 0
        self.refused: str | None = None
        self._how: Recording | None = None

    def record(self, cell: Cell, data: CellData) -> None:
        """A profile record of each side that is left in the cell."""
        for side in data.alive():
            self._setting.interrupt.check()
            fields: dict[str, Any] = {
                "samples": None,
                "folded": None,
                "sha256": None,
                "reason": None,
            }
            if self.refused is None:
                try:
                    fields |= self._side(cell, data, side)
                except Refused as problem:
                    self.refused = str(problem)
                except (WorkerDied, WorkerRefused) as problem:
                    fields["reason"] = f"the worker {problem}"
            how = self._how or Recording("none", "none")
            self._setting.recorder.writer.append(
                "profile",
                {
                    "case_key": data.case_keys[side.label],
                    "side": side.label,
                    "tool": "perf",
                    "event": how.event,
                    "call_graph": how.call_graph,
                    "frequency_hz": FREQUENCY_HZ,
                    **fields,
                    "reason": fields["reason"] or (None if fields["folded"] else self.refused),
                },
            )

    def _side(self, cell: Cell, data: CellData, side: Side) -> dict[str, Any]:
        self._folder.mkdir(parents=True, exist_ok=True)
        self._number += 1
        target = self._folder / f"{self._number}.folded"
        recording = target.with_suffix(".data")
        try:
            stacks = self._sampled(cell, data, side, recording)
        finally:
            recording.unlink(missing_ok=True)
        if not stacks:
            return {"samples": 0, "reason": "no sample was taken"}
        text = folded.dump(stacks)
        target.write_text(text, encoding="utf-8")
        return {
            "samples": sum(stacks.values()),
            "folded": f"raw/flame/{target.name}",
            "sha256": hashlib.sha256(text.encode()).hexdigest(),
        }

    def _sampled(self, cell: Cell, data: CellData, side: Side, target: Path) -> folded.Stacks:
        if self._how is not None:
            return self._with(self._how, cell, data, side, target)
        event = event_here()
        # Stacks by debug information reach through libraries built without frame pointers.
        first = Recording(event, "dwarf")
        try:
            found = self._with(first, cell, data, side, target)
        except Refused:
            first = Recording(event, "fp")
            found = self._with(first, cell, data, side, target)
        self._how = first
        return found

    def _with(
        self, how: Recording, cell: Cell, data: CellData, side: Side, target: Path
    ) -> folded.Stacks:
        seed = derived_seed(self._setting.seed, "flame", cell.identity, side.label)
        environment = padded_environment(random.Random(seed))
        program = self._setting.build_of(side).program(None)
        with Worker(program, environment, self._setting.plugins) as worker:
            worker.open(cell.workload, side.variant, cell.params)
            operations = data.operations[side.label]
            taken = max(
                1, int(worker.ask(do="slice", operations=operations, timed=False)["wall_ns"])
            )
            slices = max(1, min(4096, round(SECONDS * 1e9 / taken)))
            with Perf(worker.pid, how, target) as perf:
                perf.begin()
                for _ in range(slices):
                    self._setting.interrupt.check()
                    worker.ask(do="slice", operations=operations, timed=False)
                perf.end()
            worker.hang_up()
        return script_of(target)
