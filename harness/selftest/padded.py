# SPDX-License-Identifier: MIT
"""Builds with a slow-down of known size: a worker, and a copy of the module's sources.

Neither is ever what ships: the worker is built into a folder of its own with KVB_SELFTEST_PADDING
defined, and the module from a copy into which the padding is written; the sources hold none.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Sequence
from pathlib import Path

from harness import tree
from harness.errors import MeasurementFault
from harness.gate.builds import build_worker, cached_settings

SELFTEST = tree.ROOT / "build" / "selftest"
VARIABLE = "KEVBENCH_SELFTEST_PADDING"
#: Turned at run time by the root of the guest, so that one build serves every size.
PARAMETER = "/sys/module/kevent/parameters/selftest_padding"
FLAGS = "-DKEVENT_SELFTEST_PADDING"

#: Functions every event passes; the first that the sources have is padded.
ANCHORS = ("kevent_fire_inline", "kevent_fire_note", "kevent_fire")
_PAD = """\
/* SPDX-License-Identifier: GPL-2.0-only */
#ifdef KEVENT_SELFTEST_PADDING
#include <linux/compiler.h>
#include <linux/types.h>

extern unsigned int kevent_selftest_padding;

static __always_inline int kevent_selftest_pad(void)
{
	unsigned int left;

	for (left = READ_ONCE(kevent_selftest_padding); left; left--)
		barrier();
	return 0;
}
#endif
"""
_PARAMETER = """
#ifdef KEVENT_SELFTEST_PADDING
unsigned int kevent_selftest_padding;
module_param_named(selftest_padding, kevent_selftest_padding, uint, 0644);
#endif
"""
_CALL = """
#ifdef KEVENT_SELFTEST_PADDING
	const int padded __maybe_unused = kevent_selftest_pad();
#endif
"""


def padded_worker() -> Path:
    """The worker with environment-controlled padding. Raises MeasurementFault."""
    settings = dict(cached_settings(tree.BUILD))
    flags = settings.get("CMAKE_CXX_FLAGS", "")
    settings["CMAKE_CXX_FLAGS"] = f"{flags} -DKVB_SELFTEST_PADDING".strip()
    launcher = os.environ.get("CMAKE_CXX_COMPILER_LAUNCHER", "")
    return build_worker(tree.ROOT, SELFTEST / "worker", settings, launcher)


def pad_source(text: str, function: str) -> str | None:
    """The text with a call at the start of the function's body; None without its definition."""
    # A definition begins in the first column and its body with a brace alone on a line.
    pattern = rf"^[a-z][^\n;=]*\b{re.escape(function)}\((?:[^;{{}}]*?)\)\n\{{\n"
    found = re.search(pattern, text, re.MULTILINE)
    if found is None:
        return None
    return text[: found.end() - 1] + _CALL + text[found.end() :]


def padded_sources(anchors: Sequence[str] = ANCHORS, copy: Path = SELFTEST / "module") -> Path:
    """A tree with a padded copy of kmod/. Raises MeasurementFault when no anchor is found."""
    shutil.rmtree(copy, ignore_errors=True)
    ignored = shutil.ignore_patterns("*.o", "*.ko", "*.mod*", ".*", "Module.symvers")
    shutil.copytree(tree.ROOT / "kmod", copy / "kmod", ignore=ignored)
    kmod = copy / "kmod"
    files = sorted([*kmod.glob("*.h"), *kmod.glob("*.c")])
    for anchor in anchors:
        for path in files:
            padded = pad_source(path.read_text(encoding="utf-8"), anchor)
            if padded is not None:
                path.write_text(_with_include(padded), encoding="utf-8")
                (kmod / "selftest_padding.h").write_text(_PAD, encoding="utf-8")
                main = kmod / "main.c"
                main.write_text(
                    _with_include(main.read_text(encoding="utf-8")) + _PARAMETER, encoding="utf-8"
                )
                return copy
    raise MeasurementFault(
        f"none of {', '.join(anchors)} is defined in kmod/: the padding needs one"
    )


def _with_include(text: str) -> str:
    """The text with the padding's header after its last include."""
    line = '#include "selftest_padding.h"\n'
    if line in text:
        return text
    includes = list(re.finditer(r"^#include [^\n]*\n", text, re.MULTILINE))
    at = includes[-1].end() if includes else 0
    return text[:at] + line + text[at:]
