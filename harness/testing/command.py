# SPDX-License-Identifier: MIT
"""The command line as a process of its own, for tests."""

from __future__ import annotations

import os
import subprocess
import sys

from harness import tree


def kevbench(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Runs it to its end, with further environment variables; at most 240 s."""
    return subprocess.run(
        [sys.executable, "-m", "harness.cli", *arguments],
        cwd=tree.ROOT,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
