# SPDX-License-Identifier: MIT
from __future__ import annotations

import os
from pathlib import Path

from harness.suite.outcome import Outcome, check_command, complaints, read_junit


def test_a_command_passes_by_its_exit_status(tmp_path: Path) -> None:
    environment = dict(os.environ)
    assert check_command("true", ["true"], tmp_path, environment, 5).passed == 1
    broken = check_command("sh", ["sh", "-c", "echo why; exit 3"], tmp_path, environment, 5)
    assert broken.failed == 1
    assert "exit status 3" in broken.problems[0] and "why" in broken.problems[0]


def test_a_missing_or_endless_command_is_a_failure(tmp_path: Path) -> None:
    environment = dict(os.environ)
    assert check_command("x", ["/no/such/program"], tmp_path, environment, 5).failed == 1
    late = check_command("x", ["sleep", "30"], tmp_path, environment, 0.2)
    assert late.failed == 1 and "no end within" in late.problems[0]


def test_junit_cases_are_counted_with_their_reasons(tmp_path: Path) -> None:
    report = tmp_path / "report.xml"
    report.write_text(
        '<testsuite><testcase classname="a" name="ok"/>'
        '<testcase classname="a" name="bad"><failure message="m">text</failure></testcase>'
        '<testcase classname="a" name="left"><skipped message="no ring"/></testcase></testsuite>'
    )
    outcome = read_junit("unit", report)
    assert (outcome.passed, outcome.failed, outcome.skipped) == (1, 1, 1)
    assert "a.bad" in outcome.problems[0] and "text" in outcome.problems[0]
    assert outcome.skips == ["unit: a.left: no ring"]


def test_a_report_without_cases_fails(tmp_path: Path) -> None:
    report = tmp_path / "report.xml"
    report.write_text("<testsuite/>")
    assert read_junit("unit", report).failed == 1
    assert read_junit("unit", tmp_path / "absent.xml").failed == 1


def test_outcomes_add_up() -> None:
    total = Outcome(passed=1)
    total.add(Outcome(passed=2, failed=1, problems=["p"], skipped=1, skips=["s"]))
    assert (total.passed, total.failed, total.skipped) == (3, 1, 1)
    assert total.problems == ["p"] and total.skips == ["s"]


def test_the_complaint_of_one_file_among_many_is_shown() -> None:
    noise = [f"{number} warnings generated." for number in range(100)]
    fault = ["\x1b[1m/a/b.hpp:236:17: \x1b[0;1;31merror: \x1b[0mno effect", "  : plan_()", "  ^~~"]
    text = "\n".join([*noise, *fault, *noise])
    assert [line.strip() for line in complaints(text).splitlines()] == [
        line.strip() for line in fault
    ]
    assert complaints("\n".join(noise)).count("\n") == 39
