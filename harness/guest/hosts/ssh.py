# SPDX-License-Identifier: MIT
"""Keys of one launch, and how ssh is called with them: no password, no key that was not checked."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from harness.guest.errors import GuestError

#: Every guest of a launch has the same host key and is known under this name, whatever its port.
ALIAS = "kevbench-guest"
USER = "root"
_HOST_KEY, _USER_KEY, _KNOWN = "ssh_host_ed25519_key", "id_ed25519", "known_hosts"


def host_key(folder: Path) -> Path:
    return folder / _HOST_KEY


def user_key(folder: Path) -> Path:
    return folder / _USER_KEY


def make_keys(folder: Path) -> None:
    """Makes the user's and the host's key anew. Raises GuestError without ssh-keygen."""
    if shutil.which("ssh-keygen") is None or shutil.which("ssh") is None:
        raise GuestError("ssh is missing; apt-get install openssh-client")
    for key in (host_key(folder), user_key(folder)):
        for old in (key, public(key)):
            old.unlink(missing_ok=True)
        words = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", ALIAS, "-f", str(key)]
        done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=30)
        if done.returncode != 0:
            raise GuestError(f"ssh-keygen failed: {done.stderr.strip()}")
    known = f"{ALIAS} {public(host_key(folder)).read_text(encoding='ascii')}"
    (folder / _KNOWN).write_text(known, encoding="ascii")


def public(key: Path) -> Path:
    return key.with_name(key.name + ".pub")


def options(folder: Path) -> list[str]:
    """What makes ssh accept exactly these guests; the user's own configuration plays no part."""
    pairs = {
        "UserKnownHostsFile": f'"{folder / _KNOWN}"',
        "GlobalKnownHostsFile": "/dev/null",
        "HostKeyAlias": ALIAS,
        "StrictHostKeyChecking": "yes",
        "IdentitiesOnly": "yes",
        "PreferredAuthentications": "publickey",
    }
    return [word for key, value in pairs.items() for word in ("-o", f"{key}={value}")]


def command(folder: Path, port: int, words: list[str]) -> list[str]:
    """ssh to the guest behind that port of the loopback; a login shell without words."""
    return [
        *("ssh", "-F", "none", "-q", "-i", str(user_key(folder)), "-p", str(port)),
        *options(folder),
        *("-o", "BatchMode=yes", "-o", "ConnectTimeout=60"),
        f"{USER}@127.0.0.1",
        *words,
    ]
