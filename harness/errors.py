# SPDX-License-Identifier: MIT
"""What ends a command, with its exit status. Every text is one line and names the remedy."""

from __future__ import annotations

OK, REGRESSED, INVALID, INCONCLUSIVE, USAGE = 0, 1, 2, 3, 4
#: Something that should have given figures gave none.
FAILED = REGRESSED


class UsageError(Exception):
    """The request or the machine is wrong; found before anything is measured. Exit status 4."""


class MeasurementFault(Exception):
    """The measurement went wrong: unequal work, a broken build, a full disk. Exit status 2."""
