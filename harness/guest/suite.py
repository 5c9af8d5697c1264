# SPDX-License-Identifier: MIT
"""The module's tests in a guest: runs every program of kmod/tests in one boot and adds them up.

A test program prints lines of its own and closes with "N passed, N failed, N skipped"; whether it
passed is judged by that line and by its exit status together.
"""

import re
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.guest import image
from harness.guest.choose import DEBUG_MEMORY_MIB, DEBUG_SLOWNESS, choose_kernel, is_debug
from harness.guest.kernels import module_info
from harness.guest.module import build_module, build_tests
from harness.guest.run import run_in_guest, tell_stderr
from harness.guest.spec import GuestResult, GuestSpec, Outcome

_DRIVER = Path(__file__).parent / "run_tests.sh"
_TOTALS = re.compile(r"^(\d+) passed, (\d+) failed(?:, (\d+) skipped)?\s*$", re.MULTILINE)
#: What the programs of AGAIN_PROGRAMS meet besides the default, by loading the module again.
OTHER_LOADS = ("index=avl,close_watch=fsnotify", "index=rhashtable")
#: Programs whose subject is what finds registrations by their names, or learns of closed files.
AGAIN_PROGRAMS = (
    "test_close_watch",
    "test_ctl",
    "test_lifetime",
    "test_many",
    "test_races",
    "test_threads",
)
_PROGRAM_SECONDS = 600
_BOOT_SECONDS = 120
_SCRATCH_MIB = 64
_MEMORY_MIB = 1024


@dataclass(frozen=True)
class ProgramResult:
    """What one test program said. `problem` is one line on why it failed; empty if it did not.

    `failures` and `skips` are the lines of the single cases, as the program printed them.
    """

    name: str
    passed: int
    failed: int
    skipped: int
    problem: str
    failures: tuple[str, ...] = ()
    skips: tuple[str, ...] = ()


@dataclass(frozen=True)
class SuiteResult:
    """All programs of one boot, and the guest they ran in."""

    programs: Sequence[ProgramResult]
    guest: GuestResult

    @property
    def guest_problem(self) -> str:
        """Why the boot as a whole counts as a failure of its own; empty if it does not.

        The driver's own status is nothing to go by: programs are judged one by one.
        """
        if self.guest.faults:
            return f"the kernel reports: {self.guest.faults[0]}"
        if self.guest.outcome is not Outcome.EXITED:
            return f"guest {self.guest.outcome.value}: {self.guest.reason or self.guest.number}"
        return ""

    @property
    def passed(self) -> int:
        return sum(program.passed for program in self.programs)

    @property
    def failed(self) -> int:
        return sum(program.failed for program in self.programs) + bool(self.guest_problem)

    @property
    def skipped(self) -> int:
        return sum(program.skipped for program in self.programs)


def run_suite(
    series: str,
    module: Path | None = None,
    programs: Sequence[Path] | None = None,
    show: Callable[[bytes], None] | None = None,
    tell: Callable[[str], None] = tell_stderr,
) -> SuiteResult:
    """Builds module and tests (unless given), boots a guest, runs the programs in it.

    `show` gets the programs' output as it comes. Raises GuestError when there is nothing to run.
    """
    kernel = choose_kernel(series, tell)
    # Another module than ours has no such parameters.
    loads = OTHER_LOADS if module is None else ()
    module = module or build_module(kernel)
    programs = programs or build_tests()
    loaded_name = module_info(module.read_bytes(), "name")
    slowness = DEBUG_SLOWNESS if is_debug(series) else 1
    program_seconds = _PROGRAM_SECONDS * slowness
    names = section_names(programs, loads)
    mark = f"kvb-{secrets.token_hex(8)}"
    output = bytearray()

    def collect(data: bytes) -> None:
        output.extend(data)
        if show is not None:
            show(data)

    guest = run_in_guest(
        GuestSpec(
            command=[
                *(str(_DRIVER), mark, str(program_seconds), loaded_name, image.MODULE_PATH),
                *(" ".join(loads), " ".join(AGAIN_PROGRAMS)),
                *(str(program) for program in programs),
            ],
            kernel=series,
            add=programs,
            module=module,
            environment={
                "KEVENT_TEST_SLOWNESS": str(slowness),
                "KEVENT_TEST_MODULE": image.MODULE_PATH,
            },
            smp=2,
            memory_mib=DEBUG_MEMORY_MIB if is_debug(series) else _MEMORY_MIB,
            deadline_s=_BOOT_SECONDS + program_seconds * len(names),
            scratch_mib=_SCRATCH_MIB,
        ),
        stdout=collect,
        stderr=collect,
        tell=tell,
    )
    return SuiteResult(parse_output(output.decode("utf-8", "replace"), mark, names), guest)


def section_names(programs: Sequence[Path], loads: Sequence[str]) -> list[str]:
    """What the driver runs, in its order, as it names each."""
    names = [str(program) for program in programs] + ["unload"]
    for load in loads:
        again = [program for program in programs if program.name in AGAIN_PROGRAMS]
        names += [f"{name} with {load}" for name in [*map(str, again), "unload"]]
    return names


def parse_output(text: str, mark: str, names: Sequence[str]) -> list[ProgramResult]:
    """One result for each of `names`; one that never ran or never ended has failed."""
    bodies: dict[str, tuple[str, int | None]] = {}
    for section in re.split(rf"^{mark} begin ", text, flags=re.MULTILINE)[1:]:
        name, _, body = section.partition("\n")
        end = re.search(rf"^{mark} end (\d+)$", body, re.MULTILINE)
        bodies[name] = (body[: end.start()], int(end.group(1))) if end else (body, None)
    return [_judge(name, *bodies.get(name, ("", None))) for name in names]


def _judge(name: str, body: str, status: int | None) -> ProgramResult:
    short = Path(name).name
    totals = _TOTALS.findall(body)
    passed, failed, skipped = (int(number or 0) for number in totals[-1]) if totals else (0, 0, 0)
    failures = _lines("FAIL|not ok", body)
    problem = ""
    if status is None:
        problem = "did not end" if body else "did not run"
    elif status in (124, 137):
        problem = "killed, since it did not end in time"
    elif not totals:
        problem = f"left without its closing line, status {status}"
    elif status != 0 and not failed:
        problem = f"left with status {status} although nothing failed"
    elif failed:
        problem = failures[0] if failures else f"{failed} failed"
    # A program that broke off counts as one failure on top of those it reported.
    broke_off = bool(problem) and not (failed and totals and status not in (None, 124, 137))
    return ProgramResult(
        short, passed, failed + broke_off, skipped, problem, failures, _lines("SKIP", body)
    )


def _lines(word: str, body: str) -> tuple[str, ...]:
    return tuple(line.strip() for line in re.findall(rf"^.*\b(?:{word})\b.*$", body, re.MULTILINE))


def summary_lines(result: SuiteResult) -> list[str]:
    """The table of programs, what went wrong, and the closing line."""
    lines = [
        f"{program.name}: {program.passed} passed, {program.failed} failed, "
        f"{program.skipped} skipped" + (f" ({program.problem})" if program.problem else "")
        for program in result.programs
    ]
    if result.guest_problem:
        lines.append(f"guest: {result.guest_problem}")
    if result.skipped:
        lines.append(f"{result.skipped} skipped")
    lines.append(f"{result.passed} passed, {result.failed} failed")
    return lines
