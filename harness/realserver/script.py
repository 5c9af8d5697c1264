# SPDX-License-Identifier: MIT
"""The plan of one boot as a script for the guest's shell, and the files it names."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.load import httperf
from harness.plan import Cell
from harness.realserver.plan import BATCHES, load_of
from harness.realserver.servers import HERE, SERVERS

_DRIVER = HERE / "drive.sh"


@dataclass(frozen=True)
class Script:
    """What the guest runs, and what it needs for it besides."""

    text: str
    files: tuple[Path, ...]


def write_script(
    cells: Sequence[Cell],
    folders: Mapping[str, Path],
    settings: Path,
    generator: Path,
    library: Path | None,
    facts: Mapping[str, str],
) -> Script:
    """Cells by their place in `cells`. `folders` are those of the servers' packages; the settings
    are written to a folder of the run. A `library` is preloaded. `facts`: name -> file to tell."""
    lines = [f". {shlex.quote(str(_DRIVER))}"]
    lines += [shlex.join(("fact", name, file)) for name, file in facts.items()]
    files = [_DRIVER, generator, *([library] if library else [])]
    for number, cell in enumerate(cells):
        server = SERVERS[cell.params["server"]]
        connections = int(cell.params["connections"])
        conf = settings / f"{server.name}-{connections}.conf"
        conf.write_text(server.settings(connections))
        package = folders[server.name]
        load = shlex.join(httperf.command(load_of(cell.params), str(generator)))
        lines.append(f"load() {{ {load}; }}")
        words = [
            *("measure", str(number), cell.params["body"], str(BATCHES), server.stop),
            str(library or ""),
            *server.command(package, conf),
        ]
        lines.append(shlex.join(words))
        files += [conf, *server.files(package)]
    return Script("\n".join(lines) + "\n", tuple(dict.fromkeys(files)))
