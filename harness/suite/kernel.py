# SPDX-License-Identifier: MIT
"""The stages for kevent.ko: what compiler, sparse and checkpatch say, and its tests in guests.

Builds here go through a copy of kmod/, because Kbuild writes beside the sources and a build for
another kernel may be going on there.
"""
from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from harness.guest.checkpatch import ensure_checkpatch
from harness.guest.errors import GuestError
from harness.guest.kernels import DEFAULT_SERIES, SERIES, Kernel, ensure_kernel
from harness.guest.module import module_missing
from harness.guest.paths import guest_build_dir
from harness.guest.suite import SuiteResult, run_suite
from harness.suite.conformance import conformance
from harness.suite.equal_work import equal_work
from harness.suite.outcome import Outcome, check_command, last_lines

_BUILD_LIMIT_S = 600.0
_CHECKPATCH_LIMIT_S = 120.0
#: What Kbuild compiles; the rest of kmod/ runs in user space and is checked by its own makefiles.
_USER_SPACE = ("kmod/lib/", "kmod/tests/", "kmod/preload/", "kmod/examples/", "kmod/man/")
_COMPAT = "kmod/compat.h"
_COMPLAINT = re.compile(r"^(\S+?):\d+(?::\d+)?: (?:warning|error):")


def module_sources(tracked: Sequence[str]) -> list[str]:
    """The files of kmod/ that are kernel code, of all files git knows."""
    return [
        path
        for path in tracked
        if path.startswith("kmod/")
        and path.endswith((".c", ".h"))
        and not path.startswith(_USER_SPACE)
    ]


def complaints(output: str, folder: Path) -> list[str]:
    """Warnings and errors about files below `folder`, which Kbuild names by their absolute paths.

    What the kernel's own headers earn is not ours.
    """
    return [
        line.replace(f"{folder}/", "kmod/")
        for line in output.splitlines()
        if (match := _COMPLAINT.match(line)) and Path(match.group(1)).is_relative_to(folder)
    ]


def module_checks(root: Path, tracked: Sequence[str]) -> Outcome:
    """Builds for each kernel with W=1 and -Werror and under sparse, then checkpatch."""
    outcome = Outcome()
    if missing := module_missing():
        outcome.fail(f"kmod: {missing}")
        return outcome
    for series in SERIES:
        outcome.add(_guarded(f"kmod {series}", partial(_build_checks, root, series)))
    outcome.add(_guarded("checkpatch", lambda: _checkpatch(root, module_sources(tracked))))
    return outcome


def _guarded(title: str, check: Callable[[], Outcome]) -> Outcome:
    try:
        return check()
    except GuestError as error:
        outcome = Outcome()
        outcome.fail(f"{title}: {error}")
        return outcome


def _build_checks(root: Path, series: str) -> Outcome:
    kernel = ensure_kernel(series)
    outcome = Outcome()
    outcome.add(_make(root, kernel, "W=1 -Werror", ["W=1", "KCFLAGS=-Werror"]))
    if shutil.which("sparse") is None:
        outcome.fail("sparse is not installed; run ./kevbench test, which installs it")
    else:
        outcome.add(_make(root, kernel, "sparse", ["C=2"]))
    return outcome


def _make(root: Path, kernel: Kernel, title: str, arguments: Sequence[str]) -> Outcome:
    """One whole build from a fresh copy; passes when it ends well and says nothing of our files."""
    outcome = Outcome()
    folder = guest_build_dir() / "checks" / kernel.release
    shutil.rmtree(folder, ignore_errors=True)
    ignore = shutil.ignore_patterns("*.o", "*.ko", "*.mod", "*.mod.c", ".*.cmd", "*.order")
    shutil.copytree(root / "kmod", folder, ignore=ignore)
    jobs = f"-j{min(2, os.cpu_count() or 1)}"
    name = f"kmod {kernel.series}: {title}"
    try:
        done = subprocess.run(
            ["make", jobs, "-C", str(folder), f"KDIR={kernel.headers}", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=_BUILD_LIMIT_S,
            check=False,
        )
    except (FileNotFoundError, subprocess.TimeoutExpired) as error:
        outcome.fail(f"{name}: {error}")
        return outcome
    ours = complaints(done.stdout, folder)
    if done.returncode == 0 and not ours:
        outcome.passed += 1
    elif ours:
        outcome.fail(f"{name}\n{last_lines(chr(10).join(ours))}")
    else:
        outcome.fail(f"{name}: exit status {done.returncode}\n{last_lines(done.stdout)}")
    return outcome


def _checkpatch(root: Path, sources: Sequence[str]) -> Outcome:
    script = ensure_checkpatch()
    words = ["perl", str(script), "--no-tree", "--no-summary", "--terse"]
    # Code in the kernel's own tree knows its version; ours has one header for the differences.
    # ENOSYS for an unknown type is what kevent's specification asks for.
    words += ["--ignore", "LINUX_VERSION_CODE,CONSTANT_COMPARISON,ENOSYS", "--file", *sources]
    outcome = check_command("checkpatch", words, root, dict(os.environ), _CHECKPATCH_LIMIT_S)
    for path in sources:
        if path != _COMPAT and "LINUX_VERSION_CODE" in (root / path).read_text("utf-8"):
            outcome.fail(f"{path} tests LINUX_VERSION_CODE, which belongs into {_COMPAT}")
    return outcome


def guest_tests(root: Path) -> Outcome:
    """Runs the module's own tests and the adapters' on each stock kernel; cases count one by one."""
    outcome = Outcome()
    build = root / "build" / "release"
    program = build / "adapters" / "conformance" / "kevbench-conformance"
    for series in SERIES:
        outcome.add(_guarded(f"guest {series}", partial(_guest_suite, series)))
        outcome.add(_guarded(f"conformance {series}", partial(conformance, program, series)))
    workloads = build / "workloads" / "workloads_test"
    outcome.add(_guarded("equal work", partial(equal_work, workloads, DEFAULT_SERIES)))
    return outcome


def _guest_suite(series: str) -> Outcome:
    return suite_outcome(series, run_suite(series))


def suite_outcome(series: str, result: SuiteResult) -> Outcome:
    """Counts of one boot, with each failed and skipped case named."""
    outcome = Outcome(result.passed, result.failed, result.skipped)
    for program in result.programs:
        title = f"guest {series}: {program.name}"
        outcome.problems += [f"{title}: {line}" for line in program.failures]
        if program.problem and program.problem not in program.failures:
            outcome.problems.append(f"{title}: {program.problem}")
        outcome.skips += [f"{title}: {line}" for line in program.skips]
    if result.guest_problem:
        outcome.problems.append(f"guest {series}: {result.guest_problem}")
    if result.passed + result.failed == 0:
        outcome.fail(f"guest {series}: no test ran")
    return outcome
