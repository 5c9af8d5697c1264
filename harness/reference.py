# SPDX-License-Identifier: MIT
"""The harness against itself: `/usr/bin/python3 -m harness.reference`, from the root of the tree.

Prints three figures and their bounds, and leaves with 1 when one is broken:
- user instructions an event of the epoll adapter's loop, against a loop written by hand on the bare
  system calls that does the same (workloads/reference/), counted by callgrind on this machine;
- instructions an event of kevent's mapped ring, edge-triggered, against a loop written by hand on
  libkevent, user and kernel, counted in an emulated guest with the module;
- the harness floor: instructions an event of the null adapter, received bytes not checked, against
  the cheapest consumed event of all mechanisms, user and kernel, counted in an emulated guest.
Counts are exact, so a loaded machine does not change them.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from harness import tree
from harness.controller.callgrind import HOT, read_output
from harness.errors import OK, REGRESSED, USAGE, UsageError

ADAPTER_LIMIT_PERCENT = 2.0
FLOOR_LIMIT_PERCENT = 2.0
#: Events of the two counts whose difference leaves out start-up and first calls.
_FEW, _MANY = 4_800, 14_400
_KEVENT_LOOPS = ("kevent-adapter", "kevent-hand")
#: Events of a run and runs of a process: less than a timer tick apart, so that the median has none.
_KEVENT_EVENTS, _KEVENT_RUNS = 160, 61
_DEADLINE_S = 120
_GUEST_DEADLINE_S = 400.0
#: Where events are cheapest: the lightest source, all of a set ready together.
_CHEAP = ("active_ratio", {"registered": "1000", "active": "100", "source": "eventfd"})
#: Candidates for the cheapest event. select and poll scan 1000 entries a wait and cannot be it.
_CANDIDATES = (
    "epoll+lt",
    "epoll+et",
    "epoll+et-once",
    "epoll+oneshot",
    "epoll+exclusive",
    "epoll+pwait2",
    "io_uring+poll",
    "io_uring+poll+defer",
    "io_uring+multishot",
    "io_uring+multishot+defer",
    "io_uring+completion",
    "io_uring+completion+defer",
)


@dataclass(frozen=True)
class AdapterLoop:
    """Instructions an event: of epoll's in user space, of kevent's in the kernel, too."""

    adapter: float
    hand: float

    @property
    def excess_percent(self) -> float:
        return 100.0 * (self.adapter / self.hand - 1.0)


@dataclass(frozen=True)
class Floor:
    """Instructions an event, user and kernel; `events` by variant."""

    floor: float
    events: dict[str, float]

    @property
    def cheapest(self) -> str:
        return min(self.events, key=self.events.__getitem__)

    @property
    def percent(self) -> float:
        return 100.0 * self.floor / self.events[self.cheapest]


def program() -> Path:
    """The reference program. Raises UsageError when it is not built."""
    path = tree.BUILD / "workloads" / "reference" / "kevbench-reference"
    if not os.access(path, os.X_OK):
        raise UsageError(
            f"{path.name} is not built: cmake --preset release && cmake --build --preset release"
        )
    return path


def _collected(loop: str, events: int) -> int:
    """Instructions inside the hot loop."""
    command = ["setarch", os.uname().machine, "-R", "valgrind", "--tool=callgrind"]
    command += [f"--toggle-collect=*{HOT}", "--callgrind-out-file=/dev/null"]
    command += [str(program()), loop, str(events)]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=_DEADLINE_S, check=False
        )
    except FileNotFoundError:
        raise UsageError("valgrind is not installed: apt-get install valgrind") from None
    count = read_output(done.stderr)
    if done.returncode != 0 or not count:
        raise UsageError(f"callgrind gave no count of {loop}: {done.stderr.strip()[-200:]}")
    return count


def _per_event(loop: str) -> float:
    return (_collected(loop, _MANY) - _collected(loop, _FEW)) / (_MANY - _FEW)


def adapter_loop() -> AdapterLoop:
    """Counts both loops. Raises UsageError when they cannot be counted here."""
    return AdapterLoop(_per_event("adapter"), _per_event("hand"))


def read_loops(text: str) -> AdapterLoop | None:
    """What the reference program printed about kevent's two loops, many short runs each.

    None when one of them is missing. In a counting guest one ns is one instruction; the median run
    has met neither cold memory nor a timer tick.
    """
    medians: dict[str, float] = {}
    for line in text.splitlines():
        if line.startswith("{"):
            found = json.loads(line)
            events = found["messages"] / len(found["ns"])
            medians[found["loop"]] = statistics.median(found["ns"]) / events
    if not set(_KEVENT_LOOPS) <= medians.keys():
        return None
    return AdapterLoop(*(medians[loop] for loop in _KEVENT_LOOPS))


def kevent_loop() -> AdapterLoop:
    """Counts both loops in a guest. Raises UsageError when no guest can run here."""
    # Imported here: the first figure needs no guest.
    from harness.guest.choose import choose_kernel
    from harness.guest.errors import GuestError
    from harness.guest.kernels import DEFAULT_SERIES
    from harness.guest.module import build_module
    from harness.guest.run import run_in_guest, tell_stderr
    from harness.guest.spec import GuestSpec

    path = program()
    runs = [f"{path} {loop} {_KEVENT_EVENTS} {_KEVENT_RUNS}" for loop in _KEVENT_LOOPS]
    try:
        spec = GuestSpec(
            ["sh", "-c", " && ".join(runs)],
            add=[path],
            module=build_module(choose_kernel(DEFAULT_SERIES, tell_stderr)),
            icount=True,
            deadline_s=_GUEST_DEADLINE_S,
        )
        result = run_in_guest(spec)
    except GuestError as problem:
        raise UsageError(f"no guest to count in: {problem}") from None
    loop = read_loops(result.stdout.decode(errors="replace"))
    if result.status != 0 or loop is None:
        raise UsageError(f"the guest gave no counts: {result.reason or result.stderr[-200:]!r}")
    return loop


def _script(worker: Path) -> str:
    """Shell text that prints "NAME INSTRUCTIONS" for each candidate and the null adapter."""
    workload, params = _CHEAP
    words = [f"--param {name}={value}" for name, value in params.items()]
    lines = []
    for name in ("null+null", *_CANDIDATES):
        checks = "off" if name == "null+null" else "on"
        lines.append(
            f"printf '%s ' {name}; {worker} run {workload} {name} {' '.join(words)} "
            f"--param checks={checks} --operations 4000 --slices 3 | tail -n 1"
        )
    return "; ".join(lines)


def read_counts(text: str) -> dict[str, float]:
    """Instructions an event by variant: in a counting guest one ns is one instruction."""
    found = {}
    for line in text.splitlines():
        # NAME, then the columns of the worker: slice, operations, wall ns an event, ...
        words = line.split()
        if len(words) > 3 and "+" in words[0]:
            found[words[0]] = float(words[3])
    return found


def harness_floor() -> Floor:
    """Counts in a guest. Raises UsageError when no guest can run here."""
    # Imported here: the first figure needs no guest.
    from harness.guest.errors import GuestError
    from harness.guest.run import run_in_guest
    from harness.guest.spec import GuestSpec

    worker = tree.worker()
    spec = GuestSpec(
        ["sh", "-c", _script(worker)], add=[worker], icount=True, deadline_s=_GUEST_DEADLINE_S
    )
    try:
        result = run_in_guest(spec)
    except GuestError as problem:
        raise UsageError(f"no guest to count in: {problem}") from None
    found = read_counts(result.stdout.decode(errors="replace"))
    floor = found.pop("null+null", None)
    if result.status != 0 or floor is None or not found:
        raise UsageError(f"the guest gave no counts: {result.reason or result.stderr[-200:]!r}")
    return Floor(floor, found)


def _tell_loop(name: str, loop: AdapterLoop, unit: str) -> bool:
    """Prints both counts; true when the bound is broken."""
    print(f"{name + ' adapter loop':20} {loop.adapter:8.2f} {unit} an event")
    print(f"{'hand-written loop':20} {loop.hand:8.2f} {unit} an event")
    print(f"{'excess':20} {loop.excess_percent:8.2f} %, limit {ADAPTER_LIMIT_PERCENT} %")
    return loop.excess_percent > ADAPTER_LIMIT_PERCENT


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python3 -m harness.reference",
        description="Print what the harness costs against a hand-written loop, and its floor.",
    )
    parser.add_argument(
        "--no-guest", action="store_true", help="leave out kevent's loop and the floor"
    )
    args = parser.parse_args()
    try:
        loop = adapter_loop()
        broken = _tell_loop("epoll", loop, "user instructions")
        if not args.no_guest:
            broken = _tell_loop("kevent", kevent_loop(), "instructions") or broken
            floor = harness_floor()
            print(f"harness floor        {floor.floor:8.2f} instructions an event")
            cheapest = floor.events[floor.cheapest]
            print(f"cheapest event       {cheapest:8.2f} instructions, {floor.cheapest}")
            print(f"share                {floor.percent:8.2f} %, limit {FLOOR_LIMIT_PERCENT} %")
            broken = broken or floor.percent >= FLOOR_LIMIT_PERCENT
    except UsageError as problem:
        print(f"harness.reference: {problem}", file=sys.stderr)
        return USAGE
    return REGRESSED if broken else OK


if __name__ == "__main__":
    sys.exit(main())
