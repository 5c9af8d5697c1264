# SPDX-License-Identifier: MIT
"""What this project's CI makes of the gate's verdicts, and the snippets for other people's CI."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import]

from harness import tree
from harness.cli import make_parser

_STAND_IN = """\
#!/bin/sh
echo "$@" >>calls
case "$*" in
test) exit {tests} ;;
*"--stage 1"*) exit {counts} ;;
*) exit {times} ;;
esac
"""


def _ci(
    folder: Path, commits: int = 2, tests: int = 0, counts: int = 0, times: int = 0
) -> tuple[int, str, list[str]]:
    """Status, text and calls of .ci/run in a repository with a stand-in for kevbench."""
    (folder / ".ci").mkdir()
    shutil.copy(tree.ROOT / ".ci" / "run", folder / ".ci" / "run")
    (folder / "kevbench").write_text(_STAND_IN.format(tests=tests, counts=counts, times=times))
    (folder / "kevbench").chmod(0o755)
    identity = ("-c", "user.name=T", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false")
    subprocess.run(["git", "-C", str(folder), "init", "-q"], check=True)
    for number in range(commits):
        words = ["git", "-C", str(folder), *identity, "commit", "-q", "--allow-empty"]
        subprocess.run([*words, "-m", str(number)], check=True)
    done = subprocess.run(
        [str(folder / ".ci" / "run")], capture_output=True, text=True, check=False, timeout=60
    )
    return done.returncode, done.stdout, (folder / "calls").read_text().splitlines()


def test_counts_then_times_follow_the_tests(tmp_path: Path) -> None:
    status, _, calls = _ci(tmp_path)
    assert status == 0 and calls[0] == "test" and len(calls) == 3
    for words in calls[1:]:
        make_parser().parse_args(words.split())
        assert "--limit" in words


def test_a_failed_test_ends_the_job_without_a_gate(tmp_path: Path) -> None:
    assert _ci(tmp_path, tests=1)[::2] == (1, ["test"])


@pytest.mark.parametrize("verdict", [1, 2, 4])
def test_a_red_or_invalid_count_fails_the_job(tmp_path: Path, verdict: int) -> None:
    status, _, calls = _ci(tmp_path, counts=verdict)
    assert status == verdict and len(calls) == 2


def test_what_cannot_be_counted_here_is_said_and_fails_nothing(tmp_path: Path) -> None:
    status, text, _ = _ci(tmp_path, counts=3)
    assert status == 0 and "could not be judged" in text


@pytest.mark.parametrize("verdict", [1, 2, 3])
def test_times_fail_nothing_on_a_shared_machine(tmp_path: Path, verdict: int) -> None:
    status, text, calls = _ci(tmp_path, times=verdict)
    assert status == 0 and "times are shown" in text and len(calls) == 3


def test_a_commit_without_a_parent_is_skipped_aloud(tmp_path: Path) -> None:
    status, text, calls = _ci(tmp_path, commits=1)
    assert status == 0 and calls == ["test"] and "gate: skipped" in text


def _snippets() -> list[Any]:
    text = (tree.ROOT / "docs" / "ci.md").read_text()
    return [yaml.safe_load(found) for found in re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)]


def test_the_snippets_of_the_page_are_yaml_that_runs_the_gate(tmp_path: Path) -> None:
    github, gitlab = _snippets()
    # YAML 1.1 reads the key `on` as the truth value.
    assert github[True] == ["pull_request"]
    steps = [step["run"] for step in github["jobs"]["gate"]["steps"] if "run" in step]
    job = gitlab["performance"]
    scripts = [*steps, *job["before_script"], *job["script"]]
    assert sum("./kevbench gate" in text for text in scripts) == 2
    for text in scripts:
        subprocess.run(["bash", "-n", "-c", text], check=True, timeout=60)
        for words in re.findall(r"\./kevbench (gate [^|\n]*)", text):
            plain = re.sub(r'"\$\(.*?\)"|"\$\w+"', "REV", words)
            make_parser().parse_args(plain.split())
    assert job["allow_failure"] == {"exit_codes": 3} and job["variables"]["GIT_DEPTH"] == "0"
