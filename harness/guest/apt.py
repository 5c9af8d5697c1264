# SPDX-License-Identifier: MIT
"""The few questions put to apt, each failure turned into one line that says what to do."""

import hashlib
import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.guest.errors import GuestError

_UPDATE_TIMEOUT_S = 300
_DOWNLOAD_TIMEOUT_S = 600
_QUERY_TIMEOUT_S = 60


@dataclass(frozen=True)
class Record:
    """What apt knows of one version of a package."""

    package: str
    version: str
    depends: tuple[str, ...]


@dataclass(frozen=True)
class Downloaded:
    """A package file. Apt has checked it against its signed lists."""

    record: Record
    file: Path
    sha256: str


def names(prefix: str) -> list[str]:
    """Every package name that begins so; empty when apt has no lists yet."""
    return _run(["apt-cache", "pkgnames", prefix], _QUERY_TIMEOUT_S).split()


def candidate(package: str) -> Record | None:
    """The version that apt would install now, or None when there is none."""
    return parse_record(_show(["--no-all-versions", package]))


def show(package: str, version: str) -> Record:
    """That very version; for a package that counts its versions apart, the current one."""
    record = parse_record(_show([f"{package}={version}"])) or candidate(package)
    if record is None:
        raise GuestError(f"apt does not offer {package}; run 'apt-get update' and try again")
    return record


def index_targets() -> str:
    """One line for each package list that apt uses: origin, address, suite, component."""
    form = "$(ORIGIN)|$(REPO_URI)|$(RELEASE)|$(COMPONENT)"
    command = ["apt-get", "indextargets", "--format", form, "Created-By: Packages"]
    return _run(command, _QUERY_TIMEOUT_S)


def configuration() -> list[str]:
    """Every option of apt, one a line, as `apt-config dump` prints it."""
    return _run(["apt-config", "dump"], _QUERY_TIMEOUT_S).splitlines()


def parse_record(text: str) -> Record | None:
    """Reads the first record of `apt-cache show`; None when there is none."""
    paragraph = text.split("\n\n")[0]
    fields = dict(re.findall(r"^([A-Za-z-]+): (.*)$", paragraph, re.MULTILINE))
    if "Package" not in fields or "Version" not in fields:
        return None
    depends = [
        re.split(r"[\s(:|]", item.strip())[0] for item in fields.get("Depends", "").split(",")
    ]
    return Record(fields["Package"], fields["Version"], tuple(name for name in depends if name))


def update() -> None:
    """Fetches the package lists; needs root, or sudo that asks nothing."""
    prefix = [] if os.geteuid() == 0 else ["sudo", "-n"]
    _run([*prefix, "apt-get", "update", "-q"], _UPDATE_TIMEOUT_S)


def download(records: Sequence[Record], folder: Path) -> list[Downloaded]:
    """Downloads the package files into `folder`; the caller removes them."""
    wanted = [f"{record.package}={record.version}" for record in records]
    # The sandbox user of apt cannot write into a private folder and apt would warn about it.
    sandbox = ["-o", "APT::Sandbox::User=root"] if os.geteuid() == 0 else []
    command = ["apt-get", *sandbox, "download", "-q", *wanted]
    try:
        _run(command, _DOWNLOAD_TIMEOUT_S, folder)
    except GuestError:
        update()  # the lists may name files that the archive has replaced since
        _run(command, _DOWNLOAD_TIMEOUT_S, folder)
    return [_downloaded(record, folder) for record in records]


def _downloaded(record: Record, folder: Path) -> Downloaded:
    found = list(folder.glob(f"{record.package}_*.deb"))
    if len(found) != 1:
        raise GuestError(f"apt-get download left no file of {record.package}; run again")
    return Downloaded(record, found[0], hashlib.sha256(found[0].read_bytes()).hexdigest())


def unpack(package: Path, into: Path) -> None:
    """Unpacks a package file without running any of its scripts."""
    _run(["dpkg-deb", "-x", str(package), str(into)], _QUERY_TIMEOUT_S)


def _show(arguments: Sequence[str]) -> str:
    # An unknown package makes apt-cache fail; here that is an answer, not an error.
    return _call(["apt-cache", "show", *arguments], _QUERY_TIMEOUT_S).stdout


def _run(command: Sequence[str], timeout_s: float, cwd: Path | None = None) -> str:
    done = _call(command, timeout_s, cwd)
    if done.returncode != 0:
        lines = [line for line in done.stderr.splitlines() if line.strip()] or ["no message"]
        reason = next((line for line in lines if line.startswith("E:")), lines[-1]).strip()
        raise GuestError(
            f"'{_shown(command)}' failed: {reason}; check apt's sources and the network"
        )
    return done.stdout


def _call(
    command: Sequence[str], timeout_s: float, cwd: Path | None = None
) -> subprocess.CompletedProcess[str]:
    tool = shutil.which(command[0])
    if tool is None:
        raise GuestError(
            f"{command[0]} is missing; the guest kernels are Debian packages, use Debian 12"
        )
    try:
        return subprocess.run(
            [tool, *command[1:]],
            capture_output=True,
            text=True,
            check=False,
            timeout=timeout_s,
            cwd=cwd,
            env=os.environ | {"LC_ALL": "C"},
        )
    except subprocess.TimeoutExpired:
        raise GuestError(
            f"'{_shown(command)}' took longer than {timeout_s:.0f} s; check the network"
        ) from None


def _shown(command: Sequence[str]) -> str:
    return " ".join(word for word in command[:6] if not word.startswith(("-o", "APT::")))
