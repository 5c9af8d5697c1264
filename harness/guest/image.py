# SPDX-License-Identifier: MIT
"""Builds the guest's first file system: our init, busybox, kernel modules, and the payload."""

import hashlib
import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.guest import cpio, elf
from harness.guest.errors import GuestError
from harness.guest.kernels import Kernel, module_closure
from harness.guest.paths import build_lock, guest_build_dir
from harness.guest.payload import Payload
from harness.guest.transport import JOB_PATH

_INIT_SOURCES = Path(__file__).parent / "init"
_WARNINGS = ("-Wall", "-Wextra", "-Wpedantic", "-Wshadow", "-Wconversion", "-Werror")
# Static: the payload need not bring any library, and may bring other versions of them.
_CXX_FLAGS = ("-std=c++20", "-O2", "-static", "-s", *_WARNINGS)
BUSYBOX = "/kvb/busybox"
_APPLETS = "/kvb/applets"
MODULES_DIR = "/kvb/modules"
MODULE_PATH = "/kvb/module.ko"
STDIN_PATH = "/kvb/stdin"

BASE_ENVIRONMENT = {
    # The applets come last: they fill in for programs that nobody added.
    "PATH": f"/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:{_APPLETS}",
    "HOME": "/root",
    "USER": "root",
    "LANG": "C.UTF-8",
    "TERM": "dumb",
    "KEVBENCH_GUEST": "1",
    "KEVBENCH_RESULTS": "/results",
}

_ETC = {
    "/etc/passwd": "root:x:0:0:root:/root:/bin/sh\n"
    "nobody:x:65534:65534:nobody:/nonexistent:/bin/false\n",
    "/etc/group": "root:x:0:\nnogroup:x:65534:\n",
    "/etc/hosts": "127.0.0.1 localhost guest\n::1 localhost\n",
    "/etc/hostname": "guest\n",
    "/etc/nsswitch.conf": "passwd: files\ngroup: files\nhosts: files\nservices: files\n",
}


@dataclass(frozen=True)
class GuestModules:
    """Modules of the kernel's own, as paths in the guest."""

    early: Sequence[str]
    late: Sequence[str]


def find_busybox() -> Path:
    """The statically linked busybox of this machine; raises GuestError without one."""
    for folder in ("/bin", "/usr/bin"):
        path = Path(folder, "busybox").resolve()
        if path.is_file():
            info = elf.read_elf(path)
            if info is not None and info.interpreter is None:
                return path
    raise GuestError("no static busybox on this machine; apt-get install busybox-static")


def build_init() -> Path:
    """The guest's init as an executable, compiled when its sources or the compiler changed."""
    compiler = shutil.which("g++")
    if compiler is None:
        raise GuestError("g++ is missing, which the guest's init needs; apt-get install g++")
    sources = sorted(_INIT_SOURCES.glob("*.[ch]pp"))
    digest = hashlib.sha256(repr((_CXX_FLAGS, os.stat(compiler).st_mtime_ns)).encode())
    for source in sources:
        digest.update(source.name.encode() + b"\0" + source.read_bytes())
    init = guest_build_dir() / "init" / digest.hexdigest()[:16]
    with build_lock("init"):
        if not init.exists():
            _compile(compiler, sources, init)
    return init


def _compile(compiler: str, sources: Sequence[Path], init: Path) -> None:
    init.parent.mkdir(parents=True, exist_ok=True)
    temporary = init.with_suffix(".tmp")
    units = [str(source) for source in sources if source.suffix == ".cpp"]
    done = subprocess.run(
        [compiler, *_CXX_FLAGS, *units, "-o", str(temporary)],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    if done.returncode != 0:
        first = next((line for line in done.stderr.splitlines() if "error" in line), "no message")
        raise GuestError(f"the guest's init does not compile: {first.strip()}")
    for old in init.parent.iterdir():
        if old != temporary:
            old.unlink()
    temporary.rename(init)


def transport_modules(payload: Payload, kernel: Kernel, buffered: bool, disk: bool) -> GuestModules:
    """Adds the kernel's own modules that carry results out, and says when to load which.

    With buffered output the serial port waits until the command has ended: a driver that is not
    there yet cannot interrupt it.
    """
    disk_paths = put_modules(payload, kernel, ["virtio_pci", "virtio_blk"] if disk else [])
    all_port_paths = put_modules(payload, kernel, ["virtio_pci", "virtio_console"])
    port_paths = [path for path in all_port_paths if path not in disk_paths]
    if buffered:
        return GuestModules(disk_paths, port_paths)
    return GuestModules([*disk_paths, *port_paths], [])


def put_modules(payload: Payload, kernel: Kernel, names: Sequence[str]) -> list[str]:
    """Adds modules of the kernel's own with what they need; their paths in loading order."""
    paths = []
    for name, data in module_closure(kernel, names):
        path = f"{MODULES_DIR}/{name}.ko"
        payload.put(path, cpio.regular(data))
        paths.append(path)
    return paths


def put_base(payload: Payload, job: bytes) -> None:
    """Adds what every guest has; whatever the payload brings at the same path wins."""
    payload.put("/init", cpio.copy_of(build_init()))
    payload.put(JOB_PATH, cpio.regular(job))
    payload.put("/dev/console", cpio.character_device(5, 1))
    for folder in ("/proc", "/sys", "/root"):
        payload.put(folder, cpio.directory())
    payload.put("/tmp", cpio.directory(0o1777))


def put_userland(payload: Payload) -> None:
    """Adds a small system around the payload: busybox, /bin/sh, name services, loader cache."""
    for name in ("/bin", "/sbin", "/lib", "/lib64"):
        if os.path.islink(name):
            payload.put(name, cpio.symlink(os.readlink(name)))
            payload.put("/usr" + name, cpio.directory())
    busybox = find_busybox()
    payload.put(BUSYBOX, cpio.copy_of(busybox))
    payload.put(_shell_path(), cpio.symlink(BUSYBOX))
    for applet in _applets(busybox):
        payload.put(f"{_APPLETS}/{applet}", cpio.symlink(BUSYBOX))
    for path, text in _ETC.items():
        payload.put(path, cpio.regular(text.encode()))
    if os.path.isfile("/etc/ld.so.cache"):
        payload.put("/etc/ld.so.cache", cpio.copy_of(Path("/etc/ld.so.cache")))


def put_late_libraries(payload: Payload) -> None:
    """Adds what glibc opens by itself: thread cancellation and pthread_exit need libgcc."""
    libgcc = elf.loader_cache().get("libgcc_s.so.1")
    if libgcc is not None:
        payload.add(Path(libgcc))


def _shell_path() -> str:
    return "/usr/bin/sh" if os.path.islink("/bin") else "/bin/sh"


def _applets(busybox: Path) -> list[str]:
    done = subprocess.run([busybox, "--list"], capture_output=True, text=True, check=True)
    return done.stdout.split()


def write_image(path: Path, entries: Mapping[str, cpio.Entry]) -> None:
    """Writes the archive; raises GuestError when the disk is full or a file vanished."""
    try:
        with path.open("wb") as out:
            cpio.write_archive(out, entries)
    except OSError as error:
        raise GuestError(f"cannot write the guest's image: {error}") from None
