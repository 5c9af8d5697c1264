# SPDX-License-Identifier: MIT
"""One line of `guest check`."""

import os
import shutil
from dataclasses import dataclass

_SEARCH = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"


@dataclass(frozen=True)
class Finding:
    """`ok` None: nothing wrong, but not known or not there yet."""

    name: str
    ok: bool | None
    text: str


def tool_finding(tool: str, package: str, needed: bool = True) -> Finding:
    """Whether a tool is there; one that is not needed by all may be missing."""
    found = shutil.which(tool, path=_SEARCH)
    ok = found is not None or (None if not needed else False)
    return Finding(tool, ok, found or f"missing; apt-get install {package}")
