# SPDX-License-Identifier: MIT
"""Playbooks find in the inventory what they decide by, and nothing that is wrong for the host."""

from pathlib import Path
from typing import Any

import pytest

from harness.guest.errors import GuestError
from harness.guest.hosts import inventory
from harness.guest.hosts.testing import make_state
from harness.guest.hosts.topology import Topology


def _groups(topology: Topology, folder: Path, count: int | None = None) -> dict[str, Any]:
    document = inventory.document(make_state(topology, folder, count), folder)
    children: dict[str, Any] = document["all"]["children"]
    return children


def test_guests_are_reached_by_ssh_and_can_load_modules(tmp_path: Path) -> None:
    groups = _groups(Topology.PAIR, tmp_path)
    server, generator = groups["servers"]["hosts"]["srv1"], groups["loadgens"]["hosts"]["lg1"]
    for at, host in enumerate((server, generator)):
        assert host["ansible_host"] == "127.0.0.1"
        assert host["ansible_port"] == 2200 + at
        assert host["ansible_ssh_private_key_file"] == str(tmp_path / "id_ed25519")
        assert "StrictHostKeyChecking=yes" in host["ansible_ssh_common_args"]
        assert host["host_kind"] == "vm"
        assert host["can_load_modules"] is host["can_tune_global"] is True
        assert (host["accel"], host["kernel"]) == ("tcg", "6.12.0-test")
    assert server["bench_address"] == "10.77.0.1"
    assert generator["bench_server"] == "srv1"
    assert "bench_server" not in server


def test_namespaces_share_this_kernel_and_have_a_root_of_their_own(tmp_path: Path) -> None:
    groups = _groups(Topology.TAP, tmp_path, 3)
    generators = groups["loadgens"]["hosts"]
    assert list(generators) == ["lg1", "lg2"]
    for name, host in generators.items():
        assert (host["ansible_connection"], host["host_kind"]) == ("netns", "netns")
        assert host["ansible_netns"] == f"kvb-none-{name}"
        assert host["can_load_modules"] is host["can_tune_global"] is False
        assert host["bench_root"] == str(tmp_path / "roots" / name)
        assert "ansible_host" not in host
    assert groups["servers"]["hosts"]["srv1"]["host_kind"] == "vm"


def test_lone_guest_is_server_and_generator(tmp_path: Path) -> None:
    groups = _groups(Topology.ONE, tmp_path)
    assert groups["servers"]["hosts"]["vm1"]["bench_address"] == "127.0.0.1"
    assert groups["loadgens"]["hosts"]["vm1"] == {"bench_server": "vm1"}
    assert groups["targets"] == {"children": {"servers": {}, "loadgens": {}}}


def test_file_is_yaml_with_quoted_words(tmp_path: Path) -> None:
    text = inventory.text(make_state(Topology.TAP, tmp_path), tmp_path)
    assert text.startswith("# Written by `kevbench guest up --topology tap`")
    assert "\n    servers:\n      hosts:\n        srv1:\n" in text
    assert '\n          host_kind: "vm"\n' in text
    assert "\n          can_load_modules: true\n" in text


def test_file_of_somebody_else_is_not_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "hosts.yml"
    inventory.check_path(path)
    path.write_text(inventory.text(make_state(Topology.ONE, tmp_path), tmp_path))
    inventory.check_path(path)
    path.write_text("all:\n")
    with pytest.raises(GuestError, match="is no inventory of 'guest up'"):
        inventory.check_path(path)
