# SPDX-License-Identifier: MIT
"""Libraries are found as the dynamic loader finds them."""

import subprocess
from pathlib import Path

import pytest

from harness.guest import elf
from harness.guest.errors import GuestError


def _shared(folder: Path, name: str, *options: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    library = folder / name
    command = ["gcc", "-shared", "-nostdlib", "-Wl,--no-as-needed", f"-Wl,-soname,{name}"]
    empty = ["-x", "c", "/dev/null", "-x", "none"]
    subprocess.run([*command, "-o", str(library), *empty, *options], check=True, timeout=60)
    return library


def test_program_of_this_machine_needs_its_interpreter_and_the_c_library() -> None:
    info = elf.read_elf(Path("/usr/bin/env"))
    assert info is not None
    assert info.interpreter == "/lib64/ld-linux-x86-64.so.2"
    names = {path.name for path in elf.resolve_libraries([Path("/usr/bin/env")])}
    assert {"libc.so.6", "ld-linux-x86-64.so.2"} <= names


def test_resolution_agrees_with_the_loader_itself() -> None:
    program = Path("/usr/bin/apt-get")
    listing = subprocess.run(
        ["/lib64/ld-linux-x86-64.so.2", "--list", str(program)],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    ).stdout
    said = {
        Path(line.split("=>")[-1].split()[0]).resolve()
        for line in listing.splitlines()
        if "/" in line
    }
    assert {path.resolve() for path in elf.resolve_libraries([program])} == said


def test_text_and_empty_files_are_not_elf(tmp_path: Path) -> None:
    for content in (b"", b"\x7fELF", b"#!/bin/sh\n" * 20):
        (tmp_path / "file").write_bytes(content)
        assert elf.read_elf(tmp_path / "file") is None


def test_file_that_was_cut_short_is_named_as_damaged(tmp_path: Path) -> None:
    whole = Path("/usr/bin/env").read_bytes()
    (tmp_path / "half").write_bytes(whole[:200])
    with pytest.raises(GuestError, match="half: damaged ELF file"):
        elf.read_elf(tmp_path / "half")


def test_runpath_with_origin_is_followed_but_not_inherited(tmp_path: Path) -> None:
    deep = _shared(tmp_path / "lib", "libdeep.so")
    upper = _shared(tmp_path / "lib", "libupper.so", str(deep))
    options = [str(upper), "-Wl,--enable-new-dtags", "-Wl,-rpath,$ORIGIN/lib"]
    root = _shared(tmp_path, "root.so", *options)
    # libdeep is needed by libupper, which has no path of its own: the loader would not find it.
    with pytest.raises(GuestError, match="libupper.so needs libdeep.so"):
        elf.resolve_libraries([root], cache={})


def test_rpath_of_the_program_reaches_the_libraries_below_it(tmp_path: Path) -> None:
    deep = _shared(tmp_path / "lib", "libdeep.so")
    upper = _shared(tmp_path / "lib", "libupper.so", str(deep))
    options = [str(upper), "-Wl,--disable-new-dtags", "-Wl,-rpath,${ORIGIN}/lib"]
    root = _shared(tmp_path, "root.so", *options)
    assert elf.resolve_libraries([root], cache={}) == (deep, upper)


def test_loader_cache_answers_for_libraries_in_odd_folders(tmp_path: Path) -> None:
    library = _shared(tmp_path / "odd", "libodd.so")
    root = _shared(tmp_path, "root.so", str(library))
    assert elf.resolve_libraries([root], cache={"libodd.so": str(library)}) == (library,)


def test_missing_library_is_named_with_who_needs_it(tmp_path: Path) -> None:
    library = _shared(tmp_path / "odd", "libgone.so")
    root = _shared(tmp_path, "root.so", str(library))
    library.unlink()
    with pytest.raises(GuestError, match="root.so needs libgone.so, which is not on this machine"):
        elf.resolve_libraries([root], cache={})


def test_loader_cache_leaves_out_other_processors() -> None:
    listing = (
        "4 libs found in cache `/etc/ld.so.cache'\n"
        "\tliba.so.1 (libc6,x86-64, hwcap: x86-64-v3) => /usr/lib/glibc-hwcaps/x86-64-v3/liba.so.1\n"
        "\tliba.so.1 (libc6,x86-64) => /usr/lib/liba.so.1\n"
        "\tliba.so.1 (libc6,x86-64) => /usr/local/lib/liba.so.1\n"
        "\tlibb.so.1 (libc6) => /usr/lib32/libb.so.1\n"
    )
    assert elf.parse_loader_cache(listing) == {"liba.so.1": "/usr/lib/liba.so.1"}
