# SPDX-License-Identifier: MIT
"""Builds kevent.ko and its test programs for a guest's kernel, with the project's own makefiles."""

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

from harness.guest.errors import GuestError
from harness.guest.kernels import Kernel
from harness.guest.paths import REPOSITORY, build_lock, guest_build_dir, shown

MODULE_NAME = "kevent"
_BUILD_TIMEOUT_S = 900


def kmod_dir() -> Path:
    return REPOSITORY / "kmod"


def module_missing() -> str:
    """Why there is nothing to build, or an empty string."""
    makefile = kmod_dir() / "Makefile"
    return "" if makefile.is_file() else f"{shown(makefile)} does not exist"


def build_module(
    kernel: Kernel, source: Path | None = None, name: str = "kmod", flags: str = ""
) -> Path:
    """Builds the module for that kernel and returns a copy of its own under build/guest/.

    `source` is another tree's module folder, and `name` then keeps its copy apart; `flags` are
    further options of the compiler.

    Kbuild writes beside the sources, so builds for two kernels replace each other; the copy stays.
    Make decides what is out of date: Kbuild compares command lines, and those name the headers.
    Raises GuestError without kmod/Makefile and when the build fails.
    """
    missing = "" if source is not None else module_missing()
    if missing:
        raise GuestError(f"no module to load: {missing}; use --no-module or --module PATH")
    folder = source or kmod_dir()
    built = folder / f"{MODULE_NAME}.ko"
    copy = guest_build_dir() / name / kernel.release / built.name
    words = ["-C", str(folder), f"KDIR={kernel.headers}", *([f"KCFLAGS={flags}"] if flags else [])]
    with build_lock("kmod"):
        _make(words, f"{name}-{kernel.release}")
        if not built.is_file():
            raise GuestError(f"make in {shown(folder)} left no {built.name}")
        copy.parent.mkdir(parents=True, exist_ok=True)
        temporary = copy.with_suffix(".tmp")
        temporary.write_bytes(built.read_bytes())
        temporary.rename(copy)
    return copy


def build_preload(source: Path, name: str) -> Path | None:
    """Builds the epoll preload library of a module folder; None where it has none.

    Raises GuestError when the build fails.
    """
    if not (source / "preload" / "Makefile").is_file():
        return None
    out = guest_build_dir() / name / "preload"
    out.mkdir(parents=True, exist_ok=True)
    with build_lock("kmod"):
        _make(["-C", str(source / "preload"), f"OUT={out}"], f"{name}-preload")
    return out / "libkevent-preload.so"


def build_tests() -> list[Path]:
    """Builds the in-guest test programs (kmod/tests) and returns the executables, sorted."""
    tests = kmod_dir() / "tests"
    if not (tests / "Makefile").is_file():
        raise GuestError(f"{shown(tests / 'Makefile')} does not exist; there are no module tests")
    out = guest_build_dir() / "kmod-tests"
    out.mkdir(parents=True, exist_ok=True)
    _make(["-C", str(tests), f"OUT={out}"], "tests")
    programs = [
        path for path in sorted(out.iterdir()) if path.is_file() and os.access(path, os.X_OK)
    ]
    if not programs:
        raise GuestError(f"make in {shown(tests)} built no executable in {shown(out)}")
    return programs


def _make(arguments: Sequence[str], label: str) -> None:
    log = guest_build_dir() / f"make-{label}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    jobs = f"-j{min(2, os.cpu_count() or 1)}"
    try:
        with log.open("w", encoding="utf-8") as output:
            done = subprocess.run(
                ["make", jobs, *arguments],
                stdout=output,
                stderr=subprocess.STDOUT,
                check=False,
                timeout=_BUILD_TIMEOUT_S,
            )
    except FileNotFoundError:
        raise GuestError("make is missing; apt-get install make") from None
    except subprocess.TimeoutExpired:
        raise GuestError(f"make took longer than {_BUILD_TIMEOUT_S} s; see {shown(log)}") from None
    if done.returncode != 0:
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
        first = next((line for line in lines if "error" in line.lower()), "see the log")
        raise GuestError(f"the build failed: {first.strip()} (log: {shown(log)})")
