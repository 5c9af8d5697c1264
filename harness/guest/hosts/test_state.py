# SPDX-License-Identifier: MIT
"""What was written of hosts is read back; what does not describe running hosts is not trusted."""

from pathlib import Path

import pytest

from harness.guest.errors import GuestError
from harness.guest.hosts import state
from harness.guest.hosts.testing import make_plan, make_state
from harness.guest.hosts.topology import Topology


def test_state_and_plan_come_back_as_they_were(tmp_path: Path) -> None:
    assert state.read_state(tmp_path) is None
    written = make_state(Topology.TAP, tmp_path, 3)
    state.write_state(tmp_path, written)
    state.write_plan(tmp_path, written.plan)
    assert state.read_state(tmp_path) == written
    assert state.read_plan(tmp_path) == make_plan(Topology.TAP, tmp_path, 3)


def test_damaged_state_is_told_with_its_file(tmp_path: Path) -> None:
    (tmp_path / "state.json").write_text('{"plan": {}}')
    with pytest.raises(GuestError, match="state.json cannot be read"):
        state.read_state(tmp_path)


def test_state_of_a_process_that_is_gone_does_not_run(tmp_path: Path) -> None:
    assert make_state(Topology.PAIR, tmp_path, running=True).running()
    gone = make_state(Topology.TAP, tmp_path)
    assert not gone.running()
    assert not any(gone.host_runs(host) for host in gone.plan.layout.hosts)


def test_second_command_does_not_wait_for_the_first(tmp_path: Path) -> None:
    with state.exclusively(tmp_path):
        with pytest.raises(GuestError, match="another 'guest up' or 'guest down'"):
            with state.exclusively(tmp_path):
                pass
    with state.exclusively(tmp_path):
        pass


def test_keys_and_descriptions_go_and_logs_stay(tmp_path: Path) -> None:
    state.write_state(tmp_path, make_state(Topology.ONE, tmp_path))
    state.write_end(tmp_path, "asked to end")
    assert state.read_end(tmp_path) == "asked to end"
    for name in ("id_ed25519", "ssh_host_ed25519_key", "known_hosts", "initrd-vm1"):
        (tmp_path / name).touch()
    state.console(tmp_path, "vm1").touch()
    state.forget(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["console-vm1.log"]
