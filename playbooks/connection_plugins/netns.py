# SPDX-License-Identifier: MIT
"""Ansible connection to a network namespace of the controller, which then is a host of its own."""

from __future__ import annotations

from typing import Any

from ansible.errors import AnsibleConnectionFailure
from ansible.plugins.connection.local import Connection as LocalConnection

DOCUMENTATION = """
    name: netns
    short_description: run tasks in a network namespace of this machine
    description:
        - Runs commands through C(ip netns exec); files are those of this machine.
    author: Kevbench
    options:
        netns:
            description: name of the namespace
            default: inventory_hostname
            vars:
                - name: inventory_hostname
                - name: ansible_netns
"""


class Connection(LocalConnection):  # type: ignore[misc] # Ansible has no types
    """As `local`, but inside the namespace. It is no way to reach another machine."""

    transport = "netns"

    def exec_command(
        self, cmd: str, in_data: bytes | None = None, sudoable: bool = True
    ) -> tuple[int, bytes, bytes]:
        """Runs a shell command there; (status, standard output, standard error)."""
        name = str(self.get_option("netns"))
        if not name or "/" in name or name.startswith("-"):
            raise AnsibleConnectionFailure(f"{name!r} is no name of a network namespace")
        inside = f"ip netns exec {name} {cmd}"
        result: tuple[int, bytes, bytes] = super().exec_command(inside, in_data, sudoable)
        return result
