# SPDX-License-Identifier: MIT
"""The programs of both sides: the base rebuilt like the tree, and both linked in other orders.

Everything lies under build/gate/. The base is checked out into a git worktree there, which is
removed when its programs are built; the programs stay, so a second gate against the same base only
compares. No compiler cache is used, only objects that base and tree have in common; the tree's own
compiler, build type and flags are.
"""

from __future__ import annotations

import hashlib
import os
import random
import re
import shlex
import shutil
import subprocess
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness import tree
from harness.errors import MeasurementFault, UsageError
from harness.gate import reuse
from harness.gate.revision import Base, git

GATE = tree.ROOT / "build" / "gate"
WORKER = "kevbench-worker"
#: How ninja names it.
_TARGET = f"harness/{WORKER}"
_CACHE = (
    "CMAKE_BUILD_TYPE",
    "CMAKE_C_COMPILER",
    "CMAKE_CXX_COMPILER",
    "CMAKE_C_FLAGS",
    "CMAKE_CXX_FLAGS",
    "CMAKE_EXE_LINKER_FLAGS",
)
BUILD_LIMIT_S = 1800
_LINK_LIMIT_S = 120
#: How compilers, linkers and CMake begin what they have to say; -Werror in a command is none.
_COMPLAINT = re.compile(r"\berror: |CMake Error|undefined reference|No such file")
#: Bytes of code put between objects at most, so that functions move by whole cache lines too.
_PADDING = 4096


@dataclass(frozen=True)
class Programs:
    """What one side runs. `folder` is its build folder, None for a program from elsewhere."""

    worker: Path
    folder: Path | None


def run_logged(words: Sequence[str], log: Path, limit_s: float, cwd: Path | None = None) -> str:
    """Runs a build step into a log; returns "" or the first line that says what went wrong.

    Past the limit the step is asked to end, so that it ends what it has started.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    environment = {name: value for name, value in os.environ.items() if "LAUNCHER" not in name}
    try:
        with log.open("a", encoding="utf-8") as output, subprocess.Popen(
            words, stdout=output, stderr=subprocess.STDOUT, cwd=cwd, env=environment
        ) as step:
            try:
                returned = step.wait(limit_s)
            except BaseException as ended:
                step.terminate()
                if not isinstance(ended, subprocess.TimeoutExpired):
                    raise
                return f"{words[0]} took longer than {limit_s:.0f} s"
    except OSError as problem:
        return f"{words[0]}: {problem.strerror}"
    if returned == 0:
        return ""
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    first = next((line for line in lines if _COMPLAINT.search(line)), "no message")
    return f"{first.strip()[:200]} (log: {os.path.relpath(log)})"


def cached_settings(folder: Path) -> dict[str, str]:
    """Compiler, build type and flags of a build folder. Raises UsageError when there is none."""
    try:
        text = (folder / "CMakeCache.txt").read_text(encoding="utf-8")
    except OSError:
        raise UsageError(f"{os.path.relpath(folder)} is not built: run ./kevbench gate") from None
    found = {}
    for line in text.splitlines():
        name, equals, value = line.partition("=")
        if equals and name.partition(":")[0] in _CACHE:
            found[name.partition(":")[0]] = value
    return found


class Checkout:
    """The base's sources in a worktree under build/gate/. Use as a context manager."""

    def __init__(self, base: Base) -> None:
        self.base = base
        self.folder = GATE / base.short / "tree"

    def __enter__(self) -> Path:
        self._remove()
        self.folder.parent.mkdir(parents=True, exist_ok=True)
        made = git("worktree", "add", "--detach", "--force", str(self.folder), self.base.commit)
        if made is None:
            raise UsageError(
                f"cannot check {self.base.short} out into {os.path.relpath(self.folder)}: "
                "git worktree prune, then run again"
            )
        return self.folder

    def __exit__(self, *ignored: object) -> None:
        self._remove()

    def _remove(self) -> None:
        if self.folder.exists():
            git("worktree", "remove", "--force", str(self.folder))
            shutil.rmtree(self.folder, ignore_errors=True)
        git("worktree", "prune")


def build_worker(
    source: Path,
    folder: Path,
    settings: Mapping[str, str],
    launcher: str = "",
    limit_s: float = BUILD_LIMIT_S,
) -> Path:
    """Builds the worker of a source tree with the given settings. Raises MeasurementFault.

    `launcher` is put before the compiler; none unless given. `limit_s` holds for each step.
    """
    log = folder.parent / f"{folder.name}.log"
    log.unlink(missing_ok=True)
    words = ["cmake", "-G", "Ninja", "-S", str(source), "-B", str(folder), "-DBUILD_TESTING=OFF"]
    words += [f"-D{name}={value}" for name, value in settings.items()]
    words += [f"-DCMAKE_{language}_COMPILER_LAUNCHER={launcher}" for language in ("C", "CXX")]
    jobs = str(min(4, os.cpu_count() or 2))
    trouble = run_logged(words, log, limit_s) or run_logged(
        ["ninja", "-C", str(folder), "-j", jobs, WORKER], log, limit_s
    )
    program = folder / "harness" / WORKER
    if trouble or not os.access(program, os.X_OK):
        raise MeasurementFault(f"no build: {trouble or 'no worker came of it'}")
    return program


def tree_programs() -> Programs:
    """What the working tree is measured with."""
    worker = tree.worker()
    foreign = os.environ.get(tree.WORKER_VARIABLE)
    return Programs(worker, None if foreign else tree.BUILD)


