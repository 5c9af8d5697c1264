# SPDX-License-Identifier: MIT
"""A tree of facts in which everything that could not be learned is null with its reason."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from harness import tree

_COMMAND_DEADLINE_S = 15


class Unknown(Exception):
    """A fact that this machine does not tell; the text is the reason."""


class Facts:
    """Collects facts by dotted path; never raises for a fact that is missing."""

    def __init__(self) -> None:
        self.tree: dict[str, Any] = {}
        self.reasons: dict[str, str] = {}

    def put(self, path: str, learn: Callable[[], Any]) -> None:
        """Stores what `learn` returns, or null and why it failed."""
        try:
            value = learn()
            if value is None:
                raise Unknown("not stated by this machine")
        except Unknown as problem:
            value = None
            self.reasons[path] = str(problem)
        except OSError as problem:
            value = None
            self.reasons[path] = f"{problem.strerror or problem}: {_shown(problem.filename)}"
        except (ValueError, IndexError, KeyError) as problem:
            value = None
            self.reasons[path] = f"not in the form expected: {type(problem).__name__} {problem}"
        node = self.tree
        *folders, leaf = path.split(".")
        for folder in folders:
            node = node.setdefault(folder, {})
        node[leaf] = value


def _shown(name: object) -> str:
    """A path for people: files of the tree relative to it."""
    path = Path(str(name))
    return str(path.relative_to(tree.ROOT)) if path.is_relative_to(tree.ROOT) else str(path)


def text(path: str | Path) -> str:
    """Content of a small file without blanks at its ends; OSError when it cannot be read."""
    return Path(path).read_text(errors="replace").strip()


def number(path: str | Path) -> int:
    """A file that holds one whole number."""
    return int(text(path))


def chosen(path: str | Path) -> str:
    """The bracketed word of a sysfs choice: "always [madvise] never" is "madvise"."""
    content = text(path)
    return content.split("[", 1)[1].split("]", 1)[0] if "[" in content else content


def output(command: Sequence[str]) -> str:
    """Standard output of a command; Unknown when it is absent or fails."""
    try:
        done = subprocess.run(
            list(command),
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_COMMAND_DEADLINE_S,
            check=False,
        )
    except FileNotFoundError:
        raise Unknown(f"{command[0]} is not installed") from None
    except subprocess.TimeoutExpired:
        raise Unknown(f"{command[0]} took longer than {_COMMAND_DEADLINE_S} s") from None
    if done.returncode != 0:
        said = (done.stderr.strip() or "no message").splitlines()[0][:200]
        raise Unknown(f"{command[0]} failed with status {done.returncode}: {said}")
    return done.stdout
