# SPDX-License-Identifier: MIT
"""Objects are taken from the tree's build only where the base's compiler would make the same."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from harness import tree
from harness.gate import reuse
from harness.gate.builds import cached_settings
from harness.gate.revision import Base, changed_paths

_DEPS = """\
lib/a.cpp.o: #deps 2, deps mtime 9 (VALID)
    ../src/a.cpp
    ../src/common.hpp

lib/b.cpp.o: #deps 2, deps mtime 9 (VALID)
    ../src/b.cpp
    generated/revision.hpp

lib/c.cpp.o: #deps 1, deps mtime 9 (STALE)
    ../src/c.cpp

"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A build folder whose objects are newer than what they were made of."""
    for name in ("src/a.cpp", "src/b.cpp", "src/c.cpp", "src/common.hpp"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (100, 100))
    build = tmp_path / "build"
    for name in ("lib/a.cpp.o", "lib/b.cpp.o", "lib/c.cpp.o", "generated/revision.hpp"):
        (build / name).parent.mkdir(parents=True, exist_ok=True)
        (build / name).write_text(f"object {name}")
        os.utime(build / name, (200, 200))
    return build


def test_an_object_is_taken_when_nothing_it_was_made_of_has_changed(folder: Path) -> None:
    assert reuse.reusable(_DEPS, folder, {"README.md"}) == {"lib/a.cpp.o"}


@pytest.mark.parametrize("changed", ["src/a.cpp", "src/common.hpp", "other/common.hpp"])
def test_a_changed_or_overshadowed_file_forbids_it(folder: Path, changed: str) -> None:
    assert reuse.reusable(_DEPS, folder, {changed}) == set()


def test_an_object_older_than_its_source_is_not_taken(folder: Path) -> None:
    os.utime(folder.parent / "src" / "a.cpp", (300, 300))
    assert reuse.reusable(_DEPS, folder, set()) == set()
    (folder.parent / "src" / "a.cpp").unlink()
    assert reuse.reusable(_DEPS, folder, set()) == set()


def _launch(plan: Path, words: list[str], cwd: Path) -> None:
    program = ["/usr/bin/python3", "-I", "-S", "-B", reuse.__file__, str(plan)]
    subprocess.run([*program, *words], cwd=cwd, check=True, timeout=60)


def test_the_launcher_takes_a_known_object_and_compiles_any_other(tmp_path: Path) -> None:
    known = tmp_path / "known.o"
    known.write_text("from the tree")
    build, source = tmp_path / "base-build", tmp_path / "base"
    build.mkdir()
    command = ["c++", "-I@source@/include", "-MF", "x.d", "-o", "x.o", "-c", "@source@/x.cpp"]
    plan = tmp_path / "plan.json"
    launcher = reuse.write(plan, {"\0".join(command): str(known)}, build, source)
    assert launcher.split(";")[-2:] == [reuse.__file__, str(plan)]

    _launch(plan, [word.replace("@source@", str(source)) for word in command], build)
    assert (build / "x.o").read_text() == "from the tree"
    assert (build / "x.d").read_text() == f"x.o: {source}/x.cpp\n"

    # Another command is run as it is: here one that tells that it was run.
    _launch(plan, ["/bin/sh", "-c", "echo compiled >y.o"], build)
    assert (build / "y.o").read_text() == "compiled\n"


def test_the_plan_of_this_tree_knows_most_of_its_objects() -> None:
    if not (tree.BUILD / "build.ninja").is_file():
        pytest.skip("there is no release build here")
    compilers = [v for k, v in cached_settings(tree.BUILD).items() if k.endswith("_COMPILER")]
    plan = reuse.plan(tree.BUILD, tree.ROOT, frozenset(), compilers)
    assert plan and all(Path(made).is_file() for made in plan.values())
    assert not any(str(tree.BUILD) in key for key in plan)
    first = json.dumps(sorted(plan.items()))
    changed = {"harness/include/kevbench/harness/unique_fd.hpp"}
    fewer = reuse.plan(tree.BUILD, tree.ROOT, changed, compilers)
    assert len(fewer) < len(plan) and json.dumps(sorted(fewer.items())) != first


def test_changed_paths_hold_what_is_not_committed_and_what_is_new(tmp_path: Path) -> None:
    def git(*words: str) -> str:
        identity = ("-c", "user.name=T", "-c", "user.email=t@example.org")
        done = subprocess.run(
            ["git", "-C", str(tmp_path), *identity, "-c", "commit.gpgsign=false", *words],
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout.strip()

    git("init", "-q")
    for name in ("kept", "edited", "moved name"):
        (tmp_path / name).write_text("1")
    git("add", "-A")
    git("commit", "-qm", "one")
    base = Base(git("rev-parse", "HEAD"), "test")
    git("mv", "moved name", "elsewhere")
    git("commit", "-qam", "two")
    (tmp_path / "edited").write_text("2")
    (tmp_path / "new").write_text("3")
    assert changed_paths(base, tmp_path) == {"edited", "moved name", "elsewhere", "new"}
