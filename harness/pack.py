# SPDX-License-Identifier: MIT
"""The tree as one archive for another host: the files git knows, and on demand what is built."""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import subprocess
import tarfile
from pathlib import Path

from harness import tree
from harness.errors import UsageError

#: For a host without a compiler, next to its own libraries of the same Debian.
_PROGRAMS = ("kevbench-worker", "_kevbench*.so")


def _files(programs: bool) -> list[Path]:
    try:
        listing = subprocess.run(
            ["git", "ls-files", "-z"], cwd=tree.ROOT, capture_output=True, text=True, check=True
        ).stdout
    except (OSError, subprocess.CalledProcessError):
        raise UsageError("git cannot list the files of the tree: clone it with git") from None
    found = [tree.ROOT / name for name in listing.split("\0") if name]
    if programs:
        folder = tree.worker().parent
        for pattern in _PROGRAMS:
            found += sorted(folder.glob(pattern))
    return [path for path in found if path.is_file()]


def _add(archive: tarfile.TarFile, path: Path) -> None:
    member = archive.gettarinfo(path, arcname=str(path.relative_to(tree.ROOT)))
    # The same files give the same bytes, whoever has them and since when.
    member.mtime = 0
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    member.mode = 0o755 if member.mode & 0o100 else 0o644
    if not member.isreg():
        archive.addfile(member)
        return
    with open(path, "rb") as content:
        archive.addfile(member, content)


def pack(out: Path, programs: bool) -> tuple[str, bool]:
    """Writes the archive unless it is there already; its sha256, and whether it was written.

    Raises UsageError when it cannot be written.
    """
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for path in _files(programs):
            _add(archive, path)
    packed = gzip.compress(plain.getvalue(), compresslevel=6, mtime=0)
    digest = hashlib.sha256(packed).hexdigest()
    try:
        if out.is_file() and hashlib.sha256(out.read_bytes()).hexdigest() == digest:
            return digest, False
        out.parent.mkdir(parents=True, exist_ok=True)
        draft = out.with_name(out.name + ".part")
        draft.write_bytes(packed)
        os.replace(draft, out)
    except OSError as problem:
        raise UsageError(f"cannot write {out}: {problem.strerror}") from None
    return digest, True
