# SPDX-License-Identifier: MIT
"""What is known of hosts that are up: one folder, written once, read by every later command."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from harness.guest.errors import GuestError
from harness.guest.hosts.identity import Identity, alive
from harness.guest.hosts.topology import Host, Layout, Topology, lay_out
from harness.guest.paths import guest_build_dir, shown

_PLAN, _STATE, _ENDED = "plan.json", "state.json", "ended.json"


def default_dir() -> Path:
    return guest_build_dir() / "hosts"


@dataclass(frozen=True)
class Plan:
    """What is to be up. `run` tells it from others on this machine; memory in MiB, lifetime in
    seconds from the start; paths are absolute, and empty where no guest is booted."""

    run: str
    topology: str
    count: int
    release: str
    vmlinuz: str
    disk: str
    accel: str
    memory_mib: int
    smp: int
    restrict: bool
    lifetime_s: float
    inventory: str

    @property
    def layout(self) -> Layout:
        return lay_out(Topology(self.topology), self.count)


@dataclass(frozen=True)
class Guest:
    """A running QEMU and the port of this machine's loopback that leads to its sshd."""

    process: Identity
    port: int


@dataclass(frozen=True)
class State:
    """What came up. `namespaces` maps hosts to the namespaces they are, or that their taps are in;
    `ends_at` is in seconds since the epoch."""

    plan: Plan
    keeper: Identity
    ends_at: float
    guests: dict[str, Guest]
    namespaces: dict[str, str]

    def running(self) -> bool:
        """Whether the process that holds all of it is still there."""
        return alive(self.keeper)

    def host_runs(self, host: Host) -> bool:
        guest = self.guests.get(host.name)
        if guest is not None:
            return alive(guest.process)
        return Path("/run/netns", self.namespaces[host.name]).exists()


def console(folder: Path, host: str) -> Path:
    return folder / f"console-{host}.log"


def qemu_log(folder: Path, host: str) -> Path:
    return folder / f"qemu-{host}.log"


def write_plan(folder: Path, plan: Plan) -> None:
    _write(folder / _PLAN, asdict(plan))


def read_plan(folder: Path) -> Plan:
    """Raises OSError or ValueError for a folder without a readable plan."""
    return Plan(**json.loads((folder / _PLAN).read_text(encoding="utf-8")))


def write_state(folder: Path, state: State) -> None:
    _write(folder / _STATE, {"schema": "kvb.guest-hosts", **asdict(state)})


def read_state(folder: Path) -> State | None:
    """What is up or was left behind; None when there is nothing. Raises GuestError when damaged."""
    path = folder / _STATE
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        return State(
            plan=Plan(**record["plan"]),
            keeper=Identity(**record["keeper"]),
            ends_at=float(record["ends_at"]),
            guests={
                name: Guest(Identity(**each["process"]), int(each["port"]))
                for name, each in record["guests"].items()
            },
            namespaces=dict(record["namespaces"]),
        )
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise GuestError(f"{shown(path)} cannot be read ({error}); remove its folder") from None


def write_end(folder: Path, reason: str) -> None:
    """Kept for whoever asks later why nothing is up any more."""
    _write(folder / _ENDED, {"reason": reason, "at": time.time()})


def read_end(folder: Path) -> str:
    """Why the last hosts ended, or an empty string."""
    try:
        return str(json.loads((folder / _ENDED).read_text(encoding="utf-8"))["reason"])
    except (OSError, ValueError, KeyError):
        return ""


def forget(folder: Path) -> None:
    """Removes what describes running hosts and their keys; logs stay."""
    for name in (_PLAN, _STATE, _ENDED, "known_hosts"):
        (folder / name).unlink(missing_ok=True)
    for private in [*folder.glob("initrd-*"), *folder.glob("*_ed25519*")]:
        private.unlink()


@contextlib.contextmanager
def exclusively(folder: Path) -> Iterator[None]:
    """Keeps two commands from changing the same hosts at once. Raises GuestError for the second."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with open(folder / ".lock", "w", encoding="ascii") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise GuestError(
                f"another 'guest up' or 'guest down' is at work in {shown(folder)}; wait for it"
            ) from None
        yield


def _write(path: Path, record: dict[str, Any]) -> None:
    temporary = path.with_suffix(".tmp")
    temporary.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    os.replace(temporary, path)
