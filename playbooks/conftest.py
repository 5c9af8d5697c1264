# SPDX-License-Identifier: MIT
"""Hosts for the tests of the playbooks: a pair of network namespaces that the tests alone have."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from harness import tree
from harness.load import daemon, namespaces

#: Half a minute where nothing else runs.
_PLAY_S = 600
TOUCHED = (
    "net/core/somaxconn",
    "net/ipv4/tcp_max_syn_backlog",
    "net/ipv4/ip_local_port_range",
    "net/ipv4/tcp_tw_reuse",
    "net/ipv4/tcp_max_tw_buckets",
)


@dataclasses.dataclass(frozen=True)
class Played:
    """How a play ended."""

    status: int
    text: str

    def recap(self) -> dict[str, dict[str, int]]:
        """Counts by host."""
        found = {}
        for line in self.text.partition("PLAY RECAP")[2].splitlines():
            name, colon, counts = line.partition(":")
            if colon and "ok=" in counts:
                pairs = (word.split("=") for word in counts.split())
                found[name.strip()] = {key: int(value) for key, value in pairs}
        return found

    @property
    def changed(self) -> int:
        """Tasks that changed something, over all hosts."""
        recap = self.recap()
        assert recap, self.text
        return sum(counts["changed"] for counts in recap.values())


def play_to_end(words: list[str], environment: dict[str, str], limit_s: float) -> Played:
    """Runs the command of a play in the tree; it has no terminal to ask at."""
    done = subprocess.run(
        words,
        cwd=tree.ROOT,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=limit_s,
        check=False,
    )
    return Played(done.returncode, done.stdout)


@dataclasses.dataclass(frozen=True)
class Lab:
    """A controller's folder with two hosts."""

    folder: Path
    stem: str

    @property
    def results(self) -> Path:
        return self.folder / "runs"

    def root(self, host: str) -> Path:
        """bench_root of a host."""
        return self.folder / "hosts" / host

    def namespace(self, host: str) -> str:
        return self.stem + {"srv1": "s", "gen1": "c0"}[host]

    def variables(self, **more: Any) -> dict[str, Any]:
        return {
            "bench_results": str(self.results),
            "bench_state": str(self.folder / "state"),
            "workload_mechanisms": ["epoll+lt", "kevent+mapped"],
            "workload_params": ["rate=300"],
            "preflight_any_distribution": True,
            # An agent that a killed test leaves behind ends with that.
            "workload_limit_s": 300,
            **more,
        }

    def words(self, play: str, *options: str, **variables: Any) -> list[str]:
        """The command of a play, as README.md gives it."""
        inventory = str(tree.ROOT / "playbooks" / "inventories" / "netns")
        given = options if "-i" in options else ("-i", inventory, *options)
        chosen = json.dumps(self.variables(**variables))
        return ["ansible-playbook", f"playbooks/{play}", *given, "-e", chosen]

    def environment(self) -> dict[str, str]:
        return {
            **os.environ,
            "KEVBENCH_READY": "1",
            "KEVBENCH_STEM": self.stem,
            "KEVBENCH_ROOT": str(self.folder / "hosts"),
            "ANSIBLE_NOCOLOR": "1",
            "ANSIBLE_LOCAL_TEMP": str(self.folder / "ansible"),
        }

    def play(self, play: str, *options: str, **variables: Any) -> Played:
        """Plays to the end."""
        words = self.words(play, *options, **variables)
        return play_to_end(words, self.environment(), _PLAY_S)

    def settings(self) -> dict[str, str]:
        """What tuning touches, as it is now on every host."""
        paths = [f"/proc/sys/{name}" for name in TOUCHED]
        return {
            host: subprocess.run(
                ["ip", "netns", "exec", self.namespace(host), "cat", *paths],
                capture_output=True,
                text=True,
                check=True,
            ).stdout
            for host in ("srv1", "gen1")
        }

    def close(self) -> None:
        """Ends agents and removes the hosts."""
        for pid_file in self.folder.glob("hosts/*/agent-*.pid"):
            daemon.stop(pid_file)
        namespaces.remove_all(self.stem)


def _reason() -> str:
    """Why there can be no hosts here, or nothing."""
    if shutil.which("ansible-playbook") is None:
        return "ansible is not installed: apt-get install ansible"
    if os.geteuid() != 0:
        return "network namespaces need root"
    try:
        with namespaces.Hosts(1, f"kvq{os.getpid()}"):
            return ""
    except Exception as problem:  # noqa: BLE001 - whatever it is, it is the reason
        return str(problem)


@pytest.fixture(scope="session")
def possible() -> None:
    """Skips, with the reason, where namespaces or Ansible are missing."""
    reason = _reason()
    if reason:
        pytest.skip(reason)


@pytest.fixture(scope="module")
def lab(possible: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """Two hosts that nothing was done to, not even made."""
    made = Lab(tmp_path_factory.mktemp("lab"), f"kvt{os.getpid()}")
    try:
        yield made
    finally:
        made.close()
