# SPDX-License-Identifier: MIT
from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from harness.guest import spec
from harness.guest.kernels import DEFAULT_SERIES
from harness.suite import conformance, equal_work, guest_cases

PROGRAM = Path("/tree/kevbench-conformance")

REPORT = """<?xml version="1.0" encoding="UTF-8"?>
<testsuites tests="3" failures="1" name="AllTests">
  <testsuite name="All/ConformanceTest" tests="3">
    <testcase name="Reads/kevent_mapped" status="run" result="completed" classname="All/ConformanceTest" />
    <testcase name="Reads/io_uring_poll" status="run" result="skipped" classname="All/ConformanceTest">
      <skipped message="this kernel lacks it"><![CDATA[this kernel lacks it]]></skipped>
    </testcase>
    <testcase name="Reads/kevent_get" status="run" result="completed" classname="All/ConformanceTest">
      <failure message="x" type=""><![CDATA[waiting_test.cpp:3 wrong]]></failure>
    </testcase>
  </testsuite>
</testsuites>
"""

FINE = """<testsuites><testsuite name="S">
    <testcase name="Reads/epoll_lt" status="run" result="completed" classname="S" />
</testsuite></testsuites>
"""

GUEST = spec.GuestResult(
    outcome=spec.Outcome.EXITED,
    number=1,
    stdout=b"one line\n",
    stderr=b"",
    faults=(),
    taint=0,
    release="6.12.0",
    accel="tcg",
    boot_s=1.0,
    wall_s=2.0,
    results=(),
    state_dir=Path("/tree/state"),
    console_tail=(),
    reason="",
)


class _Guests:
    """Stands in for a guest: writes `report`, if any, and answers `result`."""

    def __init__(self, result: spec.GuestResult, report: str = REPORT) -> None:
        self.result = result
        self.report = report
        self.asked: list[spec.GuestSpec] = []

    def __call__(self, asked: spec.GuestSpec) -> spec.GuestResult:
        self.asked.append(asked)
        assert asked.out_dir is not None
        if self.report:
            for number in range(asked.command[-1].count("--gtest_output")):
                report = asked.out_dir / f"part{number}.xml"
                report.write_text(self.report if number == 0 else FINE, encoding="utf-8")
        return self.result


@pytest.fixture(autouse=True)
def no_build(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guest_cases, "choose_kernel", lambda series, tell: series)
    monkeypatch.setattr(guest_cases, "build_module", lambda kernel: Path("/tree/kevent.ko"))


def test_cases_count_one_by_one_and_skips_are_named() -> None:
    outcome = conformance.conformance(PROGRAM, DEFAULT_SERIES, _Guests(GUEST))
    assert (outcome.passed, outcome.failed, outcome.skipped) == (3, 1, 1)
    assert "Reads/kevent_get" in outcome.problems[0] and "wrong" in outcome.problems[0]
    assert outcome.skips == [
        f"conformance {DEFAULT_SERIES}: All/ConformanceTest.Reads/io_uring_poll: "
        "this kernel lacks it"
    ]


def test_a_missing_variant_of_kevent_is_asked_to_fail_and_the_module_is_loaded() -> None:
    guests = _Guests(GUEST)
    conformance.conformance(PROGRAM, DEFAULT_SERIES, guests)
    conformance.conformance(PROGRAM, "6.1", guests)
    whole, part = guests.asked
    assert whole.environment["KEVBENCH_REQUIRE_KEVENT"] == "1" and whole.module is not None
    for filters in (conformance.KEVENT, conformance.IO_URING, conformance.OTHERS):
        assert f"'{filters}'" in whole.command[-1]
        assert (f"'{filters}'" in part.command[-1]) == (filters == conformance.KEVENT)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"faults": ("BUG: oops",)}, "the kernel reports: BUG: oops"),
        ({"outcome": spec.Outcome.DEADLINE, "reason": "time is up"}, "time is up"),
    ],
)
def test_a_guest_that_went_wrong_is_a_failure_of_its_own(
    changes: dict[str, object], told: str
) -> None:
    guests = _Guests(replace(GUEST, **changes))
    outcome = conformance.conformance(PROGRAM, DEFAULT_SERIES, guests)
    assert outcome.failed == 2 and told in outcome.problems[-1]


def test_a_program_that_wrote_no_report_has_failed() -> None:
    outcome = conformance.conformance(PROGRAM, DEFAULT_SERIES, _Guests(GUEST, report=""))
    assert outcome.passed == 0 and outcome.failed == 3


def test_a_bad_status_without_a_failed_case_is_told() -> None:
    fine = REPORT.replace("<failure", "<other").replace("</failure", "</other")
    outcome = conformance.conformance(PROGRAM, DEFAULT_SERIES, _Guests(GUEST, fine))
    assert outcome.failed == 1 and "although nothing failed" in outcome.problems[0]


def test_equal_work_is_required_of_kevent_and_runs_without_debugging_information(
    tmp_path: Path,
) -> None:
    program = tmp_path / "workloads_test"
    words = ["gcc", "-g", "-x", "c", "-", "-o", str(program)]
    subprocess.run(words, input=b"int main(void) { return 0; }", check=True, timeout=60)
    sizes = []

    def run(asked: spec.GuestSpec) -> spec.GuestResult:
        (carried,) = asked.add
        sizes.append(carried.stat().st_size)
        return guests(asked)

    guests = _Guests(GUEST, FINE)
    outcome = equal_work.equal_work(program, DEFAULT_SERIES, run)
    assert (outcome.passed, outcome.failed) == (1, 1), "the guest's status is bad, no case is"
    (asked,) = guests.asked
    assert asked.environment["KEVBENCH_REQUIRE_KEVENT"] == "1" and asked.module is not None
    assert equal_work.FILTER in asked.command[-1] and "workloads_test" in asked.command[-1]
    assert 0 < sizes[0] < program.stat().st_size
