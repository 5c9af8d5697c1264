# SPDX-License-Identifier: MIT
"""The right packages are chosen, and what they hold is understood."""

from pathlib import Path

import pytest

from harness.guest import apt, kernels
from harness.guest.errors import GuestError


def _kernel(tree: Path) -> kernels.Kernel:
    return kernels.Kernel("6.1", "6.1.0-9-cloud-amd64", tree, tree, tree)


def test_newest_release_of_the_series_comes_first() -> None:
    names = [
        "linux-image-6.1.0-9-cloud-amd64",
        "linux-image-6.1.0-56-cloud-amd64",
        "linux-image-6.1.0-56-cloud-amd64-dbg",
        "linux-image-6.1.0-57-cloud-amd64-unsigned",
        "linux-image-6.1.0-58-amd64",
        "linux-image-6.12.9+deb12-cloud-amd64",
        "linux-image-6.12.117+deb12-cloud-amd64",
        "linux-image-6.12-cloud-amd64",
    ]
    assert kernels.pick_release("6.1", names) == ["6.1.0-56-cloud-amd64", "6.1.0-9-cloud-amd64"]
    assert kernels.pick_release("6.12", names)[0] == "6.12.117+deb12-cloud-amd64"
    assert kernels.pick_release("6.13", names) == []


def test_record_of_apt_names_the_packages_of_the_headers_tree() -> None:
    record = apt.parse_record(
        "Package: linux-headers-6.1.0-56-cloud-amd64\nVersion: 6.1.192-2\n"
        "Depends: linux-headers-6.1.0-56-common (= 6.1.192-2), linux-kbuild-6.1 (>= 6.1.192-2),\n"
        " more\n\nPackage: other\nVersion: 1\n"
    )
    assert record is not None
    assert (record.package, record.version) == ("linux-headers-6.1.0-56-cloud-amd64", "6.1.192-2")
    assert kernels.header_packages(record) == ["linux-headers-6.1.0-56-common", "linux-kbuild-6.1"]
    assert apt.parse_record("N: Unable to locate package\n") is None


def test_unknown_series_is_refused() -> None:
    with pytest.raises(GuestError, match="no kernel '5.10'; choose one of 6.1, 6.12"):
        kernels.ensure_kernel("5.10")


def test_failure_of_apt_is_one_line_that_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tool = tmp_path / "apt-get"
    tool.write_text("#!/bin/sh\necho 'W: minor' >&2\necho 'E: Unable to fetch' >&2\nexit 100\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setattr("os.geteuid", lambda: 0)
    with pytest.raises(GuestError) as caught:
        apt.download([apt.Record("package", "1", ())], tmp_path)
    assert "failed: E: Unable to fetch; check apt's sources" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_missing_apt_is_said_plainly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(GuestError, match="apt-cache is missing; .* use Debian 12"):
        apt.names("linux-image")


def test_lists_are_fetched_once_when_apt_knows_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    updates: list[str] = []

    def names(prefix: str) -> list[str]:
        return [f"{prefix}.0-9-cloud-amd64"] if updates else []

    monkeypatch.setattr(apt, "update", lambda: updates.append("update"))
    monkeypatch.setattr(apt, "names", names)
    monkeypatch.setattr(apt, "candidate", lambda package: apt.Record(package, "6.1.9-1", ()))
    image, headers = kernels.choose_packages("6.1")
    assert (image.package, headers.package, updates) == (
        "linux-image-6.1.0-9-cloud-amd64",
        "linux-headers-6.1.0-9-cloud-amd64",
        ["update"],
    )


def test_image_without_headers_of_its_version_is_passed_over(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    versions = {"linux-image-6.1.0-10": "2", "linux-headers-6.1.0-10": "1"}
    monkeypatch.setattr(
        apt, "names", lambda prefix: [f"{prefix}.0-{n}-cloud-amd64" for n in (9, 10)]
    )
    monkeypatch.setattr(
        apt,
        "candidate",
        lambda package: apt.Record(
            package, versions.get(package.removesuffix("-cloud-amd64"), "1"), ()
        ),
    )
    assert kernels.choose_packages("6.1")[0].package == "linux-image-6.1.0-9-cloud-amd64"


def test_headers_makefile_finds_its_common_part_wherever_the_tree_lies(tmp_path: Path) -> None:
    headers = tmp_path / "linux-headers-6.1.0-9-cloud-amd64"
    headers.mkdir()
    makefile = headers / "Makefile"
    makefile.write_text("include /usr/src/linux-headers-6.1.0-9-common/Makefile\n")
    kernels.make_relocatable(headers)
    assert "/usr/src" not in makefile.read_text()
    assert "../linux-headers-6.1.0-9-common/Makefile" in makefile.read_text()
    with pytest.raises(GuestError, match="not a Debian headers tree"):
        kernels.make_relocatable(headers)


def _module(folder: Path, name: str, depends: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    data = b"\x7fELF\0license=GPL\0depends=" + depends.encode() + b"\0name=x\0"
    (folder / f"{name}.ko").write_bytes(data)


def test_modules_come_after_what_they_depend_on_and_without_what_is_built_in(
    tmp_path: Path,
) -> None:
    _module(tmp_path / "kernel/a", "top", "mid-dle,virtio")
    _module(tmp_path / "kernel/b", "mid-dle", "bottom")
    _module(tmp_path / "kernel/c", "bottom", "")
    (tmp_path / "modules.builtin").write_text("kernel/drivers/virtio/virtio.ko\n")
    closure = kernels.module_closure(_kernel(tmp_path), ["top", "bottom", "virtio"])
    assert [name for name, _data in closure] == ["bottom", "mid_dle", "top"]
    with pytest.raises(GuestError, match="has no module nothing"):
        kernels.module_closure(_kernel(tmp_path), ["nothing"])


def test_fields_of_a_module_are_read() -> None:
    data = b"x\0vermagic=6.1.0-9-cloud-amd64 SMP preempt\0depends=\0"
    assert kernels.module_info(data, "vermagic") == "6.1.0-9-cloud-amd64 SMP preempt"
    assert kernels.module_info(data, "depends") == ""
    assert kernels.module_info(data, "name") == ""