def base_programs(
    base: Base,
    changed: Collection[str],
    checkout: Callable[[], Path],
    limit_s: float = BUILD_LIMIT_S,
) -> Programs:
    """The worker of the base, built unless it was before. Raises MeasurementFault.

    `changed` are the files in which the working tree differs from the base. Building may take
    `limit_s` seconds.
    """
    settings = cached_settings(tree.BUILD)
    mark = hashlib.sha256(repr(sorted(settings.items())).encode()).hexdigest()[:12]
    folder = GATE / base.short / f"build-{mark}"
    done = folder / "complete"
    if not done.is_file():
        source = checkout()
        compilers = [value for name, value in settings.items() if name.endswith("_COMPILER")]
        objects = reuse.plan(tree.BUILD, tree.ROOT, changed, compilers)
        launcher = reuse.write(folder.parent / "reuse.json", objects, folder, source)
        try:
            build_worker(source, folder, settings, launcher, limit_s)
        except MeasurementFault as problem:
            raise MeasurementFault(f"the base {base.short} cannot be rebuilt: {problem}") from None
        done.touch()
    return Programs(folder / "harness" / WORKER, folder)


def code_digest(path: Path, *options: str) -> str | None:
    """Hash of a program without symbols, debug information and build identity.

    Those name paths and commits, which differ between two builds of the same code. None when
    objcopy cannot read it.
    """
    copy = GATE / f"stripped-{os.getpid()}"
    copy.parent.mkdir(parents=True, exist_ok=True)
    words = ["objcopy", *(options or ("--strip-all",)), "--remove-section=.note.gnu.build-id"]
    try:
        done = subprocess.run([*words, str(path), str(copy)], capture_output=True, check=False)
        return hashlib.sha256(copy.read_bytes()).hexdigest() if done.returncode == 0 else None
    except OSError:
        return None
    finally:
        copy.unlink(missing_ok=True)


def same_code(one: Path, other: Path, *options: str) -> bool:
    """Whether two programs hold the same code and data."""
    first = code_digest(one, *options)
    return first is not None and first == code_digest(other, *options)


def _link_command(folder: Path) -> list[str]:
    """How ninja links the worker, split into words, without the shell around it."""
    done = subprocess.run(
        ["ninja", "-C", str(folder), "-t", "commands", "-s", _TARGET],
        capture_output=True,
        text=True,
        check=False,
    )
    lines = [line for line in done.stdout.splitlines() if WORKER in line]
    if done.returncode != 0 or not lines:
        raise UsageError(f"ninja does not say how {WORKER} is linked in {os.path.relpath(folder)}")
    words = shlex.split(lines[-1])
    return [word for word in words if word not in (":", "&&")]


def _objects(folder: Path) -> list[str]:
    """Every object the worker is made of, those in its libraries too."""
    done = subprocess.run(
        ["ninja", "-C", str(folder), "-t", "inputs", _TARGET],
        capture_output=True,
        text=True,
        check=False,
    )
    return sorted(line for line in done.stdout.splitlines() if line.endswith(".o"))


def _padding(folder: Path, number: int, size: int, compiler: str) -> str:
    """An object of so many bytes of code that nothing calls."""
    source, made = folder / f"pad{number}.S", folder / f"pad{number}.o"
    source.write_text(
        f'.text\n.skip {size}, 0x90\n.section .note.GNU-stack,"",@progbits\n', encoding="ascii"
    )
    trouble = run_logged([compiler, "-c", str(source), "-o", str(made)], folder / "link.log", 60)
    if trouble:
        raise MeasurementFault(f"cannot assemble padding: {trouble}")
    return str(made)


def relink(programs: Programs, name: str, orders: int, seed: int) -> tuple[Path, ...]:
    """The worker linked with its objects in `orders` random orders, padding between them.

    Layout of code alone moves times by several percent, the same way in every run of one binary;
    a finding that survives other layouts is of the code. Falls back to nothing: raises UsageError
    for a program that was not built here.
    """
    if programs.folder is None:
        raise UsageError("this worker comes from elsewhere and cannot be linked again")
    words, objects = _link_command(programs.folder), _objects(programs.folder)
    if not objects or "-o" not in words:
        raise UsageError(f"the link command of {WORKER} is not understood")
    target = words[words.index("-o") + 1]
    rest = [word for word in words[1:] if word not in (*objects, "-o", target)]
    rest = [word for word in rest if not (word.endswith(".a") and not word.startswith("/"))]
    found = []
    for order in range(orders):
        rng = random.Random(seed * 1000 + order)
        folder = GATE / "relinked" / f"{name}-{order}"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        shuffled = list(objects)
        rng.shuffle(shuffled)
        for number in range(4):
            pad = _padding(folder, number, rng.randint(0, _PADDING), words[0])
            shuffled.insert(rng.randint(0, len(shuffled)), pad)
        made = folder / WORKER
        trouble = run_logged(
            # Debug information is most of the file and of the time, and moves no code.
            [words[0], *shuffled, *rest, "-Wl,--strip-debug", "-o", str(made)],
            folder / "link.log",
            _LINK_LIMIT_S,
            programs.folder,
        )
        if trouble:
            raise MeasurementFault(f"cannot link {name} in another order: {trouble}")
        found.append(made)
    return tuple(found)
