# SPDX-License-Identifier: MIT
"""What the debug guest last said of the module: committed, and bound to the module's sources.

The debug guest takes too long for every test run. Its result is kept in the tree with a hash of the
sources it was for, and the test suite fails when they have changed since.
"""

import hashlib
import json
from pathlib import Path

from harness.guest.module import kmod_dir
from harness.guest.suite import SuiteResult

_SOURCES = ("*.c", "*.h", "Kbuild", "include/**/*.h")


def record_file() -> Path:
    """Where the record lies."""
    return kmod_dir() / "debug-guest.json"


def sources_digest(folder: Path) -> str:
    """SHA-256 over the names and contents of the module's own sources, tests and library left out."""
    files = sorted({path for pattern in _SOURCES for path in folder.glob(pattern)})
    # What Kbuild makes beside the sources.
    own = [path for path in files if not path.name.endswith(".mod.c")]
    digest = hashlib.sha256()
    for path in own:
        content = path.read_bytes()
        digest.update(f"{path.relative_to(folder)}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()


def write(result: SuiteResult) -> Path:
    """Records a run without failures; returns the file."""
    record = {
        "sources_sha256": sources_digest(kmod_dir()),
        "kernel": result.guest.release,
        "passed": result.passed,
        "failed": result.failed,
        "skipped": result.skipped,
        "programs": {
            program.name: [program.passed, program.failed, program.skipped]
            for program in result.programs
        },
    }
    record_file().write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    return record_file()


def staleness() -> str:
    """Why the record does not stand for the sources as they are; empty when it does."""
    try:
        record = json.loads(record_file().read_text(encoding="utf-8"))
        recorded, failed = str(record["sources_sha256"]), int(record["failed"])
    except FileNotFoundError:
        return "the debug guest has not run on this module"
    except (ValueError, KeyError, TypeError):
        return f"{record_file().name} cannot be read"
    if failed:
        return f"the debug guest counted {failed} failures"
    if recorded != sources_digest(kmod_dir()):
        return "the module's sources have changed since the debug guest ran"
    return ""
