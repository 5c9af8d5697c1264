# SPDX-License-Identifier: MIT
"""What a stage of the test suite reports, and how test programs' own reports become it."""
from __future__ import annotations

import re
import subprocess
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path


#: Names a file to which pytest writes the tests that it leaves out since they take long.
LEFT_OUT_VARIABLE = "KEVBENCH_LEFT_OUT"
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")


@dataclass
class Outcome:
    """Counts of one stage; `problems` holds one text per failure, `skips` one reason per skip,
    `left_out` the tests that run only when long ones are asked for."""

    passed: int = 0
    failed: int = 0
    skipped: int = 0
    problems: list[str] = field(default_factory=list)
    skips: list[str] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)

    def add(self, other: Outcome) -> None:
        self.passed += other.passed
        self.failed += other.failed
        self.skipped += other.skipped
        self.problems += other.problems
        self.skips += other.skips
        self.left_out += other.left_out

    def fail(self, text: str) -> None:
        self.failed += 1
        self.problems.append(text)


def check_command(
    title: str,
    command: list[str],
    root: Path,
    environment: dict[str, str],
    limit_s: float,
    shown: Callable[[str], str] | None = None,
) -> Outcome:
    """Runs a command that counts as one test: it passes when its exit status is 0.

    `shown` picks what is told of a failed one's output; its last lines unless given.
    """
    outcome = Outcome()
    try:
        done = subprocess.run(
            command,
            cwd=root,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=limit_s,
            check=False,
        )
    except FileNotFoundError:
        outcome.fail(f"{title}: {command[0]} is not installed")
        return outcome
    except subprocess.TimeoutExpired as late:
        output = late.stdout if isinstance(late.stdout, str) else ""
        outcome.fail(f"{title}: no end within {limit_s:.0f} s\n{last_lines(output)}")
        return outcome
    if done.returncode == 0:
        outcome.passed += 1
    else:
        text = (shown or last_lines)(done.stdout)
        outcome.fail(f"{title}: exit status {done.returncode}\n{text}")
    return outcome


def read_junit(title: str, report: Path) -> Outcome:
    """Counts the cases of a JUnit file as ctest and pytest write it.

    A missing or empty report is a failure: a runner that ran nothing has tested nothing.
    """
    outcome = Outcome()
    try:
        tree = ElementTree.parse(report)
    except (OSError, ElementTree.ParseError) as error:
        outcome.fail(f"{title}: no readable test report: {error}")
        return outcome
    for case in tree.iter("testcase"):
        name = f"{title}: {case.get('classname', '')}.{case.get('name', '')}"
        skip = case.find("skipped")
        broken = case.find("failure") if case.find("failure") is not None else case.find("error")
        if broken is not None:
            text = broken.text or case.findtext("system-out") or broken.get("message") or ""
            outcome.fail(f"{name}\n{last_lines(text)}")
        elif skip is not None:
            outcome.skipped += 1
            outcome.skips.append(f"{name}: {skip.get('message') or 'no reason given'}")
        else:
            outcome.passed += 1
    if outcome.passed + outcome.failed + outcome.skipped == 0:
        outcome.fail(f"{title}: the report lists no test")
    return outcome


def complaints(text: str) -> str:
    """Each complaint of a compiler with the two lines that show the place; all, where none is found.

    Of several hundred files the one at fault is seldom among the last.
    """
    lines = text.splitlines()
    found = [
        line
        for at, line in enumerate(lines)
        if any(": error:" in _COLOUR.sub("", one) for one in lines[max(0, at - 2) : at + 1])
    ]
    return last_lines("\n".join(found), 200) if found else last_lines(text)


def last_lines(text: str, count: int = 40) -> str:
    return "\n".join("    " + line for line in text.rstrip().splitlines()[-count:])
