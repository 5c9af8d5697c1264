# SPDX-License-Identifier: MIT
"""The Debian system that guests run as hosts: one disk image, built once, shared by all of them.

Named by a hash of everything that goes into it; an image of that name is used as it is. Its guests
write into a copy that vanishes with them.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.guest import apt
from harness.guest.errors import GuestError
from harness.guest.kernels import SERIES, Kernel, cached_kernel, ensure_kernel
from harness.guest.paths import build_lock, guest_build_dir, shown

_SUITE = "bookworm"
#: What playbooks find on a fresh host, so that they need no network: no compiler is among it.
PACKAGES = (
    *("openssh-server", "python3", "python3-numpy", "python3-jsonschema"),
    *("iproute2", "iputils-ping", "kmod", "procps", "util-linux", "ethtool", "zstd"),
    *("httperf", "wrk", "nghttp2-client", "ca-certificates"),
    *("liburing2", "libfmt9", "libbenchmark1debian", "libstdc++6"),
)
_LEFT_OUT = ("/usr/share/doc/*", "/usr/share/man/*", "/usr/share/locale/*", "/usr/share/info/*")
_DISK_MIB = 4096  # sparse: it takes what the system takes, about 350 MiB
_HERE = Path(__file__).parent
_INGREDIENTS = ("rootfs.py", "host-init.sh", "sshd.conf")
#: A download of 80 MB and the set-up of 150 packages: one minute on an idle machine.
_SYSTEM_LIMIT_S = 1800
_SBIN = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
TOOLS = {"mmdebstrap": "mmdebstrap", "mke2fs": "e2fsprogs", "depmod": "kmod"}

Tell = Callable[[str], None]


@dataclass(frozen=True)
class Image:
    """A finished image and its manifest: packages, kernels, hash."""

    disk: Path
    manifest: dict[str, Any]


def images_dir() -> Path:
    return guest_build_dir() / "host-image"


def cache_key(kernels: Sequence[Kernel]) -> str:
    """Names the image that these ingredients make."""
    digest = hashlib.sha256()
    for name in _INGREDIENTS:
        digest.update((_HERE / name).read_bytes() + b"\0")
    digest.update("\0".join(sorted(kernel.release for kernel in kernels)).encode())
    return digest.hexdigest()[:16]


def cached_image() -> Image | None:
    """The image for the kernels in the cache, or None. No side effects."""
    kernels = [kernel for series in SERIES if (kernel := cached_kernel(series))]
    return _image_at(images_dir() / cache_key(kernels)) if len(kernels) == len(SERIES) else None


def ensure_image(tell: Tell) -> Image:
    """The image, built when there is none: root, network and a minute. Raises GuestError."""
    kernels = [ensure_kernel(series) for series in SERIES]
    final = images_dir() / cache_key(kernels)
    with build_lock("host-image"):
        found = _image_at(final)
        if found is not None:
            return found
        _check_tools()
        tell("building the Debian image of the hosts (about a minute, 80 MB from the archive)")
        images_dir().mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=images_dir(), prefix=".build-") as temporary:
            folder = _build(Path(temporary), kernels)
            for old in images_dir().iterdir():
                if not old.name.startswith("."):
                    shutil.rmtree(old)  # a guest that runs from it keeps the file open
            folder.rename(final)
    image = _image_at(final)
    assert image is not None
    return image


def _image_at(folder: Path) -> Image | None:
    try:
        manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return Image(folder / "root.ext4", manifest)


def _check_tools() -> None:
    if os.geteuid() != 0:
        raise GuestError("building the hosts' image needs root: sudo ./kevbench guest up …")
    for tool, package in TOOLS.items():
        if shutil.which(tool, path=_SBIN) is None:
            raise GuestError(f"{tool} is missing; apt-get install {package}")


def _build(folder: Path, kernels: Sequence[Kernel]) -> Path:
    tree, done = folder / "tree", folder / "image"
    done.mkdir()
    _install_system(tree)
    _put_own_files(tree)
    for kernel in kernels:
        _put_kernel(tree, kernel)
    disk = done / "root.ext4"
    features = ["-O", "^has_journal", "-E", "lazy_itable_init=1,root_owner=0:0"]
    _run(
        ["mke2fs", "-q", "-F", "-t", "ext4", *features, "-d", str(tree), str(disk), f"{_DISK_MIB}M"]
    )
    with disk.open("rb") as data:
        sha256 = hashlib.file_digest(data, "sha256").hexdigest()
    manifest = {
        "schema": "kvb.host-image",
        "made": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "sha256": sha256,
        "kernels": [kernel.release for kernel in kernels],
        "packages": _installed(tree),
    }
    text = json.dumps(manifest, indent=2) + "\n"
    (done / "manifest.json").write_text(text, encoding="utf-8")
    return done


def sources(targets: str) -> list[str]:
    """apt source lines from the answer to `indextargets`, Debian's own of this release only.

    The machine's own archive is used, whatever it is called. Raises GuestError without one.
    """
    lines = dict.fromkeys(
        f"deb {uri} {suite} {component}"
        for line in targets.splitlines()
        for origin, uri, suite, component in [line.split("|")]
        if origin == "Debian" and suite.split("-")[0] == _SUITE
    )
    if not any(line.split()[2] == _SUITE for line in lines):
        raise GuestError(
            f"apt knows no Debian archive with {_SUITE}; the machine needs Debian 12 in its "
            "apt sources and an 'apt-get update'"
        )
    return list(lines)


def _install_system(tree: Path) -> None:
    words = ["mmdebstrap", "--mode=root", "--variant=minbase", f"--include={','.join(PACKAGES)}"]
    words += [f"--dpkgopt=path-exclude={pattern}" for pattern in _LEFT_OUT]
    words.append("--dpkgopt=path-include=/usr/share/doc/*/copyright")
    words += [f"--aptopt={option}" for option in _apt_options()]
    _run([*words, _SUITE, str(tree), *sources(apt.index_targets())], _SYSTEM_LIMIT_S)


def _apt_options() -> list[str]:
    """How this machine reaches its archive: proxies and the like."""
    wanted = re.compile(r'Acquire::(?:https?|Retries|Check)\b\S* "[^"]*";')
    return [line.rstrip(";") for line in apt.configuration() if wanted.fullmatch(line)]


def _put_own_files(tree: Path) -> None:
    init = tree / "usr/local/sbin/kevbench-init"
    shutil.copyfile(_HERE / "host-init.sh", init)
    init.chmod(0o755)
    shutil.copyfile(_HERE / "sshd.conf", tree / "etc/ssh/sshd_config.d/kevbench.conf")
    # Keys come with each launch; those that the package made would be the same everywhere.
    for key in (tree / "etc/ssh").glob("ssh_host_*"):
        key.unlink()
    (tree / "etc/resolv.conf").write_text("nameserver 10.0.2.3\n", encoding="ascii")


def _put_kernel(tree: Path, kernel: Kernel) -> None:
    shutil.copytree(kernel.modules_dir, tree / "usr/lib/modules" / kernel.release, symlinks=True)
    for dangling in ("build", "source"):
        (tree / "usr/lib/modules" / kernel.release / dangling).unlink(missing_ok=True)
    config = kernel.vmlinuz.with_name(f"config-{kernel.release}")
    if config.is_file():
        shutil.copyfile(config, tree / "boot" / config.name)
    _run(["depmod", "-b", str(tree), kernel.release])


def _installed(tree: Path) -> dict[str, str]:
    listing = _run(
        [
            *("dpkg-query", f"--admindir={tree}/var/lib/dpkg", "-W"),
            *("-f", "${Package} ${Version}\\n"),
        ]
    )
    return dict(line.split() for line in listing.splitlines())


def _run(command: Sequence[str], limit_s: float = 300) -> str:
    """Runs a tool away from the caller's environment, which would leak into the system built."""
    log = guest_build_dir() / "host-image.log"
    kept = {key: value for key, value in os.environ.items() if key.lower().endswith("_proxy")}
    environment = {"PATH": _SBIN, "LC_ALL": "C.UTF-8", **kept}
    try:
        with log.open("w", encoding="utf-8") as complaints:
            done = subprocess.run(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=complaints,
                text=True,
                check=False,
                timeout=limit_s,
                env=environment,
            )
    except FileNotFoundError:
        raise GuestError(f"{command[0]} is missing") from None
    except subprocess.TimeoutExpired:
        raise GuestError(
            f"{command[0]} took longer than {limit_s:.0f} s; see {shown(log)}"
        ) from None
    if done.returncode != 0:
        said = [line for line in log.read_text("utf-8", "replace").splitlines() if line.strip()]
        reason = next(
            (line for line in said if line.startswith("E:")), (said or ["no message"])[-1]
        )
        raise GuestError(f"{command[0]} failed: {reason.strip()}; see {shown(log)}")
    return done.stdout
