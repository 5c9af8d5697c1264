# SPDX-License-Identifier: MIT
"""Which shared objects an ELF file needs at run time, found by reading files only.

Nothing is executed (ldd would run the program's interpreter), so foreign and broken files are safe.
Limits: 64-bit little-endian x86-64 objects; a library that a program opens by itself with dlopen()
is invisible here and has to be added by the caller.
"""

import functools
import re
import struct
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from harness.guest.errors import GuestError

_EM_X86_64 = 62
_PT_LOAD, _PT_DYNAMIC, _PT_INTERP = 1, 2, 3
_DT_NULL, _DT_NEEDED, _DT_STRTAB, _DT_RPATH, _DT_RUNPATH = 0, 1, 5, 15, 29

# What glibc's loader searches on Debian when neither the object nor the cache says more.
_DEFAULT_DIRS = ("/lib/x86_64-linux-gnu", "/usr/lib/x86_64-linux-gnu", "/lib", "/usr/lib")


@dataclass(frozen=True)
class ElfInfo:
    """The part of an ELF file that decides what else it needs."""

    interpreter: str | None
    needed: tuple[str, ...]
    rpath: tuple[str, ...]
    runpath: tuple[str, ...]


def read_elf(path: Path) -> ElfInfo | None:
    """The needs of an ELF file, or None for anything that is not an x86-64 ELF file.

    Raises GuestError for an ELF file that is cut short.
    """
    with path.open("rb") as file:
        head = file.read(64)
        if len(head) < 64 or head[:6] != b"\x7fELF\x02\x01":
            return None
        if struct.unpack_from("<H", head, 18)[0] != _EM_X86_64:
            return None
        data = head + file.read()
    try:
        return _parse(data)
    except (struct.error, ValueError) as error:
        raise GuestError(f"{path}: damaged ELF file ({error}); rebuild or reinstall it") from None


def _parse(data: bytes) -> ElfInfo:
    phoff, phentsize, phnum = (
        struct.unpack_from("<Q", data, 32)[0],
        *struct.unpack_from("<HH", data, 54),
    )
    interpreter: str | None = None
    dynamic: bytes = b""
    loads: list[tuple[int, int, int]] = []
    for index in range(phnum):
        kind, _flags, offset, vaddr, _paddr, filesz = struct.unpack_from(
            "<IIQQQQ", data, phoff + index * phentsize
        )
        if kind == _PT_INTERP:
            interpreter = data[offset : offset + filesz].rstrip(b"\0").decode()
        elif kind == _PT_DYNAMIC:
            dynamic = data[offset : offset + filesz]
        elif kind == _PT_LOAD:
            loads.append((vaddr, offset, filesz))

    entries = [struct.unpack_from("<QQ", dynamic, at) for at in range(0, len(dynamic) - 15, 16)]
    table_vaddr = next((value for tag, value in entries if tag == _DT_STRTAB), None)
    strings: dict[int, list[str]] = {_DT_NEEDED: [], _DT_RPATH: [], _DT_RUNPATH: []}
    if table_vaddr is not None:
        table = _file_offset(loads, table_vaddr)
        for tag, value in entries:
            if tag == _DT_NULL:
                break
            if tag in strings:
                start = table + value
                strings[tag].append(data[start : data.index(b"\0", start)].decode())
    return ElfInfo(
        interpreter,
        tuple(strings[_DT_NEEDED]),
        _split_path(strings[_DT_RPATH]),
        _split_path(strings[_DT_RUNPATH]),
    )


def _file_offset(loads: Iterable[tuple[int, int, int]], vaddr: int) -> int:
    for start, offset, size in loads:
        if start <= vaddr < start + size:
            return offset + vaddr - start
    raise ValueError(f"string table at {vaddr:#x} lies in no segment")


def _split_path(values: Iterable[str]) -> tuple[str, ...]:
    return tuple(part for value in values for part in value.split(":") if part)


@functools.lru_cache(maxsize=1)
def loader_cache() -> Mapping[str, str]:
    """Name to path of the x86-64 libraries that this machine's loader knows; read once.

    Variants for newer processors (glibc-hwcaps) are left out: the guest's processor may lack them.
    """
    try:
        listing = subprocess.run(
            ["/sbin/ldconfig", "-p"], capture_output=True, text=True, check=True, timeout=30
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return {}
    return parse_loader_cache(listing)


def parse_loader_cache(listing: str) -> dict[str, str]:
    """Reads the output of `ldconfig -p`; the first entry of a name wins, as in the loader."""
    found: dict[str, str] = {}
    for match in re.finditer(r"^\s+(\S+) \(([^)]*)\) => (\S+)$", listing, re.MULTILINE):
        name, flags, path = match.groups()
        if "x86-64" in flags and "hwcap" not in flags:
            found.setdefault(name, path)
    return found


@dataclass(frozen=True)
class _Wanted:
    path: Path
    inherited_rpath: tuple[str, ...]


def resolve_libraries(
    roots: Iterable[Path], cache: Mapping[str, str] | None = None
) -> tuple[Path, ...]:
    """Every file the loader will open for these ELF files: interpreters and libraries, sorted.

    Paths are as the loader spells them (symbolic links not followed), so the caller must carry the
    links as well. `cache` replaces this machine's loader cache. Raises GuestError when a library
    cannot be found.
    """
    known = loader_cache() if cache is None else cache
    found: dict[Path, None] = {}
    seen: set[Path] = set()
    todo = [_Wanted(root, ()) for root in roots]
    while todo:
        wanted = todo.pop()
        if wanted.path in seen:
            continue
        seen.add(wanted.path)
        info = read_elf(wanted.path)
        if info is None:
            continue
        if info.interpreter is not None:
            found[Path(info.interpreter)] = None
        # DT_RPATH reaches the libraries below it, DT_RUNPATH (which also silences it) does not.
        origin = str(wanted.path.resolve().parent)
        own = _expand(info.runpath or info.rpath, origin)
        inherited = () if info.runpath else own + wanted.inherited_rpath
        search = own if info.runpath else inherited
        for name in info.needed:
            library = _locate(name, search, known)
            if library is None:
                raise GuestError(
                    f"{wanted.path} needs {name}, which is not on this machine; "
                    "install its package or name its folder in the program's RUNPATH"
                )
            found[library] = None
            todo.append(_Wanted(library, inherited))
    return tuple(sorted(found))


def _expand(entries: Iterable[str], origin: str) -> tuple[str, ...]:
    return tuple(entry.replace("${ORIGIN}", origin).replace("$ORIGIN", origin) for entry in entries)


def _locate(name: str, search: Iterable[str], cache: Mapping[str, str]) -> Path | None:
    if "/" in name:
        return Path(name) if Path(name).is_file() else None
    candidates = [Path(folder, name) for folder in search]
    if name in cache:
        candidates.append(Path(cache[name]))
    candidates += [Path(folder, name) for folder in _DEFAULT_DIRS]
    return next((path for path in candidates if path.is_file()), None)
