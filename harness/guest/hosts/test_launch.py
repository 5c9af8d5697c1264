# SPDX-License-Identifier: MIT
"""Up and down with namespaces alone, which takes no guest: who ends what, and what is left."""

import argparse
import dataclasses
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.guest import cli, verbs
from harness.guest.errors import GuestError
from harness.guest.hosts import keeper, launch, state, status
from harness.guest.hosts.identity import end
from harness.guest.hosts.testing import make_state
from harness.guest.hosts.topology import Topology
from harness.guest.paths import REPOSITORY

_LIMIT_S = 60.0
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="network namespaces need root")


def _request(folder: Path, lifetime_s: float = 300.0) -> launch.Request:
    return launch.Request(Topology.NETNS, folder, "6.12", lifetime_s=lifetime_s)


@pytest.fixture
def up(tmp_path: Path) -> Iterator[state.State]:
    try:
        yield launch.up(_request(tmp_path), lambda line: None)
    finally:
        launch.down(tmp_path)


def _namespaces() -> list[str]:
    return os.listdir("/run/netns") if os.path.isdir("/run/netns") else []


def _wait_until_gone(kept: state.State) -> None:
    limit = time.monotonic() + _LIMIT_S
    while kept.running():
        assert time.monotonic() < limit
        time.sleep(0.1)


def _reaches(up: state.State, from_host: str, to_host: str) -> bool:
    """Whether a connection from one namespace arrives in the other."""
    address = up.plan.layout.host(to_host).address
    serve = "import socket; s = socket.create_server(('', 80)); print(flush=True); s.accept()"
    ask = f"import socket; socket.create_connection(('{address}', 80), 20)"
    there, here = (
        ["ip", "netns", "exec", up.namespaces[name], sys.executable, "-c"]
        for name in (to_host, from_host)
    )
    with subprocess.Popen([*there, serve], stdout=subprocess.PIPE) as server:
        assert server.stdout is not None
        server.stdout.readline()
        asked = subprocess.run([*here, ask], check=False, timeout=_LIMIT_S)
        server.kill()
    return asked.returncode == 0


@needs_root
def test_hosts_answer_each_other_until_they_are_taken_down(up: state.State, tmp_path: Path) -> None:
    names = set(up.namespaces.values())
    assert names <= set(_namespaces())
    assert _reaches(up, "lg1", "srv1")
    assert "ansible_netns" in Path(up.plan.inventory).read_text()
    assert launch.down(tmp_path)
    assert not up.running()
    assert not names & set(_namespaces())
    assert not Path(up.plan.inventory).exists()
    assert not launch.down(tmp_path)


@needs_root
def test_every_generator_reaches_the_server_and_the_others(tmp_path: Path) -> None:
    request = dataclasses.replace(_request(tmp_path), hosts=3)
    up = launch.up(request, lambda line: None)
    try:
        assert _reaches(up, "lg2", "srv1")
        assert _reaches(up, "lg2", "lg1")
    finally:
        launch.down(tmp_path)


@needs_root
def test_second_up_is_refused_and_changes_nothing(up: state.State, tmp_path: Path) -> None:
    with pytest.raises(GuestError, match="hosts are up already"):
        launch.up(_request(tmp_path), lambda line: None)
    assert up.running()
    assert state.read_state(tmp_path) == up


@needs_root
def test_everything_ends_by_itself_when_the_lifetime_is_over(tmp_path: Path) -> None:
    kept = launch.up(_request(tmp_path, lifetime_s=1.0), lambda line: None)
    _wait_until_gone(kept)
    assert not set(kept.namespaces.values()) & set(_namespaces())
    told = status.status_json(tmp_path)
    assert told is not None and told["ended"] == "the lifetime was over"
    launch.down(tmp_path)


@needs_root
def test_down_clears_up_after_a_keeper_that_was_killed(up: state.State, tmp_path: Path) -> None:
    assert end(up.keeper, signal.SIGKILL, _LIMIT_S)
    assert set(up.namespaces.values()) <= set(_namespaces())
    told = status.status_json(tmp_path)
    assert told is not None and told["ended"] == "they were killed"
    launch.down(tmp_path)
    assert not set(up.namespaces.values()) & set(_namespaces())


@needs_root
def test_down_clears_up_after_a_keeper_that_had_written_nothing(
    up: state.State, tmp_path: Path
) -> None:
    assert end(up.keeper, signal.SIGKILL, _LIMIT_S)
    (tmp_path / "state.json").unlink()
    launch.down(tmp_path)
    assert not set(up.namespaces.values()) & set(_namespaces())


