# SPDX-License-Identifier: MIT
"""Objects of the tree's build that the base's build would only make again.

An object follows from its compile command and the files it was made of. Where the base has the same
command and none of these files differs between base and tree, the base's build takes the tree's
object instead of compiling for a second time. Run as a program, this file is the compiler launcher
that does so: `reuse.py PLAN COMPILER WORDS...`. It must start fast, so it imports little.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

#: What a build folder and a source folder are called in a plan.
_BUILD, _SOURCE = "@build@", "@source@"


def _key(words: Sequence[str], build: str, source: str) -> str:
    """A compile command without the places of its build and source folder."""
    # The build folder may lie within the source folder, so it goes first.
    return "\0".join(word.replace(build, _BUILD).replace(source, _SOURCE) for word in words)


def _ninja(folder: Path, *words: str) -> str:
    """What ninja prints; nothing when it fails."""
    try:
        done = subprocess.run(
            ["ninja", "-C", str(folder), *words], capture_output=True, text=True, check=False
        )
    except OSError:
        return ""
    return done.stdout if done.returncode == 0 else ""


def inputs_of_objects(text: str) -> Iterator[tuple[str, list[str]]]:
    """Each object of `ninja -t deps` whose record is valid, with the files it was made of."""
    for part in text.split("\n\n"):
        head, *files = part.strip().splitlines() or [""]
        if head.endswith("(VALID)"):
            yield head.partition(": #deps")[0], [name.strip() for name in files]


def _times(paths: Iterable[str]) -> dict[str, float]:
    """When each file was last written; without those that are not there."""
    found = {}
    for path in paths:
        try:
            found[path] = os.stat(path).st_mtime
        except OSError:
            continue
    return found


def reusable(deps: str, folder: Path, changed: Collection[str]) -> set[str]:
    """The objects that no changed file could have to do with.

    Names are compared without their folders: a new header must not stand in front of an old one
    of the same name unnoticed. What the build itself generates may differ, so it counts as changed;
    an object older than a file it was made of is out of date.
    """
    names = {os.path.basename(path) for path in changed}
    made_of = {
        made: [os.path.normpath(folder / name) for name in files]
        for made, files in inputs_of_objects(deps)
    }
    times = _times({path for paths in made_of.values() for path in paths})
    found = set()
    for made, paths in made_of.items():
        built = _times([str(folder / made)]).get(str(folder / made), 0.0)
        if any(path.startswith(f"{folder}{os.sep}") for path in paths):
            continue
        if not paths or any(times.get(path, built + 1) > built for path in paths):
            continue
        if names.isdisjoint(map(os.path.basename, paths)):
            found.add(made)
    return found


def plan(
    folder: Path, source: Path, changed: Collection[str], compilers: Collection[str]
) -> dict[str, str]:
    """Objects of the build in `folder` by compile command, as far as a base can take them."""
    # A build folder that was configured again names them as it was told to, commands by their places.
    places = {shutil.which(one) or one for one in compilers}
    usable = reusable(_ninja(folder, "-t", "deps"), folder, changed)
    found = {}
    for rule in json.loads(_ninja(folder, "-t", "compdb") or "[]"):
        if rule["output"] not in usable:
            continue
        words = shlex.split(rule["command"])
        start = next((at for at, word in enumerate(words) if word in places), None)
        if start is not None:
            key = _key(words[start:], str(folder), str(source))
            found[key] = str(folder / rule["output"])
    return found


def write(path: Path, objects: Mapping[str, str], build: Path, source: Path) -> str:
    """Writes a plan for the build of `source` in `build`; returns the launcher for CMake."""
    document = {"build": str(build), "source": str(source), "objects": dict(objects)}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document), encoding="utf-8")
    return ";".join(["/usr/bin/python3", "-I", "-S", "-B", __file__, str(path)])


def _after(words: Sequence[str], option: str) -> str | None:
    return words[words.index(option) + 1] if option in words[:-1] else None


def launch(plan_file: str, words: list[str]) -> int:
    """Takes the object of a compile command from the plan, or compiles. Returns the status."""
    with open(plan_file, encoding="utf-8") as file:
        document = json.load(file)
    known = document["objects"].get(_key(words, document["build"], document["source"]))
    made, depends = _after(words, "-o"), _after(words, "-MF")
    if known is None or made is None or not os.path.isfile(known):
        os.execvp(words[0], words)
    shutil.copyfile(known, made)
    if depends is not None:
        with open(depends, "w", encoding="utf-8") as file:
            file.write(f"{made}: {words[-1]}\n")
    return 0


if __name__ == "__main__":
    sys.exit(launch(sys.argv[1], sys.argv[2:]))
