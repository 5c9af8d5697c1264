# SPDX-License-Identifier: MIT
"""Exceptions of the load drivers. Messages are one line and say what to do."""

from __future__ import annotations


class LoadError(Exception):
    """A tool or the server under test could not be used; the text names the remedy."""


class ToolMissing(LoadError):
    """A load generator is not installed."""

    def __init__(self, tool: str, package: str) -> None:
        super().__init__(f"{tool} is not installed: apt-get install {package}")
