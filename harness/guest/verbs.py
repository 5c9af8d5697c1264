# SPDX-License-Identifier: MIT
"""What the verbs of `guest` share: exit statuses, how a usage error is told, form of the help."""

import argparse
import sys
from typing import Any

OK, FAILED, USAGE = 0, 1, 4

# Anything with add_parser(); argparse's own name for it is private.
Subparsers = Any


class Parser(argparse.ArgumentParser):
    """Leaves with the project's status for a usage error."""

    def error(self, message: str) -> Any:
        self.print_usage(sys.stderr)
        self.exit(USAGE, f"{self.prog}: {message}\n")


def add_verb(verbs: Subparsers, name: str, text: str, epilog: str) -> argparse.ArgumentParser:
    """A verb of `guest` with its examples."""
    parser: argparse.ArgumentParser = verbs.add_parser(
        name,
        help=text,
        description=text[0].upper() + text[1:] + ".",
        epilog=epilog,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    return parser
