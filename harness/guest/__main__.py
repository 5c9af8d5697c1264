# SPDX-License-Identifier: MIT
"""Runs `python3 -m harness.guest VERB …` from the root of the repository."""

import sys

from harness.guest.cli import standalone

if __name__ == "__main__":
    sys.exit(standalone(sys.argv[1:]))
