# SPDX-License-Identifier: MIT
"""Collects the programs, libraries, files and folders of this machine that a guest carries.

Everything keeps its path. Symbolic links, also those among the folders of a path (/lib to usr/lib),
are carried as links together with what they point to, so that the loader and the programs meet the
same names as here.
"""

import os
import shutil
import stat
from collections.abc import Iterable, Mapping
from pathlib import Path

from harness.guest import cpio, elf
from harness.guest.errors import GuestError

_MAX_LINKS = 40  # as many as the kernel follows before it gives ELOOP


class Payload:
    """What a guest carries, path to archive entry. Not safe for use from several threads."""

    def __init__(self) -> None:
        self._entries: dict[str, cpio.Entry] = {}
        self._objects: list[Path] = []

    def add(self, path: Path) -> None:
        """Adds a file, or a folder with all that is in it, at its own path.

        A symbolic link met inside a folder is carried as it is, and its target only when that is a
        regular file: a link to a folder could lead anywhere. Sockets, FIFOs and device nodes are
        left out. Raises GuestError when `path` does not exist or cannot be read.
        """
        absolute = Path(os.path.abspath(path))
        try:
            real = self._add_chain(absolute)
            if stat.S_ISDIR(real.stat().st_mode):
                self._add_folder(real)
            else:
                self._add_file(real)
        except OSError as error:
            raise GuestError(f"cannot carry {path} into the guest: {error.strerror}") from None

    def add_program(self, path: Path) -> None:
        """Adds an executable file and, for a script, the interpreter that its first line names."""
        self.add(path)
        interpreter = script_interpreter(path)
        if interpreter is not None:
            if not interpreter.is_file():
                raise GuestError(f"{path}: its interpreter {interpreter} is not on this machine")
            self.add_program(interpreter)

    def add_folder_path(self, path: Path) -> None:
        """Adds a folder without its content, made up where this machine does not have it."""
        if path.is_dir():
            self._add_chain(path)
        else:
            self.put(str(path), cpio.directory())

    def add_libraries(self) -> None:
        """Adds what every ELF file added so far needs; call once, after the last `add`."""
        for library in elf.resolve_libraries(self._objects):
            self.add(library)

    def put(self, path: str, entry: cpio.Entry) -> None:
        """Sets a made-up entry; one that the caller carries already is left alone."""
        self._entries.setdefault(path, entry)

    def entries(self) -> Mapping[str, cpio.Entry]:
        return self._entries

    def size_bytes(self) -> int:
        """Bytes of file content, without the names."""
        return sum(entry.size() for entry in self._entries.values())

    def _add_chain(self, path: Path) -> Path:
        """Adds every link met on the way to `path` and returns where it ends."""
        done = Path("/")
        todo = list(path.parts[1:])
        links = 0
        while todo:
            part = todo.pop(0)
            if part == "..":
                done = done.parent
                continue
            step = done / part
            info = step.lstat()
            if not stat.S_ISLNK(info.st_mode):
                if stat.S_ISDIR(info.st_mode):
                    self._entries[str(step)] = cpio.directory(stat.S_IMODE(info.st_mode))
                done = step
                continue
            links += 1
            if links > _MAX_LINKS:
                raise GuestError(f"cannot carry {path} into the guest: its links form a loop")
            target = os.readlink(step)
            self._entries[str(step)] = cpio.symlink(target)
            parts = list(Path(target).parts)
            if target.startswith("/"):
                done, parts = Path("/"), parts[1:]
            todo = parts + todo
        return done

    def _add_file(self, real: Path) -> None:
        self._entries[str(real)] = cpio.copy_of(real)
        if elf.read_elf(real) is not None:
            self._objects.append(real)

    def _add_folder(self, real: Path) -> None:
        for folder, names, files in os.walk(real):
            info = os.lstat(folder)
            self._entries[folder] = cpio.directory(stat.S_IMODE(info.st_mode))
            for name in names + files:
                self._add_member(Path(folder, name))

    def _add_member(self, path: Path) -> None:
        mode = path.lstat().st_mode
        if stat.S_ISREG(mode):
            self._add_file(path)
        elif stat.S_ISLNK(mode):
            self._entries[str(path)] = cpio.symlink(os.readlink(path))
            if path.is_file():
                self._add_file(self._add_chain(path))


def script_interpreter(path: Path) -> Path | None:
    """The interpreter that a script's first line names, or None for anything but a script."""
    try:
        with path.open("rb") as file:
            first = file.readline(256)
    except OSError as error:
        raise GuestError(f"cannot read {path}: {error.strerror}") from None
    words = first[2:].split()
    return Path(os.fsdecode(words[0])) if first[:2] == b"#!" and words else None


def find_program(name: str, search: str | None = None) -> Path:
    """The absolute path of a command as a shell would find it; raises GuestError if there is none.

    `search` replaces PATH.
    """
    found = shutil.which(name, path=search)
    if found is None:
        where = "does not exist or is not executable" if "/" in name else "is not on the PATH"
        raise GuestError(f"{name} {where}; name an executable of this machine")
    return Path(os.path.abspath(found))


def guest_memory_needed(payload_bytes: int) -> int:
    """MiB of guest memory for a payload of that size.

    The archive and its unpacked copy exist side by side at boot, and the kernel gives the unpacked
    file system at most half of the memory; the kernel and the program need some of their own.
    """
    return 192 + 2 * -(-payload_bytes // (1 << 20))


def check_paths(paths: Iterable[Path]) -> None:
    """Raises GuestError for the first path that does not exist, before anything is built."""
    for path in paths:
        if not os.path.lexists(path):
            raise GuestError(f"{path} does not exist; --add takes a file or folder of this machine")
