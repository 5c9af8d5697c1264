# SPDX-License-Identifier: MIT
"""Writes the archive that the kernel unpacks as its first file system (cpio "newc").

Deterministic: the same entries give the same bytes, whatever order they came in. Everything belongs
to root; regular files keep their modification time, because interpreters compare it with their
caches. Limit of the format: 4 GiB a file.
"""

import os
import shutil
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from harness.guest.errors import GuestError

_MAX_FILE = 0xFFFFFFFF


@dataclass(frozen=True)
class Entry:
    """One thing in the archive. `mode` holds the type bits as well; `mtime` is in whole seconds.

    Exactly one of `data` and `source` gives the content of a regular file; `data` is the target of
    a symbolic link. `device` is (major, minor) of a device node.
    """

    mode: int
    data: bytes = b""
    source: Path | None = None
    mtime: int = 0
    device: tuple[int, int] = (0, 0)

    def size(self) -> int:
        return len(self.data) if self.source is None else self.source.stat().st_size


def directory(permissions: int = 0o755) -> Entry:
    return Entry(stat.S_IFDIR | permissions)


def symlink(target: str) -> Entry:
    return Entry(stat.S_IFLNK | 0o777, os.fsencode(target))


def regular(data: bytes, permissions: int = 0o644) -> Entry:
    return Entry(stat.S_IFREG | permissions, data)


def copy_of(source: Path) -> Entry:
    """A regular file with the content, permissions and modification time of one of this machine."""
    info = source.stat()
    if info.st_size > _MAX_FILE:
        raise GuestError(f"{source}: larger than 4 GiB, which a guest image cannot carry")
    return Entry(stat.S_IFREG | stat.S_IMODE(info.st_mode), source=source, mtime=int(info.st_mtime))


def character_device(major: int, minor: int, permissions: int = 0o600) -> Entry:
    return Entry(stat.S_IFCHR | permissions, device=(major, minor))


def write_archive(out: BinaryIO, entries: Mapping[str, Entry]) -> None:
    """Writes the entries (absolute path to entry) and the folders above them that are not named.

    Raises GuestError when a file changes its size while it is being read.
    """
    complete = dict(entries)
    for path in entries:
        for parent in Path(path).parents:
            complete.setdefault(str(parent), directory())
    complete.pop("/", None)
    # Sorted by bytes every folder comes before what it holds, which the kernel's unpacker needs.
    ordered = sorted(
        ((os.fsencode(path), entry) for path, entry in complete.items()), key=lambda item: item[0]
    )
    for inode, (path_bytes, entry) in enumerate(ordered, start=1):
        _write_entry(out, inode, path_bytes.lstrip(b"/"), entry)
    _write_entry(out, 0, b"TRAILER!!!", Entry(0))


def _write_entry(out: BinaryIO, inode: int, name: bytes, entry: Entry) -> None:
    size = entry.size()
    links = 2 if stat.S_ISDIR(entry.mode) else 1
    # After the inode: mode, uid, gid, links, mtime, size, device of the file, device it is, name.
    numbers = (
        *(inode, entry.mode, 0, 0, links, entry.mtime, size),
        *(0, 0, *entry.device, len(name) + 1, 0),
    )
    header = b"070701" + b"".join(b"%08X" % number for number in numbers)
    out.write(_padded(header + name + b"\0"))
    if entry.source is None:
        out.write(_padded(entry.data))
        return
    with entry.source.open("rb") as source:
        start = out.tell()
        shutil.copyfileobj(source, out, 1 << 20)
        if out.tell() - start != size:
            raise GuestError(f"{entry.source}: changed while it was copied; run again")
    out.write(b"\0" * (-size % 4))


def _padded(data: bytes) -> bytes:
    return data + b"\0" * (-len(data) % 4)
