# SPDX-License-Identifier: MIT
"""What the parts of a guest run share with the rest of the run."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from harness.controller.interrupt import Interrupt
from harness.progress import Progress
from results.writer import ResultWriter


@dataclass(frozen=True)
class Surroundings:
    """What the guest part shares with the rest of the run."""

    writer: ResultWriter
    interrupt: Interrupt
    progress: Progress
    raw: Path
    seed: int
