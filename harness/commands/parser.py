# SPDX-License-Identifier: MIT
"""What the verbs share: error form, help form, where results go."""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any, NoReturn

from harness.errors import USAGE

Subparsers = Any


class Parser(argparse.ArgumentParser):
    """One line on standard error and status 4 for whatever is wrong with the arguments."""

    def error(self, message: str) -> NoReturn:
        print(f"kevbench: {message}; see {self.prog} --help", file=sys.stderr)
        raise SystemExit(USAGE)


def add_verb(subparsers: Subparsers, name: str, summary: str, examples: str) -> Parser:
    """A verb with its help text and examples."""
    parser: Parser = subparsers.add_parser(
        name,
        help=summary,
        description=summary[0].upper() + summary[1:] + ".",
        epilog=f"examples:\n{examples}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    return parser


def print_json(document: Any) -> None:
    """One document on standard output, for programs."""
    print(json.dumps(document, indent=1, allow_nan=False))
