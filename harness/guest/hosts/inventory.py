# SPDX-License-Identifier: MIT
"""The Ansible inventory of hosts that are up: all that playbooks know of them."""

from __future__ import annotations

import json
import os
import shlex
from pathlib import Path
from typing import Any

from harness.guest.errors import GuestError
from harness.guest.hosts import ssh
from harness.guest.hosts.state import State, default_dir
from harness.guest.hosts.topology import Host
from harness.guest.paths import REPOSITORY, shown

#: Below this folder a guest keeps what playbooks bring and measure; it vanishes with the guest.
GUEST_ROOT = "/var/lib/kevbench"
#: Every task would else pay for a login, which takes an emulated guest two seconds.
_KEPT_OPEN = ("-o", "ControlMaster=auto", "-o", "ControlPersist=600s")
_PYTHON = "/usr/bin/python3"


_HEAD = "# Written by `kevbench guest up"


def default_path(folder: Path) -> Path:
    """Beside the playbooks for the hosts in the usual folder, else in the folder itself."""
    if folder == default_dir():
        return REPOSITORY / "playbooks" / "inventories" / "vm" / "hosts.yml"
    return folder / "hosts.yml"


def check_path(path: Path) -> None:
    """Raises GuestError where a file lies that `guest up` has not written."""
    try:
        written_by_us = path.read_text(encoding="utf-8").startswith(_HEAD)
    except FileNotFoundError:
        return
    except (OSError, ValueError):
        written_by_us = False
    if not written_by_us:
        raise GuestError(f"{shown(path)} exists and is no inventory of 'guest up'; name another")


def document(state: State, folder: Path) -> dict[str, Any]:
    """The inventory: groups servers, loadgens, and targets, which holds both."""
    hosts = state.plan.layout.hosts
    servers = {host.name: _variables(host, state, folder) for host in hosts if host.serves}
    generators = {
        host.name: {} if host.serves else _variables(host, state, folder)
        for host in hosts
        if host.server is not None
    }
    for host in hosts:
        if host.server is not None:
            generators[host.name]["bench_server"] = host.server
    return {
        "all": {
            "children": {
                "servers": {"hosts": servers},
                "loadgens": {"hosts": generators},
                "targets": {"children": {"servers": {}, "loadgens": {}}},
            },
            "vars": {"ansible_python_interpreter": _PYTHON},
        }
    }


def _variables(host: Host, state: State, folder: Path) -> dict[str, Any]:
    shared = {"host_kind": host.kind, "bench_address": host.address}
    plan = state.plan
    if host.kind == "netns":
        return {
            **shared,
            "ansible_connection": "netns",
            "ansible_netns": state.namespaces[host.name],
            "can_load_modules": False,
            "can_tune_global": False,
            # Files are shared with this machine and between namespaces.
            "bench_root": str(folder / "roots" / host.name),
            "accel": "none",
            "kernel": os.uname().release,
        }
    return {
        **shared,
        "ansible_host": "127.0.0.1",
        "ansible_port": state.guests[host.name].port,
        "ansible_user": ssh.USER,
        "ansible_ssh_private_key_file": str(ssh.user_key(folder)),
        "ansible_ssh_common_args": shlex.join([*ssh.options(folder), *_KEPT_OPEN]),
        "can_load_modules": True,
        "can_tune_global": True,
        "bench_root": GUEST_ROOT,
        "accel": plan.accel,
        "kernel": plan.release,
    }


def text(state: State, folder: Path) -> str:
    """The inventory file. JSON scalars are YAML; the order is fixed."""
    head = f"{_HEAD} --topology {state.plan.topology}`; `kevbench guest down` removes it.\n"
    return head + _yaml(document(state, folder), "")


def _yaml(value: dict[str, Any], indent: str) -> str:
    out = ""
    for key, item in value.items():
        if isinstance(item, dict) and item:
            out += f"{indent}{key}:\n{_yaml(item, indent + '  ')}"
        else:
            out += f"{indent}{key}: {json.dumps(item)}\n"
    return out
