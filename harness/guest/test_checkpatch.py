# SPDX-License-Identifier: MIT
"""The style check is taken out of a source archive whole, or not at all."""

import io
import tarfile
from pathlib import Path

import pytest

from harness.guest.checkpatch import pick_scripts
from harness.guest.errors import GuestError


def _archive(path: Path, *names: str) -> Path:
    with tarfile.open(path, "w:xz") as archive:
        for name in names:
            data = name.encode()
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return path


_LISTS = ("linux/scripts/spelling.txt", "linux/scripts/const_structs.checkpatch")


def test_script_and_lists_are_taken_from_the_scripts_folder_only(tmp_path: Path) -> None:
    names = ("linux/checkpatch.pl", "linux/tools/scripts/spelling.txt", *_LISTS)
    archive = _archive(tmp_path / "a.tar.xz", *names, "linux/scripts/checkpatch.pl", "linux/x")
    pick_scripts(archive, tmp_path / "out")
    assert (tmp_path / "out/checkpatch.pl").read_text() == "linux/scripts/checkpatch.pl"
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "checkpatch.pl",
        "const_structs.checkpatch",
        "spelling.txt",
    ]


def test_an_archive_without_the_script_is_refused_by_name(tmp_path: Path) -> None:
    archive = _archive(tmp_path / "a.tar.xz", *_LISTS)
    with pytest.raises(GuestError, match="lacks scripts/checkpatch.pl"):
        pick_scripts(archive, tmp_path / "out")


def test_a_damaged_archive_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "a.tar.xz").write_bytes(b"no archive")
    with pytest.raises(GuestError, match=r"a\.tar\.xz: .*run again"):
        pick_scripts(tmp_path / "a.tar.xz", tmp_path / "out")
