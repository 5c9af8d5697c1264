# SPDX-License-Identifier: MIT
"""The kernel's own style check, checkpatch.pl, which Debian ships in its source package alone.

The package (about 150 MB) is downloaded once; of what it holds only the script and its word lists
stay, under build/guest/checkpatch/.
"""

import shutil
import tarfile
import tempfile
from pathlib import Path

from harness.guest import apt
from harness.guest.errors import GuestError
from harness.guest.kernels import DEFAULT_SERIES
from harness.guest.paths import build_lock, guest_build_dir

_SCRIPT = "checkpatch.pl"
_WANTED = (_SCRIPT, "spelling.txt", "const_structs.checkpatch")


def ensure_checkpatch() -> Path:
    """The script, fetched when it is not here yet (under a minute). Raises GuestError."""
    folder = guest_build_dir() / "checkpatch"
    with build_lock("checkpatch"):
        if not (folder / _SCRIPT).is_file():
            _fetch(folder)
    return folder / _SCRIPT


def _fetch(folder: Path) -> None:
    package = f"linux-source-{DEFAULT_SERIES}"
    record = apt.candidate(package)
    if record is None:
        apt.update()
        record = apt.show(package, "")
    guest_build_dir().mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=guest_build_dir(), prefix=".fetch-") as temporary:
        tree = Path(temporary, "tree")
        [deb] = apt.download([record], Path(temporary))
        apt.unpack(deb.file, tree)
        pick_scripts(tree / "usr/src" / f"{package}.tar.xz", Path(temporary, "picked"))
        shutil.rmtree(folder, ignore_errors=True)
        Path(temporary, "picked").rename(folder)


def pick_scripts(archive: Path, into: Path) -> None:
    """Takes the script and its lists out of a kernel source archive, whose top folder may vary."""
    into.mkdir()
    missing = set(_WANTED)
    try:
        with tarfile.open(archive, "r|xz") as source:
            for member in source:
                top, _, rest = member.name.partition("/")
                name = rest.removeprefix("scripts/")
                content = source.extractfile(member) if name in missing and rest != name else None
                if top and content is not None:
                    (into / name).write_bytes(content.read())
                    missing.discard(name)
                if not missing:
                    return
    except (OSError, tarfile.TarError) as error:
        raise GuestError(f"{archive.name}: {error}; run again") from None
    raise GuestError(f"{archive.name} lacks scripts/{min(missing)}; take another kernel source")
