# SPDX-License-Identifier: MIT
"""From guests that are not there yet to a report, on both kernels: all five mechanisms, kevent's
module loaded, load from this machine over a tap and from a guest over a private link."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.guest.hosts import launch, state
from harness.guest.hosts.topology import Topology
from playbooks.conftest import Played, play_to_end
from results import validate
from results.reader import ResultFile, read

pytestmark = [
    pytest.mark.long,
    pytest.mark.guest,
    pytest.mark.skipif(os.geteuid() != 0, reason="the hosts' image and taps need root"),
    pytest.mark.skipif(shutil.which("ansible-playbook") is None, reason="ansible is not installed"),
]

#: Four minutes on a machine that does six other things as well.
_PLAY_S = 1800.0
_LIFETIME_S = 3 * _PLAY_S
_MECHANISMS = ("select", "poll", "epoll+lt", "io_uring+multishot", "kevent+mapped")
_EVERY_TOPOLOGY = [
    (topology, series) for topology in (Topology.TAP, Topology.PAIR) for series in ("6.12", "6.1")
]


@dataclasses.dataclass(frozen=True)
class Hosts:
    """Guests that are up and a folder for what is brought from them."""

    folder: Path
    up: state.State

    def play(self, *options: str) -> Played:
        """Plays site.yml on them to the end."""
        chosen = {
            "bench_results": str(self.folder / "runs"),
            "bench_state": str(self.folder / "state"),
            "workload_mechanisms": _MECHANISMS,
            # What an emulated server on a busy machine can answer.
            "workload_params": ["rate=50"],
        }
        words = ["playbooks/play", "site.yml", "-i", self.up.plan.inventory]
        environment = {**os.environ, "KEVBENCH_READY": "1", "ANSIBLE_NOCOLOR": "1"}
        return play_to_end([*words, *options, "-e", json.dumps(chosen)], environment, _PLAY_S)


@pytest.fixture(
    scope="module", params=_EVERY_TOPOLOGY, ids=lambda each: f"{each[0].value}-{each[1]}"
)
def hosts(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Hosts]:
    topology, series = request.param
    folder = tmp_path_factory.mktemp("guests")
    wanted = launch.Request(topology, folder / "hosts", series, lifetime_s=_LIFETIME_S)
    try:
        yield Hosts(folder, launch.up(wanted, print))
    finally:
        launch.down(folder / "hosts")


@pytest.fixture(scope="module")
def run(hosts: Hosts) -> Path:
    played = hosts.play()
    assert played.status == 0, played.text
    (found,) = (hosts.folder / "runs").glob("*/srv1")
    return found


@pytest.fixture(scope="module")
def result(run: Path) -> ResultFile:
    return read(run)


def test_every_mechanism_answers_the_load(result: ResultFile) -> None:
    validate.check_records(result.records)
    assert result.end is not None and result.end["status"] == "complete"
    assert not list(result.of("skip"))
    replies: dict[str, int] = {}
    for one in result.of("slice"):
        load: dict[str, Any] = one["load"]
        mechanism = str(one["side"]).partition("+")[0]
        replies[mechanism] = replies.get(mechanism, 0) + int(load["replies"])
    assert set(replies) == {name.partition("+")[0] for name in _MECHANISMS}
    assert all(count > 0 for count in replies.values()), replies


def test_figures_are_of_the_guest_and_say_that_they_are_emulated(hosts: Hosts, run: Path) -> None:
    plan = hosts.up.plan
    rows = json.loads((run / "summary.json").read_text())["rows"]
    measured = [row for row in rows if row["status"] == "ok"]
    assert {(row["where"], row["kernel"], row["accel"]) for row in measured} == {
        ("guest", plan.release, plan.accel)
    }
    page = (run / "report.html").read_text()
    assert plan.accel != "tcg" or "emulated" in page.lower()
    assert (run / "report.pdf").is_file() and (run.parent / "hosts.html").is_file()


def test_second_play_of_everything_but_the_measurement_changes_nothing(
    hosts: Hosts, run: Path
) -> None:
    again = hosts.play("--skip-tags", "run")
    assert (again.status, again.changed) == (0, 0), again.text
