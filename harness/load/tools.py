# SPDX-License-Identifier: MIT
"""The load generators by name, for a host that is asked to run one."""

from __future__ import annotations

import dataclasses
import pathlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from harness.load import h2load, httperf, httpload, wrk
from harness.load.errors import LoadError
from harness.load.point import RawOutput
from harness.load.process import run_together


@dataclasses.dataclass(frozen=True, slots=True)
class Here:
    """What a generator host decides by itself."""

    worker: pathlib.Path
    cpus: tuple[int, ...] = ()
    """One process on each; empty = not pinned."""

    @property
    def first_cpu(self) -> int | None:
        return self.cpus[0] if self.cpus else None


@dataclasses.dataclass(frozen=True, slots=True)
class _Tool:
    plan: Callable[[Here, Mapping[str, Any]], Any]
    commands: Callable[[Any], list[list[str]]]
    deadline_s: Callable[[Any], float]


_TOOLS = {
    "httperf": _Tool(
        lambda here, fields: httperf.Plan(**fields, cpus=here.cpus),
        httperf.commands,
        httperf.deadline_s,
    ),
    "httpload": _Tool(
        lambda here, fields: httpload.Plan(**fields, worker=here.worker, cpus=here.cpus),
        httpload.commands,
        httpload.deadline_s,
    ),
    "wrk": _Tool(
        lambda here, fields: wrk.Plan(**fields, cpu=here.first_cpu), wrk.commands, wrk.deadline_s
    ),
    "h2load": _Tool(
        lambda here, fields: h2load.Plan(**fields, cpu=here.first_cpu),
        h2load.commands,
        h2load.deadline_s,
    ),
}


def run(name: str, fields: Mapping[str, Any], here: Here) -> Sequence[RawOutput]:
    """Runs a generator by the fields of its plan. Raises LoadError and ToolMissing."""
    tool = _TOOLS.get(name)
    if tool is None:
        raise LoadError(f"unknown load generator {name}: known are {', '.join(sorted(_TOOLS))}")
    try:
        plan = tool.plan(here, fields)
    except TypeError as problem:
        raise LoadError(f"the plan for {name} is not usable ({problem}): same version?") from None
    return run_together(tool.commands(plan), deadline_s=tool.deadline_s(plan))
