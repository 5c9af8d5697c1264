# SPDX-License-Identifier: MIT
"""The debug guest's kernel: built from Debian's source package with every checker switched on.

Its configuration is debug.config on top of `make tinyconfig`. An option of that file which the
build did not take fails it: a checker that is silently missing finds nothing.
"""

import hashlib
import json
import os
import re
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from harness.guest import apt
from harness.guest.errors import GuestError
from harness.guest.kernels import Kernel
from harness.guest.paths import build_lock, guest_build_dir, shown

SERIES = "debug"
CONFIG = Path(__file__).parent / "debug.config"
_PACKAGE = "linux-source-6.12"
_TOOLS = {"flex": "flex", "bison": "bison", "bc": "bc", "make": "make"}
_CONFIGURE_TIMEOUT_S = 600
#: About 12 minutes on two idle cores.
_BUILD_TIMEOUT_S = 7200

Tell = Callable[[str], None]


def debug_dir() -> Path:
    """Source, objects and manifest of the debug kernel."""
    return guest_build_dir() / "debug-kernel"


def cached_debug_kernel() -> Kernel | None:
    """The kernel built last, when it has today's configuration; None when there is none."""
    try:
        record = json.loads((debug_dir() / "manifest.json").read_text(encoding="utf-8"))
        release, digest = str(record["release"]), str(record["config_sha256"])
    except (OSError, ValueError, KeyError):
        return None
    return _kernel(release) if digest == config_digest() else None


def config_digest() -> str:
    """Identifies the configuration a kernel was built with."""
    return hashlib.sha256(CONFIG.read_bytes()).hexdigest()


def ensure_debug_kernel(tell: Tell) -> Kernel:
    """The debug kernel, built when there is none with today's configuration.

    Takes about 12 minutes on two idle cores and 3 GB below build/. Raises GuestError when a tool is
    missing, apt cannot deliver the source, or the build fails.
    """
    with build_lock("debug-kernel"):
        found = cached_debug_kernel()
        if found is not None:
            return found
        for tool, package in _TOOLS.items():
            if shutil.which(tool) is None:
                raise GuestError(f"{tool} is missing; apt-get install {package}")
        source = _ensure_source(tell)
        tell("configuring and building the debug kernel (about 12 minutes on two idle cores)")
        _configure(source)
        _make(source, ["bzImage", "modules"], _BUILD_TIMEOUT_S)
        return _finish()


def _kernel(release: str) -> Kernel:
    objects = debug_dir() / "objects"
    return Kernel(
        series=SERIES,
        release=release,
        vmlinuz=objects / "arch/x86/boot/bzImage",
        modules_dir=objects,
        headers=objects,
    )


def _ensure_source(tell: Tell) -> Path:
    """The unpacked source of the newest version apt offers; older ones are removed."""
    record = apt.candidate(_PACKAGE)
    if record is None:
        apt.update()
        record = apt.candidate(_PACKAGE)
    if record is None:
        raise GuestError(
            f"apt offers no {_PACKAGE}; the machine needs bookworm-security in its sources"
        )
    source = debug_dir() / f"source-{record.version.replace('~', '-')}"
    if source.is_dir():
        return source
    tell(f"fetching {_PACKAGE} {record.version}")
    shutil.rmtree(debug_dir(), ignore_errors=True)
    debug_dir().mkdir(parents=True)
    with tempfile.TemporaryDirectory(dir=debug_dir(), prefix=".fetch-") as temporary:
        folder = Path(temporary)
        package = apt.download([record], folder)[0]
        apt.unpack(package.file, folder / "package")
        archives = list((folder / "package/usr/src").glob("linux-source-*.tar.xz"))
        if len(archives) != 1:
            raise GuestError(f"{_PACKAGE} {record.version} holds no source archive")
        with tarfile.open(archives[0]) as archive:
            archive.extractall(folder / "tree")
        (tree,) = (folder / "tree").iterdir()
        tree.rename(source)
    return source


def _configure(source: Path) -> None:
    """tinyconfig with debug.config; GuestError naming the options that did not take effect."""
    objects = debug_dir() / "objects"
    objects.mkdir(exist_ok=True)
    _make(source, ["tinyconfig"], _CONFIGURE_TIMEOUT_S)
    with (objects / ".config").open("a", encoding="utf-8") as effective:
        effective.write(CONFIG.read_text("utf-8"))
    _make(source, ["olddefconfig"], _CONFIGURE_TIMEOUT_S)
    missing = unmet(CONFIG.read_text("utf-8"), (objects / ".config").read_text("utf-8"))
    if missing:
        raise GuestError(f"the debug kernel cannot have {', '.join(missing)}; mend {CONFIG.name}")


def unmet(wanted: str, effective: str) -> list[str]:
    """The options of a configuration fragment that the effective configuration lacks."""
    present = set(effective.splitlines())
    return [
        line.partition("=")[0]
        for line in wanted.splitlines()
        if line.startswith("CONFIG_") and line not in present
    ]


def _finish() -> Kernel:
    objects = debug_dir() / "objects"
    release = (objects / "include/config/kernel.release").read_text("utf-8").strip()
    if not re.fullmatch(r"[\w.+-]+", release):
        raise GuestError(f"the debug kernel calls itself {release!r}; remove {shown(debug_dir())}")
    # What is built in is said by the file that modules_install would copy.
    (objects / "modules.builtin").touch()
    record = {"release": release, "config_sha256": config_digest()}
    (debug_dir() / "manifest.json").write_text(json.dumps(record, indent=2) + "\n", "utf-8")
    return _kernel(release)


def _make(source: Path, targets: Sequence[str], timeout_s: float) -> None:
    objects = debug_dir() / "objects"
    log = debug_dir() / f"make-{targets[0]}.log"
    command = ["make", "-C", str(source), f"O={objects}", f"-j{os.cpu_count() or 1}", *targets]
    try:
        with log.open("w", encoding="utf-8") as output:
            done = subprocess.run(
                command,
                stdout=output,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                check=False,
                timeout=timeout_s,
            )
    except subprocess.TimeoutExpired:
        raise GuestError(f"the debug kernel took longer than {timeout_s:.0f} s to build") from None
    if done.returncode != 0:
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
        first = next((line for line in lines if re.search(r"\berror\b|\*\*\*", line)), "see log")
        raise GuestError(f"the debug kernel does not build: {first.strip()} (log: {shown(log)})")
