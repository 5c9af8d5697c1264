# SPDX-License-Identifier: MIT
"""Which revision is the base, and what the commits since say about it."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from harness import tree
from harness.errors import UsageError

MAIN = ("main", "origin/main")
_DEEPEN = "the clone is shallow: git fetch --deepen=50, or name a base that it holds"
_TRAILER = "Perf-Exempt"


def git(*words: str, root: Path = tree.ROOT) -> str | None:
    """What git prints; None when it fails or is not there."""
    try:
        done = subprocess.run(
            ["git", "-C", str(root), *words], capture_output=True, text=True, check=False
        )
    except OSError:
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def _shallow(root: Path) -> bool:
    return git("rev-parse", "--is-shallow-repository", root=root) == "true"


@dataclass(frozen=True)
class Base:
    """The commit to compare with; `how` says where it comes from."""

    commit: str
    how: str

    @property
    def short(self) -> str:
        """Twelve digits."""
        return self.commit[:12]


def find_base(named: str | None, root: Path = tree.ROOT) -> Base:
    """The named revision, else the merge base with main, else, on main, its parent.

    Raises UsageError when there is no such commit.
    """
    head = git("rev-parse", "HEAD", root=root)
    if head is None:
        raise UsageError("the gate needs the git repository of the tree: run it in a clone")
    if named is not None:
        commit = git("rev-parse", "--verify", "--quiet", f"{named}^{{commit}}", root=root)
        if commit is None:
            remedy = _DEEPEN if _shallow(root) else "fetch it, or name another"
            raise UsageError(f"--base {named} is no commit here: {remedy}")
        return Base(commit, named)
    for name in MAIN:
        tip = git("rev-parse", "--verify", "--quiet", f"{name}^{{commit}}", root=root)
        if tip is None:
            continue
        common = git("merge-base", "HEAD", tip, root=root)
        if common is not None and common != head:
            return Base(common, f"merge base with {name}")
    parent = git("rev-parse", "--verify", "--quiet", "HEAD~1", root=root)
    if parent is None:
        remedy = _DEEPEN if _shallow(root) else "name a base"
        raise UsageError(f"this commit has no parent here: {remedy}")
    return Base(parent, "parent")


def changed_paths(base: Base, root: Path = tree.ROOT) -> frozenset[str]:
    """Files that differ between the base and the working tree, uncommitted and new ones included.

    Raises UsageError when git cannot tell.
    """
    differing = git("diff", "--name-only", "--no-renames", "-z", base.commit, root=root)
    new = git("ls-files", "--others", "--exclude-standard", "-z", root=root)
    if differing is None or new is None:
        raise UsageError(f"git cannot compare the tree with {base.short}: fetch the commit again")
    return frozenset(filter(None, f"{differing}\0{new}".split("\0")))


@dataclass(frozen=True)
class Exemption:
    """A commit says that a slow-down is meant. No case: all of them."""

    case: str | None
    reason: str

    def covers(self, case: str) -> bool:
        """Whether it speaks of this case."""
        return self.case is None or self.case in (case, "*") or self.case == case.split(" ")[0]


def parse_exemption(text: str, cases: Sequence[str]) -> Exemption | None:
    """`Perf-Exempt: [CASE] reason`; CASE is the workload of a gated cell, its whole name, or *.

    None without a reason: an exemption that does not say why is none.
    """
    text = text.strip()
    for named in (
        "*",
        *sorted(cases, key=len, reverse=True),
        *(case.split(" ")[0] for case in cases),
    ):
        if text == named or text.startswith((f"{named} ", f"{named}:")):
            reason = text[len(named) :].lstrip(": ")
            return Exemption(named, reason) if reason else None
    return Exemption(None, text) if text else None


def exemptions(base: Base, cases: Sequence[str], root: Path = tree.ROOT) -> list[Exemption]:
    """Those in the trailers of the commits since the base."""
    format_ = f"--format=%(trailers:key={_TRAILER},valueonly,unfold)"
    text = git("log", format_, f"{base.commit}..HEAD", root=root) or ""
    found = (parse_exemption(line, cases) for line in re.split(r"\n+", text))
    return [one for one in found if one is not None]
