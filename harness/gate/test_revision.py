# SPDX-License-Identifier: MIT
"""Which commit is the base, and what trailers excuse."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.errors import UsageError
from harness.gate.revision import exemptions, find_base, parse_exemption

CASES = ("idle_scan registered=1000 source=eventfd epoll+lt", "tcp_rr connections=10 epoll+et")
Commit = Callable[..., str]


def _git(root: Path, *words: str) -> str:
    identity = ("-c", "user.name=T", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false")
    done = subprocess.run(
        ["git", "-C", str(root), *identity, *words], capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


@pytest.fixture
def commit(tmp_path: Path) -> Commit:
    """Makes an empty commit and returns its identity."""
    _git(tmp_path, "init", "-q", "-b", "main")

    def make(text: str = "change") -> str:
        _git(tmp_path, "commit", "-q", "--allow-empty", "-m", text)
        return _git(tmp_path, "rev-parse", "HEAD")

    return make


def test_on_a_branch_the_base_is_where_it_left_main(tmp_path: Path, commit: Commit) -> None:
    fork = commit()
    _git(tmp_path, "checkout", "-q", "-b", "work")
    commit()
    commit()
    _git(tmp_path, "checkout", "-q", "main")
    commit("main went on")
    _git(tmp_path, "checkout", "-q", "work")
    base = find_base(None, tmp_path)
    assert (base.commit, base.how) == (fork, "merge base with main")


def test_on_main_the_base_is_the_parent(tmp_path: Path, commit: Commit) -> None:
    parent = commit()
    commit()
    assert find_base(None, tmp_path).commit == parent


def test_a_named_revision_wins(tmp_path: Path, commit: Commit) -> None:
    first = commit()
    commit()
    commit()
    assert find_base("HEAD~2", tmp_path).commit == first
    with pytest.raises(UsageError, match="no commit here"):
        find_base("nonsense", tmp_path)
    with pytest.raises(UsageError, match="no commit here"):
        find_base("--version", tmp_path)


def test_without_a_parent_or_a_repository_it_says_what_to_do(
    tmp_path: Path, commit: Commit
) -> None:
    commit()
    with pytest.raises(UsageError, match="no parent"):
        find_base(None, tmp_path)
    (tmp_path / "bare").mkdir()
    with pytest.raises(UsageError, match="git repository"):
        find_base(None, Path("/proc"))


def test_trailers_since_the_base_excuse(tmp_path: Path, commit: Commit) -> None:
    commit("Older\n\nPerf-Exempt: too old to count")
    base = find_base(commit(), tmp_path)
    commit("Slower\n\nPerf-Exempt: idle_scan close detection looks at every event")
    commit("Text\n\nPerf-Exempt:\nSigned-off-by: T")
    found = exemptions(base, CASES, tmp_path)
    assert [(one.case, one.reason) for one in found] == [
        ("idle_scan", "close detection looks at every event")
    ]
    assert found[0].covers(CASES[0]) and not found[0].covers(CASES[1])


@pytest.mark.parametrize(
    ("text", "case", "reason"),
    [
        ("slower on purpose", None, "slower on purpose"),
        ("* slower on purpose", "*", "slower on purpose"),
        ("tcp_rr: slower", "tcp_rr", "slower"),
        (f"{CASES[0]} slower", CASES[0], "slower"),
    ],
)
def test_an_exemption_names_its_case_and_reason(text: str, case: str | None, reason: str) -> None:
    found = parse_exemption(text, CASES)
    assert found is not None and (found.case, found.reason) == (case, reason)
    assert found.covers(CASES[0]) == (case != "tcp_rr")


@pytest.mark.parametrize("text", ["", "   ", "idle_scan", "idle_scan:", "*"])
def test_an_exemption_without_a_reason_is_none(text: str) -> None:
    assert parse_exemption(text, CASES) is None


@pytest.mark.parametrize("named", [None, "HEAD~1"])
def test_a_shallow_clone_without_the_base_says_how_to_get_it(
    tmp_path: Path, commit: Commit, named: str | None
) -> None:
    commit()
    commit()
    clone = tmp_path / "clone"
    _git(tmp_path, "clone", "-q", "--depth", "1", f"file://{tmp_path}", str(clone))
    with pytest.raises(UsageError, match="git fetch --deepen"):
        find_base(named, clone)
