# SPDX-License-Identifier: MIT
"""User instructions per operation, exact: callgrind on the hot functions of a workload.

Counts only what runs inside functions named kevbench_hot_*: not start-up, not formatting, no kernel.
ASLR is off while counting (setarch -R), since some libraries choose code paths by address. Variants
with a polling kernel thread or a spinning loop cannot be counted: how often they look is not
deterministic.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from harness.celldata import Count
from harness.plan import Cell, Side, cpus

OPERATIONS = 1_000
_WARM_UP = 100
_DEADLINE_S = 120
HOT = "kevbench_hot_*"
_COLLECTED = re.compile(r"Collected\s*:\s*(\d+)")


def version() -> str | None:
    """Version of valgrind, None when it is not installed."""
    if shutil.which("valgrind") is None:
        return None
    done = subprocess.run(["valgrind", "--version"], capture_output=True, text=True, check=False)
    return done.stdout.strip() or None


def command(
    program: Path, cell: Cell, side: Side, operations: int, plugins: Sequence[Path] = ()
) -> list[str]:
    """The command that counts one side of a cell."""
    loaded = [word for path in plugins for word in ("--plugin", str(path.absolute()))]
    params = [
        word for name in sorted(cell.params) for word in ("--param", f"{name}={cell.params[name]}")
    ]
    return [
        "setarch",
        os.uname().machine,
        "-R",
        "valgrind",
        "--tool=callgrind",
        f"--toggle-collect=*{HOT}",
        "--callgrind-out-file=/dev/null",
        str(program),
        "count",
        cell.workload,
        side.variant.name,
        *loaded,
        *params,
        "--operations",
        str(operations),
        "--warm-up",
        str(_WARM_UP),
    ]


def read_output(text: str) -> int | None:
    """The number of instructions in callgrind's last words; None when it printed none."""
    found = _COLLECTED.findall(text)
    return int(found[-1]) if found else None


def count_one(
    program: Path,
    cell: Cell,
    side: Side,
    operations: int,
    tool: str | None,
    plugins: Sequence[Path] = (),
    environment: Mapping[str, str] | None = None,
) -> Count:
    """One count. A failure is a count without a value, with the reason.

    `environment` is added to this process's own.
    """
    empty = Count("callgrind", "user_instructions", operations, [], HOT, tool)
    if tool is None:
        empty.reason = "valgrind is not installed: apt-get install valgrind"
        return empty
    if "sqpoll" in side.variant.variant:
        empty.reason = "a polling kernel thread makes the count depend on timing"
        return empty
    with tempfile.TemporaryDirectory() as folder:
        try:
            done = subprocess.run(
                command(program, cell, side, operations, plugins),
                capture_output=True,
                text=True,
                errors="replace",
                timeout=_DEADLINE_S,
                check=False,
                cwd=folder,
                env={**os.environ, **(environment or {})},
                start_new_session=True,
            )
        except subprocess.TimeoutExpired:
            empty.reason = f"took longer than {_DEADLINE_S} s under callgrind"
            return empty
        except OSError as problem:
            empty.reason = f"cannot start: {problem.strerror}"
            return empty
    value = read_output(done.stderr)
    if done.returncode != 0 or not value:
        words = [line for line in done.stderr.splitlines() if not line.startswith("==")]
        said = words[-1] if words else "no hot function was entered"
        empty.reason = f"callgrind gave no count (status {done.returncode}): {said[:200]}"
        return empty
    empty.repeats = [float(value)]
    return empty


def count_sides(
    program: Path,
    cell: Cell,
    sides: Sequence[Side],
    operations: int,
    done: Callable[[str], None],
    plugins: Sequence[Path] = (),
) -> Mapping[str, Count]:
    """Counts several sides, as many at once as there are processors up to two: no time is taken."""
    tool = version()
    with ThreadPoolExecutor(min(2, cpus())) as pool:
        counts = pool.map(
            lambda side: count_one(program, cell, side, operations, tool, plugins), sides
        )
        found = {}
        for side, count in zip(sides, counts):
            found[side.label] = count
            done(side.label)
    return found
