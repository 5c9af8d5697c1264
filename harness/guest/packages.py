# SPDX-License-Identifier: MIT
"""Files of Debian packages that guests run and this machine does not."""

from __future__ import annotations

import tempfile
from pathlib import Path

from harness.guest import apt
from harness.guest.errors import GuestError
from harness.guest.paths import build_lock, guest_build_dir


def folder_of(package: str) -> Path:
    """Where unpacked() puts the files, whether or not they are there."""
    return guest_build_dir() / "packages" / package


def unpacked(package: str) -> Path:
    """The package's files below build/, fetched when they are not there. Raises GuestError.

    It is not installed: a server that Debian starts by itself would disturb what is measured here.
    """
    folder = folder_of(package)
    with build_lock("packages"):
        if not folder.is_dir():
            record = apt.candidate(package)
            if record is None:
                raise GuestError(f"apt does not offer {package}; run 'apt-get update'")
            folder.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=folder.parent) as name:
                downloaded = apt.download([record], Path(name))
                apt.unpack(downloaded[0].file, Path(name) / "root")
                (Path(name) / "root").rename(folder)
    return folder


def why_missing(package: str) -> str | None:
    """Why its files cannot be had, in one line; None where they are there or apt offers them."""
    if folder_of(package).is_dir():
        return None
    try:
        offered = apt.candidate(package)
    except GuestError as problem:
        return str(problem)
    return None if offered else f"apt does not offer {package}: run 'apt-get update' on Debian 12"
