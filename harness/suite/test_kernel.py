# SPDX-License-Identifier: MIT
from __future__ import annotations

from pathlib import Path

from harness.guest import spec
from harness.guest.suite import ProgramResult, SuiteResult
from harness.suite.kernel import complaints, module_sources, suite_outcome

FOLDER = Path("/tree/build/copy")


def _guest(*faults: str) -> spec.GuestResult:
    return spec.GuestResult(
        outcome=spec.Outcome.EXITED,
        number=0,
        stdout=b"",
        stderr=b"",
        faults=faults,
        taint=0,
        release="6.1.0",
        accel="tcg",
        boot_s=1.0,
        wall_s=2.0,
        results=(),
        state_dir=FOLDER,
        console_tail=(),
        reason="",
    )


def test_only_complaints_about_our_own_files_count() -> None:
    output = (
        f"{FOLDER}/ev.c:3:5: warning: incorrect type\n"
        f"{FOLDER}/include/ev.h:9: error: no\n"
        "  CC [M]  ev.o\n"
        "/usr/src/linux/include/linux/fs.h:1:1: warning: theirs\n"
        "./include/linux/fs.h:1:1: warning: theirs, relative\n"
    )
    assert complaints(output, FOLDER) == [
        "kmod/ev.c:3:5: warning: incorrect type",
        "kmod/include/ev.h:9: error: no",
    ]


def test_only_what_kbuild_compiles_is_kernel_code() -> None:
    tracked = ["kmod/ring.c", "kmod/include/uapi/linux/kevent.h", "kmod/Makefile"]
    others = ["kmod/tests/ktest.c", "kmod/lib/kevent.c", "harness/core/clock.c"]
    assert module_sources(tracked + others) == tracked[:2]


def test_cases_of_a_boot_count_one_by_one_and_failures_are_named() -> None:
    programs = [
        ProgramResult("a", 3, 1, 1, "FAIL x: no", ("FAIL x: no",), ("SKIP y: no disk",)),
        ProgramResult("b", 0, 1, 0, "did not run"),
    ]
    outcome = suite_outcome("6.1", SuiteResult(programs, _guest("BUG: oops")))
    assert (outcome.passed, outcome.failed, outcome.skipped) == (3, 3, 1)
    assert outcome.problems == [
        "guest 6.1: a: FAIL x: no",
        "guest 6.1: b: did not run",
        "guest 6.1: the kernel reports: BUG: oops",
    ]
    assert outcome.skips == ["guest 6.1: a: SKIP y: no disk"]


def test_a_boot_in_which_nothing_ran_is_a_failure() -> None:
    assert suite_outcome("6.1", SuiteResult([], _guest())).failed == 1
