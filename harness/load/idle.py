# SPDX-License-Identifier: MIT
"""Silent connections held open beside a load, by `kevbench-worker httpidle`."""

from __future__ import annotations

import dataclasses
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

from harness.load.errors import LoadError
from harness.load.process import pinned
from harness.load.server import Announcer


@dataclasses.dataclass(frozen=True, slots=True)
class Held:
    """What a holder did from its start to its end."""

    asked: int
    open: int
    least: int
    """Standing at once since all stood, at least."""
    opened: int
    dropped: int
    """Ended by the server, each of which was opened anew."""
    failed: int
    """Attempts that did not lead to a connection."""

    @staticmethod
    def from_json(fields: Mapping[str, Any]) -> Held:
        """Raises LoadError when a field is missing or of the wrong kind."""
        try:
            return Held(**{one.name: int(fields[one.name]) for one in dataclasses.fields(Held)})
        except (KeyError, TypeError, ValueError) as error:
            raise LoadError(f"the idle holder's counts are not readable: {error!r}") from None


def command(
    worker: pathlib.Path | str,
    port: int,
    connections: int,
    *,
    server: str = "127.0.0.1",
    sources: Sequence[str] = (),
    cpu: int | None = None,
    duration_s: float = 600.0,
) -> list[str]:
    """The command of the holder, which ends by itself after `duration_s` at the latest."""
    argv = [
        str(worker),
        "httpidle",
        "--address",
        server,
        "--port",
        str(port),
        "--connections",
        str(connections),
        "--duration",
        f"{duration_s:g}",
    ]
    for source in sources:
        argv += ["--source", source]
    return pinned(argv, cpu)


class IdleHolder(Announcer):
    """Holds connections from construction, which returns once all stand, to stop().

    Use as a context manager. Not thread-safe.
    """

    def __init__(self, argv: Sequence[str], deadline_s: float = 30.0) -> None:
        """Raises LoadError with the holder's own message, or when not all stand in time."""
        super().__init__(argv, "kvb.httpidle", "the idle holder", deadline_s)
        self.announced("opened its connections")

    def stop(self) -> Held:
        """Closes the connections and tells what happened to them. Raises LoadError."""
        return Held.from_json(self.finish("printed its counts"))
