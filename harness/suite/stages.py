# SPDX-License-Identifier: MIT
"""The stages of `./kevbench test`, cheapest first so that a broken tree fails early."""
from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from harness.suite import kernel
from harness.suite.endtoend import main_job
from harness.suite.outcome import LEFT_OUT_VARIABLE, Outcome, check_command, complaints, read_junit

ROOT = Path(__file__).resolve().parents[2]
PYTHON = "/usr/bin/python3"
JOBS = str(min(4, os.cpu_count() or 2))
#: It runs beside tests that use one core.
TIDY_JOBS = str(max(1, int(JOBS) - 1))
#: Emulated hosts on a machine that does other things too.
LONG_LIMIT_S = 5400
CXX_SUFFIXES = (".cpp", ".hpp", ".h", ".c")


@dataclass(frozen=True)
class Stage:
    name: str
    purpose: str
    run: Callable[[], Outcome]
    #: Left out unless asked for by name or by --long.
    long: bool = False
    #: Keeps one core busy and minds no neighbour: goes on beside the stages after it.
    beside: bool = False
    #: Measures: waits until it has the machine to itself.
    alone: bool = False


def environment(build: str = "release") -> dict[str, str]:
    """The environment of every child: this tree's Python packages and one build's programs."""
    result = dict(os.environ)
    result["PYTHONPATH"] = f"{ROOT / 'build' / build / 'harness'}:{ROOT}"
    result["PYTHONDONTWRITEBYTECODE"] = "1"
    result["KEVBENCH_BUILD"] = str(ROOT / "build" / build)
    return result


def tracked(*suffixes: str, outside: tuple[str, ...] = ()) -> list[str]:
    """Files git knows below the root, with one of the suffixes and not below `outside`."""
    listing = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split("\0")
    return [path for path in listing if path.endswith(suffixes) and not path.startswith(outside)]


def command(title: str, words: list[str], limit_s: float = 600) -> Outcome:
    return check_command(title, words, ROOT, environment(), limit_s)


def style() -> Outcome:
    outcome = Outcome()
    # Kernel C has the kernel's style, which checkpatch knows.
    cxx = tracked(*CXX_SUFFIXES, outside=("kmod/", "harness/guest/testdata/"))
    if cxx:
        outcome.add(command("clang-format", ["clang-format", "--dry-run", "-Werror", *cxx]))
    python = tracked(".py", ".pyi")
    outcome.add(command("black", ["black", "--check", "--quiet", *python]))
    shell = [path for path in ("kevbench", ".ci/run", "playbooks/play") if (ROOT / path).is_file()]
    outcome.add(command("shellcheck", ["shellcheck", *shell, *tracked(".sh")]))
    outcome.add(licences())
    words = ["ansible-lint", "-q", "--offline", "--nocolor"]
    outcome.add(check_command("ansible-lint", words, ROOT / "playbooks", environment(), 600))
    return outcome


def licences() -> Outcome:
    """Every source file says in its first lines what licence it is under."""
    outcome = Outcome()
    sources = tracked(*CXX_SUFFIXES, ".py", ".pyi", ".sh", ".S", "CMakeLists.txt", ".cmake")
    for path in sources:
        with open(ROOT / path, encoding="utf-8", errors="replace") as source:
            head = "".join(source.readline() for _ in range(3))
        if "SPDX-License-Identifier:" not in head:
            outcome.fail(f"licences: {path} lacks an SPDX-License-Identifier line")
    if not outcome.failed:
        outcome.passed += 1
    return outcome


def types() -> Outcome:
    packages = [
        name for name in ("results", "harness", "plots", "playbooks") if (ROOT / name).is_dir()
    ]
    return command("mypy", [PYTHON, "-m", "mypy", *packages])


#: Stages that run beside each other want the same build, and ninja does not guard its own folder.
_BUILDING = threading.Lock()


def build(preset: str) -> Outcome:
    outcome = Outcome()
    with _BUILDING:
        if not (ROOT / "build" / preset / "build.ninja").is_file():
            outcome.add(command(f"configure {preset}", ["cmake", "--preset", preset]))
        if not outcome.failed:
            words = ["cmake", "--build", "--preset", preset, "-j", JOBS]
            outcome.add(command(f"build {preset}", words, limit_s=1800))
    return outcome


