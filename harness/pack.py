# SPDX-License-Identifier: MIT
"""The tree as one archive for another host: the files git knows, and on demand the built worker for
a host without a compiler that has the same Debian's libraries."""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import subprocess
import tarfile
import tempfile
from pathlib import Path

from harness import tree
from harness.errors import UsageError


def _files() -> list[Path]:
    try:
        listing = subprocess.run(
            ["git", "ls-files", "-z"], cwd=tree.ROOT, capture_output=True, text=True, check=True
        ).stdout
    except (OSError, subprocess.CalledProcessError):
        raise UsageError("git cannot list the files of the tree: clone it with git") from None
    return [path for name in listing.split("\0") if name and (path := tree.ROOT / name).is_file()]


def _worker() -> bytes:
    """The worker without what only a debugger reads, a twentieth of its size."""
    with tempfile.TemporaryDirectory() as folder:
        stripped = Path(folder) / "worker"
        words = ["strip", "--strip-debug", "-o", str(stripped), str(tree.worker())]
        try:
            subprocess.run(words, check=True, capture_output=True)
            return stripped.read_bytes()
        except (OSError, subprocess.CalledProcessError) as problem:
            raise UsageError(f"strip failed ({problem}): apt-get install binutils") from None


def _neutral(member: tarfile.TarInfo) -> tarfile.TarInfo:
    """The same files give the same bytes, whoever has them and since when."""
    member.mtime = member.uid = member.gid = 0
    member.uname = member.gname = ""
    member.mode = 0o755 if member.mode & 0o100 else 0o644
    return member


def pack(out: Path, programs: bool) -> tuple[str, bool]:
    """Writes the archive unless it is there already; its sha256, and whether it was written.

    Raises UsageError when it cannot be written.
    """
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for path in _files():
            archive.add(path, str(path.relative_to(tree.ROOT)), filter=_neutral)
        if programs:
            content = _worker()
            member = tarfile.TarInfo("build/release/harness/kevbench-worker")
            member.size, member.mode = len(content), 0o755
            archive.addfile(member, io.BytesIO(content))
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
