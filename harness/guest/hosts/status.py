# SPDX-License-Identifier: MIT
"""What `guest status` and `guest check` say of longer-lived hosts. Both only look."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

from harness.guest.errors import GuestError
from harness.guest.finding import Finding, tool_finding
from harness.guest.hosts import rootfs
from harness.guest.hosts.state import read_end, read_state
from harness.guest.paths import shown

#: Besides those that every guest needs.
_TOOLS = {
    "mmdebstrap": "mmdebstrap",
    "depmod": "kmod",
    "ssh": "openssh-client",
    "ip": "iproute2",
}


def findings() -> list[Finding]:
    """What `guest up` needs beyond what other guests do; none of it hinders those."""
    out = [tool_finding(tool, package, needed=False) for tool, package in _TOOLS.items()]
    root = os.geteuid() == 0
    said = "yes" if root else "no: topologies netns and tap, and building the image, need it"
    out.append(Finding("root", root or None, said))
    image = rootfs.cached_image()
    if image is None:
        said = "not here yet; the first 'guest up' builds it: a minute, 80 MB, 420 MiB of disk"
    else:
        said = f"made {image.manifest['made']}, {len(image.manifest['packages'])} packages"
    out.append(Finding("hosts' image", True if image else None, said))
    return out


def status_json(folder: Path) -> dict[str, Any] | None:
    """The hosts that are up or were left behind; None when there are none."""
    try:
        state = read_state(folder)
    except GuestError as error:
        return {"folder": str(folder), "running": False, "ended": str(error), "hosts": []}
    if state is None:
        return None
    running = state.running()
    return {
        "folder": str(folder),
        "running": running,
        "ended": "" if running else read_end(folder) or "they were killed",
        "topology": state.plan.topology,
        "kernel": state.plan.release,
        "accel": state.plan.accel,
        "inventory": state.plan.inventory,
        "seconds_left": max(0.0, state.ends_at - time.time()) if running else 0.0,
        "hosts": [
            {
                "name": host.name,
                "kind": host.kind,
                "address": host.address,
                "namespace": state.namespaces.get(host.name),
                "port": guest.port if (guest := state.guests.get(host.name)) else None,
                "pid": guest.process.pid if guest else None,
                "running": state.host_runs(host),
            }
            for host in state.plan.layout.hosts
        ],
    }


def status_lines(status: dict[str, Any] | None) -> list[str]:
    """The same for people."""
    if status is None:
        return ["hosts        none are up"]
    if not status["running"]:
        return [f"hosts        down: {status['ended']}; 'guest down' clears up"]
    left = f"{status['seconds_left']:.0f} s left"
    lines = [f"hosts        topology {status['topology']}, {status['kernel']}, {left}"]
    for host in status["hosts"]:
        where = f"port {host['port']}" if host["port"] else host["namespace"]
        state = "" if host["running"] else ", ENDED"
        lines.append(
            f"host         {host['name']:5} {host['kind']:5} {host['address']}, {where}{state}"
        )
    lines.append(f"inventory    {shown(Path(status['inventory']))}")
    return lines
