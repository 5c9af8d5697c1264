# SPDX-License-Identifier: MIT
"""Debian's kernels for the guests: fetched with apt, unpacked beside the build, never installed.

Image and headers come from one version string, so a module built against the headers fits the
image. A series that was fetched once is used from the cache, without asking apt.
"""

import json
import lzma
import re
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.guest import apt
from harness.guest.errors import GuestError
from harness.guest.paths import build_lock, kernels_dir, shown

SERIES = ("6.1", "6.12")
DEFAULT_SERIES = "6.12"
_FLAVOUR = "cloud-amd64"


@dataclass(frozen=True)
class Kernel:
    """An unpacked kernel. `release` is what `uname -r` says in the guest."""

    series: str
    release: str
    vmlinuz: Path
    modules_dir: Path
    headers: Path


def cached_kernel(series: str) -> Kernel | None:
    """The newest complete kernel of that series in the cache, or None."""
    found: list[tuple[tuple[Any, ...], Kernel]] = []
    for manifest in kernels_dir().glob("*/manifest.json"):
        try:
            record = json.loads(manifest.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue
        if record.get("series") == series:
            kernel = _kernel_at(series, manifest.parent)
            found.append((version_key(kernel.release), kernel))
    return max(found, key=lambda pair: pair[0])[1] if found else None


def ensure_kernel(series: str) -> Kernel:
    """The kernel of that series, fetched when it is not in the cache (about 45 MB, seconds).

    Raises GuestError for an unknown series or when apt cannot deliver.
    """
    if series not in SERIES:
        raise GuestError(f"no kernel {series!r}; choose one of {', '.join(SERIES)}")
    with build_lock("kernels"):
        return cached_kernel(series) or _fetch(series)


def version_key(text: str) -> tuple[Any, ...]:
    """Sorts version strings by their numbers: 6.1.0-9 before 6.1.0-56."""
    return tuple(
        (1, int(part), "") if part.isdigit() else (0, 0, part)
        for part in re.findall(r"\d+|\D+", text)
    )


def pick_release(series: str, names: Sequence[str]) -> list[str]:
    """Releases of that series, newest first, for which a signed image is among the package names.

    Only names with a full release count: "linux-image-6.12-cloud-amd64" is a package that merely
    depends on the current one.
    """
    pattern = re.compile(rf"linux-image-({re.escape(series)}\.\d+\S*-{_FLAVOUR})$")
    matches = [match.group(1) for name in names if (match := pattern.fullmatch(name))]
    return sorted(matches, key=version_key, reverse=True)


def header_packages(record: apt.Record) -> list[str]:
    """The packages that make one working headers tree, from the record of the headers package."""
    wanted = re.compile(r"linux-(headers-\S+-common|kbuild-\S+)")
    return [name for name in record.depends if wanted.fullmatch(name)]


def _fetch(series: str) -> Kernel:
    image, headers = choose_packages(series)
    records = [image, headers]
    for name in header_packages(headers):
        records.append(apt.show(name, headers.version))
    release = image.package.removeprefix("linux-image-")
    kernels_dir().mkdir(parents=True, exist_ok=True)
    final = kernels_dir() / release
    with tempfile.TemporaryDirectory(dir=kernels_dir(), prefix=".fetch-") as temporary:
        tree = Path(temporary, "tree")
        tree.mkdir()
        packages = apt.download(records, Path(temporary))
        for package in packages:
            apt.unpack(package.file, tree)
        make_relocatable(tree / "usr/src" / f"linux-headers-{release}")
        manifest = {
            "series": series,
            "release": release,
            "packages": [
                {"package": p.record.package, "version": p.record.version, "sha256": p.sha256}
                for p in packages
            ],
        }
        (tree / "manifest.json").write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")
        if final.exists():
            shutil.rmtree(final)  # left incomplete: it had no readable manifest
        tree.rename(final)
    return _kernel_at(series, final)


def choose_packages(series: str) -> tuple[apt.Record, apt.Record]:
    """The newest image of that series and the headers of the very same version.

    Fetches apt's lists when they offer none. Raises GuestError when that does not help.
    """
    for attempt in ("as is", "updated"):
        if attempt == "updated":
            apt.update()
        for release in pick_release(series, apt.names(f"linux-image-{series}")):
            image = apt.candidate(f"linux-image-{release}")
            headers = apt.candidate(f"linux-headers-{release}")
            if image and headers and image.version == headers.version:
                return image, headers
    raise GuestError(
        f"apt offers no {_FLAVOUR} kernel {series} with matching headers; "
        "the machine needs Debian 12 with bookworm and bookworm-security in its apt sources"
    )


def make_relocatable(headers: Path) -> None:
    """Lets the headers tree be used from where it lies: its Makefile names /usr/src outright."""
    makefile = headers / "Makefile"
    match = re.search(r"/usr/src/(linux-headers-\S+-common)/Makefile", makefile.read_text("utf-8"))
    if match is None:
        raise GuestError(f"{shown(makefile)}: not a Debian headers tree; remove it and run again")
    makefile.write_text(
        f"include $(dir $(lastword $(MAKEFILE_LIST)))../{match.group(1)}/Makefile\n",
        encoding="utf-8",
    )


def _kernel_at(series: str, tree: Path) -> Kernel:
    release = tree.name
    return Kernel(
        series=series,
        release=release,
        vmlinuz=tree / "boot" / f"vmlinuz-{release}",
        modules_dir=tree / "lib/modules" / release,
        headers=tree / "usr/src" / f"linux-headers-{release}",
    )


def module_closure(kernel: Kernel, names: Sequence[str]) -> list[tuple[str, bytes]]:
    """The kernel's own modules `names` and what they depend on, in loading order, unpacked.

    What is built into the kernel is left out. Raises GuestError for a name the kernel lacks.
    """
    files = {_module_name(path.name): path for path in kernel.modules_dir.glob("kernel/**/*.ko*")}
    builtin_list = (kernel.modules_dir / "modules.builtin").read_text(encoding="utf-8")
    builtin = {_module_name(Path(line).name) for line in builtin_list.splitlines()}
    ordered: dict[str, bytes] = {}

    def visit(name: str) -> None:
        if name in ordered or name in builtin:
            return
        if name not in files:
            raise GuestError(f"kernel {kernel.release} has no module {name}")
        raw = files[name].read_bytes()
        data = lzma.decompress(raw) if files[name].suffix == ".xz" else raw
        for dependency in module_info(data, "depends").split(","):
            if dependency:
                visit(dependency.replace("-", "_"))
        ordered[name] = data

    for name in names:
        visit(name.replace("-", "_"))
    return list(ordered.items())


def module_info(data: bytes, key: str) -> str:
    """One field of a module's .modinfo section ("depends", "vermagic"); empty if it has none."""
    match = re.search(rb"\0" + key.encode() + rb"=([^\0]*)\0", data)
    return match.group(1).decode() if match else ""


def _module_name(file_name: str) -> str:
    return file_name.partition(".ko")[0].replace("-", "_")
