# SPDX-License-Identifier: MIT
"""Test programs are added up, and none that broke off counts as passed."""

from collections.abc import Callable
from pathlib import Path

import pytest

from harness.guest import module, suite

_MARK = "kvb-0123"


def _section(name: str, body: str, status: int | None) -> str:
    end = "" if status is None else f"\n{_MARK} end {status}\n"
    return f"{_MARK} begin {name}\n{body}{end}"


def _one(body: str, status: int | None) -> suite.ProgramResult:
    return suite.parse_output(_section("/t/prog", body, status), _MARK, ["/t/prog"])[0]


def test_closing_line_is_read_with_and_without_skips() -> None:
    program = _one("PASS a\nSKIP b\n3 passed, 0 failed, 2 skipped\n", 0)
    assert (program.name, program.passed, program.failed, program.skipped) == ("prog", 3, 0, 2)
    assert program.problem == ""
    assert _one("3 passed, 0 failed\n", 0).passed == 3


def test_failures_are_counted_as_reported_and_the_first_is_named() -> None:
    program = _one("PASS a\nFAIL b: got 1\nFAIL c\n1 passed, 2 failed, 0 skipped\n", 1)
    assert (program.passed, program.failed, program.problem) == (1, 2, "FAIL b: got 1")


def test_lines_of_failed_and_skipped_cases_are_kept() -> None:
    program = _one("FAIL b: got 1\nok c\nSKIP d: no disk\n1 passed, 1 failed, 1 skipped\n", 1)
    assert program.failures == ("FAIL b: got 1",)
    assert program.skips == ("SKIP d: no disk",)


@pytest.mark.parametrize(
    ("body", "status", "problem"),
    [
        ("5 passed, 0 failed, 0 skipped\n", 1, "left with status 1 although nothing failed"),
        ("PASS a\n", 0, "left without its closing line, status 0"),
        ("PASS a\n", 139, "left without its closing line, status 139"),
        ("PASS a\n", None, "did not end"),
        ("PASS a\n", 137, "killed, since it did not end in time"),
        ("5 passed, 0 failed\nmore\n", 137, "killed, since it did not end in time"),
    ],
)
def test_program_that_broke_off_is_one_failure(body: str, status: int | None, problem: str) -> None:
    program = _one(body, status)
    assert (program.failed, program.problem) == (1, problem)


def test_program_that_never_ran_has_failed() -> None:
    output = _section("/t/a", "1 passed, 0 failed, 0 skipped\n", 0)
    results = suite.parse_output(output, _MARK, ["/t/a", "/t/b"])
    assert [(program.name, program.failed) for program in results] == [("a", 0), ("b", 1)]
    assert results[1].problem == "did not run"


def test_programs_about_a_parameter_run_again_with_each_other_load() -> None:
    programs = [Path("/t/test_aio"), Path("/t/test_ctl"), Path("/t/test_races")]
    assert suite.section_names(programs, ["index=avl", "index=hash"]) == [
        *("/t/test_aio", "/t/test_ctl", "/t/test_races", "unload"),
        *("/t/test_ctl with index=avl", "/t/test_races with index=avl", "unload with index=avl"),
        *("/t/test_ctl with index=hash", "/t/test_races with index=hash"),
        "unload with index=hash",
    ]


def test_every_program_that_is_to_run_again_exists() -> None:
    sources = {path.stem for path in (module.kmod_dir() / "tests").glob("test_*.c")}
    assert sources.issuperset(suite.AGAIN_PROGRAMS)


def test_output_before_and_between_the_programs_is_ignored() -> None:
    output = "9 passed, 9 failed\n" + _section("/t/a", "1 passed, 0 failed", 0) + "7 failed\n"
    assert suite.parse_output(output, _MARK, ["/t/a"])[0].failed == 0


def _program(folder: Path, name: str, script: str) -> Path:
    program = folder / name
    program.write_text("#!/bin/sh\n" + script)
    program.chmod(0o755)
    return program


@pytest.mark.guest
def test_suite_runs_every_program_and_unloads_the_module(
    tmp_path: Path, fault_module: Callable[[str], Path]
) -> None:
    programs = [
        _program(tmp_path, "a good one", "echo PASS x; echo '4 passed, 0 failed, 1 skipped'"),
        _program(tmp_path, "crash", "echo PASS x; kill -SEGV $$"),
        _program(tmp_path, "bad", "echo 'FAIL y'; echo '1 passed, 1 failed, 0 skipped'; exit 1"),
        _program(tmp_path, "unended", "printf '2 passed, 0 failed, 0 skipped'"),
    ]
    shown: list[bytes] = []
    result = suite.run_suite("6.12", fault_module("6.12"), programs, shown.append)
    assert [(program.passed, program.failed) for program in result.programs] == [
        *((4, 0), (0, 1), (1, 1), (2, 0)),
        (1, 0),
    ]
    assert suite.summary_lines(result)[-1] == "8 passed, 2 failed"
    assert b"FAIL y" in b"".join(shown)


@pytest.mark.guest
def test_kernel_defect_fails_a_suite_in_which_every_program_passed(
    tmp_path: Path, fault_module: Callable[[str], Path]
) -> None:
    script = "echo warn > /sys/module/guest_fault/parameters/act; echo '1 passed, 0 failed'"
    result = suite.run_suite("6.1", fault_module("6.1"), [_program(tmp_path, "t", script)])
    assert result.guest_problem.startswith("the kernel reports: WARNING: CPU:")
    assert suite.summary_lines(result)[-1] == "2 passed, 1 failed"
