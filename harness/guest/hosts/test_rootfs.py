# SPDX-License-Identifier: MIT
"""The image comes from this machine's Debian archive and is named by what goes into it."""

import dataclasses
import os
from pathlib import Path

import pytest

from harness.guest.errors import GuestError
from harness.guest.hosts import rootfs
from harness.guest.kernels import Kernel

_KERNEL = Kernel("6.1", "6.1.0-1-cloud-amd64", Path("v"), Path("m"), Path("h"))
_TARGETS = """\
Other|http://other/apt/|bookworm|main
Debian|http://archive/debian/|bookworm|main
Debian|http://archive/debian/|bookworm-updates|main
Debian|http://archive/security/|bookworm-security|main
Debian|http://archive/debian/|trixie|main
Debian|http://archive/debian/|bookworm|main
"""


def test_sources_are_debians_of_this_release_each_once() -> None:
    assert rootfs.sources(_TARGETS) == [
        "deb http://archive/debian/ bookworm main",
        "deb http://archive/debian/ bookworm-updates main",
        "deb http://archive/security/ bookworm-security main",
    ]


@pytest.mark.parametrize("targets", ["", "Debian|http://archive/debian/|trixie|main"])
def test_machine_of_another_release_is_told(targets: str) -> None:
    with pytest.raises(GuestError, match="needs Debian 12"):
        rootfs.sources(targets)


def test_name_follows_kernels_and_ingredients(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("rootfs.py", "host-init.sh", "sshd.conf"):
        (tmp_path / name).write_text(name)
    monkeypatch.setattr(rootfs, "_HERE", tmp_path)
    before = rootfs.cache_key([_KERNEL])
    assert before == rootfs.cache_key([_KERNEL])
    assert before != rootfs.cache_key([dataclasses.replace(_KERNEL, release="6.1.0-2")])
    (tmp_path / "host-init.sh").write_text("changed")
    assert before != rootfs.cache_key([_KERNEL])


def test_image_without_a_manifest_counts_as_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rootfs, "images_dir", lambda: tmp_path)
    monkeypatch.setattr(rootfs, "cached_kernel", lambda series: _KERNEL)
    folder = tmp_path / rootfs.cache_key([_KERNEL, _KERNEL])
    folder.mkdir()
    (folder / "root.ext4").write_text("half")
    assert rootfs.cached_image() is None
    (folder / "manifest.json").write_text('{"packages": {}}')
    found = rootfs.cached_image()
    assert found is not None and found.disk == folder / "root.ext4"


def test_building_without_root_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rootfs, "images_dir", lambda: tmp_path)
    monkeypatch.setattr(rootfs, "ensure_kernel", lambda series: _KERNEL)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(GuestError, match="needs root: sudo ./kevbench guest up"):
        rootfs.ensure_image(lambda line: None)


def test_missing_tool_is_told_with_its_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rootfs, "images_dir", lambda: tmp_path)
    monkeypatch.setattr(rootfs, "ensure_kernel", lambda series: _KERNEL)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(rootfs, "_SBIN", str(tmp_path))
    with pytest.raises(GuestError, match="apt-get install mmdebstrap"):
        rootfs.ensure_image(lambda line: None)
