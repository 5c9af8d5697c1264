# SPDX-License-Identifier: MIT
"""The archive is deterministic and an independent reader agrees with it."""

import io
import os
import stat
import subprocess
from pathlib import Path

from harness.guest import cpio


def _archive(entries: dict[str, cpio.Entry]) -> bytes:
    out = io.BytesIO()
    cpio.write_archive(out, entries)
    return out.getvalue()


def test_order_of_the_entries_does_not_matter() -> None:
    entries = {"/b": cpio.regular(b"2"), "/a/x": cpio.regular(b"1"), "/a": cpio.directory(0o700)}
    backwards = dict(reversed(list(entries.items())))
    assert _archive(entries) == _archive(backwards)


def test_archive_unpacks_to_what_was_put_in(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.write_bytes(bytes(range(256)) * 5)
    source.chmod(0o640)
    os.utime(source, (1_700_000_000, 1_700_000_000))
    name = "/deep/er/a name\nof two lines"
    archive = _archive(
        {
            name: cpio.copy_of(source),
            "/deep/link": cpio.symlink("../else where"),
            "/empty": cpio.regular(b"", 0o755),
            "/closed": cpio.directory(0o500),
        }
    )
    out = tmp_path / "out"
    out.mkdir()
    command = ["cpio", "--extract", "--quiet", "--preserve-modification-time"]
    subprocess.run(command, input=archive, cwd=out, check=True, timeout=60)
    copy = out / name[1:]
    assert copy.read_bytes() == source.read_bytes()
    assert stat.S_IMODE(copy.stat().st_mode) == 0o640
    assert copy.stat().st_mtime == 1_700_000_000
    assert os.readlink(out / "deep/link") == "../else where"
    assert stat.S_IMODE((out / "empty").stat().st_mode) == 0o755
    assert stat.S_IMODE((out / "closed").stat().st_mode) == 0o500


def test_every_folder_comes_before_what_it_holds() -> None:
    archive = _archive({"/a/b/c": cpio.regular(b"x"), "/a-b": cpio.regular(b"y")})
    command = ["cpio", "--list", "--quiet"]
    listed = subprocess.run(command, input=archive, capture_output=True, check=True, timeout=60)
    assert listed.stdout.split() == [b"a", b"a-b", b"a/b", b"a/b/c"]


def test_device_node_carries_its_numbers() -> None:
    archive = _archive({"/console": cpio.character_device(5, 1)})
    listed = subprocess.run(
        ["cpio", "--list", "--verbose", "--quiet"],
        input=archive,
        capture_output=True,
        check=True,
        timeout=60,
    )
    assert listed.stdout.startswith(b"crw-------")
    assert b"5,   1" in listed.stdout