@needs_root
def test_next_up_clears_up_first(up: state.State, tmp_path: Path) -> None:
    end(up.keeper, signal.SIGKILL, _LIMIT_S)
    again = launch.up(_request(tmp_path), lambda line: None)
    assert again.running()
    assert not set(up.namespaces.values()) & set(_namespaces())


@needs_root
def test_status_shows_each_host(up: state.State, tmp_path: Path) -> None:
    told = status.status_json(tmp_path)
    assert told is not None
    assert [(host["name"], host["running"]) for host in told["hosts"]] == [
        ("srv1", True),
        ("lg1", True),
    ]
    assert 0 < told["seconds_left"] <= 300
    lines = "\n".join(status.status_lines(told))
    assert "topology netns" in lines and up.namespaces["lg1"] in lines


def test_stale_state_ends_nobody(tmp_path: Path) -> None:
    with subprocess.Popen(["sleep", "600"]) as stranger:
        state.write_state(tmp_path, make_state(Topology.PAIR, tmp_path))
        record = json.loads((tmp_path / "state.json").read_text())
        record["keeper"]["pid"] = record["guests"]["srv1"]["process"]["pid"] = stranger.pid
        (tmp_path / "state.json").write_text(json.dumps(record))
        assert not launch.down(tmp_path)
        assert stranger.poll() is None
        stranger.kill()
    assert state.read_state(tmp_path) is None


def test_keeper_tells_why_it_cannot_start(tmp_path: Path) -> None:
    broken = make_state(Topology.ONE, tmp_path).plan
    state.write_plan(tmp_path, broken)
    readable, writable = os.pipe()
    done = subprocess.run(
        [sys.executable, "-m", "harness.guest.hosts.keeper", str(tmp_path), str(writable)],
        cwd=REPOSITORY,
        pass_fds=[writable],
        check=False,
        timeout=_LIMIT_S,
    )
    os.close(writable)
    with os.fdopen(readable, encoding="utf-8") as said:
        assert "QEMU of vm1 ended at once" in said.read()
    assert done.returncode == 1
    assert state.read_state(tmp_path) is None


def test_keeper_ends_at_its_time_and_when_asked() -> None:
    with keeper.asked_to_end() as asked:
        assert keeper.wait_for_end([], asked, time.time()) == "the lifetime was over"
        os.kill(os.getpid(), signal.SIGTERM)
        assert keeper.wait_for_end([], asked, time.time() + _LIMIT_S) == "asked to end"


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"memory_mib": 16}, "--mem takes at least 256"),
        ({"smp": 0}, "--smp takes 1 to 64"),
        ({"lifetime_s": 0.0}, "--lifetime takes 1 to"),
        ({"hosts": 1}, "--hosts takes 2 to 8"),
    ],
)
def test_request_that_makes_no_sense_is_refused(
    changes: dict[str, object], told: str, tmp_path: Path
) -> None:
    values = {"topology": Topology.PAIR, "folder": tmp_path, "series": "6.12", **changes}
    with pytest.raises(GuestError, match=told):
        launch.check(launch.Request(**values))  # type: ignore[arg-type]


def test_namespaces_without_root_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(GuestError, match="run as root, or take pair"):
        launch.check(_request(tmp_path))


def _parse(*arguments: str) -> argparse.Namespace:
    root = verbs.Parser(prog="kevbench")
    cli.add_guest_parser(root.add_subparsers(dest="verb", required=True))
    return root.parse_args(["guest", *arguments])


def test_command_line_without_hosts_says_how_to_get_some(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(_parse("ssh", "--state", str(tmp_path), "srv1")) == 4
    assert "'kevbench guest up --topology tap' brings some up" in capsys.readouterr().err
    assert cli.main(_parse("logs", "--state", str(tmp_path), "srv1")) == 4
    assert cli.main(_parse("down", "--state", str(tmp_path))) == 0
    assert cli.main(_parse("status", "--state", str(tmp_path))) == 0
    assert "none are up" in capsys.readouterr().out


@pytest.mark.parametrize(
    "arguments",
    [["up"], ["up", "--topology", "T2"], ["up", "--topology", "tap", "--kernel", "debug"], ["ssh"]],
)
def test_usage_error_of_a_host_verb_leaves_with_4(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        _parse(*arguments)
    assert caught.value.code == 4
