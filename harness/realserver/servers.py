# SPDX-License-Identifier: MIT
"""The web servers: Debian's binaries as they are, with settings of ours."""

from __future__ import annotations

import re
import string
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.guest import packages

HERE = Path(__file__).parent
SITE = "/tmp/site"
"""Where the guest has the server's files."""
PORT = 8080


@dataclass(frozen=True)
class Server:
    """One server, by the name of its package."""

    name: str
    program: str
    """Inside the package, as is the folder of its loadable modules; "" = none are loaded."""
    modules: str
    options: tuple[str, ...]
    """With {conf} and {modules} where their paths go."""
    stop: str
    """The signal on which it ends in good order."""
    trigger: str
    """How it asks epoll: lt or et."""
    harmless: str
    """Pattern of the lines of its log that tell of no fault."""

    @property
    def conf(self) -> Path:
        """The template of its settings."""
        return HERE / f"{self.name}.conf"

    def settings(self, connections: int) -> str:
        """Its settings for that many connections at once."""
        return string.Template(self.conf.read_text()).substitute(connections=connections)

    def command(self, package: Path, conf: Path) -> list[str]:
        """How it is started from the folder of its package."""
        places = {"conf": str(conf), "modules": str(package / self.modules)}
        return [str(package / self.program), *(one.format(**places) for one in self.options)]

    def files(self, package: Path) -> list[Path]:
        """What a guest needs of its package."""
        return [package / one for one in (self.program, self.modules) if one]

    def complaints(self, log: Sequence[str]) -> list[str]:
        """Lines of its log that tell of a fault."""
        return [line for line in log if line.strip() and not re.search(self.harmless, line)]

    def why_missing(self) -> str | None:
        """Why it cannot be had here; None where it can."""
        return packages.why_missing(self.name)


SERVERS = {
    one.name: one
    for one in (
        Server(
            "nginx",
            "usr/sbin/nginx",
            "",
            ("-p", SITE, "-c", "{conf}"),
            "QUIT",
            "et",
            r"\[(debug|info|notice)\]",
        ),
        Server(
            "lighttpd",
            "usr/sbin/lighttpd",
            "usr/lib/lighttpd",
            ("-D", "-f", "{conf}", "-m", "{modules}"),
            "INT",
            "lt",
            r"\) (server started|server stopped by|\[note\] graceful shutdown started)",
        ),
    )
}