def ctest(preset: str, jobs: str = "1") -> Outcome:
    """Builds one preset and runs its tests; they count one by one."""
    outcome = build(preset)
    if outcome.failed:
        return outcome
    report = ROOT / "build" / preset / "ctest.xml"
    report.unlink(missing_ok=True)
    words = ["ctest", "--preset", preset, "-j", jobs, "--output-junit", str(report)]
    ran = check_command(f"ctest {preset}", words, ROOT, environment(preset), 1800)
    cases = read_junit(preset, report)
    outcome.add(cases)
    if ran.failed and not cases.failed:
        outcome.add(ran)
    return outcome


_PYTEST = [PYTHON, "-m", "pytest", "-p", "no:cacheprovider"]


def pytest() -> Outcome:
    return run_pytest("pytest", ["results", "harness", "plots"], limit_s=1500)


def playbooks() -> Outcome:
    """They play for minutes and wait for timers most of that, so they have a limit of their own."""
    return run_pytest("pytest-playbooks", ["playbooks"], limit_s=2400)


def long_tests() -> Outcome:
    return run_pytest("pytest-long", ["-m", "long"], limit_s=LONG_LIMIT_S)


def run_pytest(title: str, options: list[str], limit_s: float) -> Outcome:
    """Runs the Python tests that the options choose; they count one by one."""
    outcome = build("release")
    if outcome.failed:
        return outcome
    report = ROOT / "build" / f"{title}.xml"
    left_out = report.with_suffix(".left-out")
    for old in (report, left_out):
        old.unlink(missing_ok=True)
    words = [*_PYTEST, *options, f"--junitxml={report}"]
    told = {**environment(), LEFT_OUT_VARIABLE: str(left_out)}
    ran = check_command(title, words, ROOT, told, limit_s)
    cases = read_junit(title, report)
    outcome.add(cases)
    if left_out.is_file():
        outcome.left_out += left_out.read_text(encoding="utf-8").split()
    if ran.failed and not cases.failed:
        outcome.add(ran)
    return outcome


#: Paths through one function that clang's analyzer follows. Its default of 225,000 takes minutes in
#: a loop that is instantiated for every variant, whose instances are alike.
ANALYZER_NODES = 5_000


def tidy() -> Outcome:
    """clang-tidy over every translation unit of the release build that is this project's own."""
    outcome = build("release")
    if outcome.failed:
        return outcome
    words = ["nice", "run-clang-tidy", "-quiet", "-j", TIDY_JOBS, "-p", "build/release"]
    for word in ("-analyzer-config", f"max-nodes={ANALYZER_NODES}"):
        words += ["-extra-arg=-Xclang", f"-extra-arg={word}"]
    words.append(f"^{ROOT}/(adapters|workloads|harness|results|kmod)/.*\\.cpp$")
    outcome.add(check_command("clang-tidy", words, ROOT, environment(), 2400, complaints))
    return outcome


def guest() -> Outcome:
    outcome = build("release")
    if not outcome.failed:
        outcome.add(kernel.guest_tests(ROOT))
    return outcome


STAGES = (
    Stage("style", "formats, shell and licence lines", style),
    Stage("types", "mypy --strict over the Python packages", types),
    Stage("build", "g++ build", lambda: build("release")),
    Stage("tidy", "clang-tidy", tidy, beside=True),
    Stage("release", "C++ tests of the g++ build", lambda: ctest("release")),
    Stage("python", "Python tests", pytest),
    Stage("playbooks", "playbooks on hosts of network namespaces", playbooks),
    Stage(
        "kmod",
        "kevent.ko for both kernels: W=1 -Werror, sparse, checkpatch",
        lambda: kernel.module_checks(ROOT, tracked(".c", ".h")),
    ),
    Stage("guest", "tests of kevent.ko and of the adapters in a guest of each kernel", guest),
    Stage(
        "mainjob",
        "./kevbench run and what it writes",
        lambda: main_job(ROOT, environment()),
        alone=True,
    ),
    Stage(
        "asan",
        "clang build with address and undefined-behaviour sanitizers",
        lambda: ctest("asan", "2"),
    ),
    Stage("tsan", "clang build with thread sanitizer", lambda: ctest("tsan", "2")),
    Stage("long", "hosts of virtual machines, and playbooks on them", long_tests, long=True),
)
