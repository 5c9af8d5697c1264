# SPDX-License-Identifier: MIT
"""Stands in for workers, servers and guests: answers at once, with figures from a cost model.

For runs that are as large as the largest, of which only the size matters. Never results.
"""

from __future__ import annotations

import json
import random
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from harness.celldata import Count
from harness.guest.spec import GuestResult, GuestSpec, Outcome
from harness.guestcells.answers import Answer
from harness.guestcells.boot import Prepared
from harness.guestcells.plan import FACTS
from harness.load import httperf, wrk
from harness.load.point import LoadPoint, Loop, Status
from harness.load.server import Counters
from harness.load.site import Wanted
from harness.plan import Cell, Side
from harness.testing import fake_worker
from harness.worker import Worker
from results import folded
from results.histogram import Histogram
from results.writer import ResultWriter

RELEASE = "6.12.0-made-up"
#: Latencies of one slice: enough for as many buckets as a real one fills.
_LATENCIES = 400
_LOADED_S = 1.0
#: Of a recording of one second: different stacks, and frames of the deepest.
_STACKS, _TALLEST = 110, 24


def _draw(*names: object) -> random.Random:
    """The same numbers for the same names, in every process."""
    return random.Random(zlib.crc32("/".join(str(name) for name in names).encode()))


def cost_ns(variant: str) -> float:
    """What an event costs; the variants of the fake worker keep their costs."""
    known = fake_worker.COSTS.get(variant)
    return float(known[0]) if known else _draw("cost", variant).uniform(400, 1100)


def _histogram(cost: float, draw: random.Random) -> dict[str, Any]:
    found = Histogram()
    for _ in range(_LATENCIES):
        found.record(int(cost * draw.lognormvariate(0.3, 0.4)) + 1)
    return found.fields()


class MadeUpWorker(Worker):
    """A worker without a process."""

    def __init__(self, *_: object, **__: object) -> None:
        self._cell: fake_worker.Cell | None = None
        self._draw = random.Random(0)
        self._open_loop = False

    def ask(self, deadline_s: float = 0.0, **request: Any) -> Answer:
        """Answers at once."""
        if request["do"] == "open":
            return self._opened(request)
        assert self._cell is not None
        if request["do"] == "counts":
            return self._cell.counts(request["operations"])
        answer = self._cell.slice(request["operations"], False)
        if request["timed"]:
            cost = answer["wall_ns"] / answer["ops"]
            answer["hist"] = _histogram(cost, self._draw)
            if self._open_loop:
                answer["hist_uncorrected"] = _histogram(cost / 2, self._draw)
                answer["hist_lateness"] = _histogram(cost / 9, self._draw)
                answer["pace"] = {"achieved": 1.0, "in_time": 1.0, "kept": True}
        return answer

    def _opened(self, request: dict[str, Any]) -> Answer:
        name = f"{request['mechanism']}+{request['variant']}"
        self._cell = fake_worker.Cell(request, cost_ns(name))
        self._draw = _draw(request["workload"], name, sorted(request["params"].items()))
        self._open_loop = request["params"].get("mode") == "open"
        return self._cell.opened()

    def hang_up(self) -> None:
        """There is nobody to tell."""

    def close(self) -> None:
        """There is nothing to end."""


class _Server:
    """A server that answers as often as the site last asked."""

    port = 1

    def __init__(self, cost: float) -> None:
        self._cost = cost
        self.requests = 0

    def stop(self) -> Counters:
        """What it did."""
        spent = int(self.requests * self._cost)
        return Counters(
            requests=self.requests,
            connections=self.requests,
            errors={},
            waits=self.requests,
            events=self.requests,
            batches=(0, self.requests),
            cpu_user_ns=spent // 3,
            cpu_sys_ns=spent - spent // 3,
            vcsw=self.requests,
            ivcsw=0,
            wall_ns=int(_LOADED_S * 1e9),
        )


class MadeUpSite:
    """In the place of harness.load.site.LocalSite, without a server or a client."""

    def __init__(self, *_: object, **__: object) -> None:
        self._server = _Server(0.0)

    @contextmanager
    def serve(self, wanted: Wanted) -> Iterator[_Server]:
        """The only server there is."""
        self._server = _Server(30 * cost_ns(f"{wanted.mechanism}+{wanted.variant}"))
        yield self._server

    def _point(self, tool: str, loop: Loop, rate: float, wanted: float | None) -> LoadPoint:
        self._server.requests = round(rate * _LOADED_S)
        return LoadPoint(
            tool=tool,
            loop=loop,
            connections=self._server.requests,
            rate_requested=wanted,
            rate_achieved=wanted,
            replies=self._server.requests,
            replies_per_s=rate,
            duration_s=_LOADED_S,
            errors={},
            status=Status.VALID,
            reason="",
        )

    def httperf(self, plan: httperf.Plan) -> LoadPoint:
        """Gets all it asks for."""
        return self._point("httperf", Loop.OPEN, plan.connection_rate, plan.connection_rate)

    def wrk(self, plan: wrk.Plan) -> LoadPoint:
        """A closed loop."""
        return self._point("wrk", Loop.CLOSED, 1e6 / plan.connections, None)


class LabellingWriter(ResultWriter):
    """Marks the run as made up; the front page of its report says so."""

    def append(self, record: str, fields: Mapping[str, Any], durable: bool = False) -> None:
        """Writes a record."""
        more = {"labels": {"synthetic": "yes"}} if record == "run" else {}
        super().append(record, {**fields, **more}, durable)


def count_sides(
    _program: Path,
    cell: Cell,
    sides: Sequence[Side],
    operations: int,
    _done: Callable[[str], None],
    _plugins: Sequence[Path] = (),
) -> Mapping[str, Count]:
    """In the place of callgrind."""
    found = {}
    for side in sides:
        each = round(cost_ns(side.variant.name) / 2)
        count = Count("callgrind", "user_instructions", operations, [float(each * operations)])
        found[side.label] = count
    return found


def stacks(cell: Cell, side: Side) -> folded.Stacks:
    """In the place of perf: as many samples as a second gives, in as many places."""
    draw = _draw("stacks", cell.identity, side.label)
    found: folded.Stacks = {}
    for _ in range(_STACKS):
        depth = draw.randint(4, _TALLEST)
        user = [f"frame_{draw.randint(0, 1)}_{level}" for level in range(depth // 2)]
        kernel = [f"sys_{draw.randint(0, 2)}_{level}{folded.KERNEL}" for level in range(depth // 2)]
        stack = ("kevbench-worker", *user, *kernel)
        found[stack] = found.get(stack, 0) + 499 // _STACKS
    return found


def prepared(series: str, _tell: Callable[[str], None]) -> Prepared:
    """In the place of a kernel and a module."""
    return Prepared(series, RELEASE, "tcg", "made up", Path("kevent.ko"))


def _counted(line: Mapping[str, Any]) -> Answer:
    """The answer of a counting guest to one line of its plan."""
    params = line.get("params", {"keepalive": str(line.get("keep_alive"))})
    workload = str(line.get("workload", "http_one_byte"))
    asked = {"workload": workload, "mechanism": line["mechanism"], "variant": line["variant"]}
    name = f"{line['mechanism']}+{line['variant']}"
    cost = cost_ns(name) * (30 if workload == "http_one_byte" else 1)
    cell = fake_worker.Cell({**asked, "params": params}, cost)
    operations = int(line.get("requests", 0)) or 16 * int(line["granule"])
    check = cell.slice(operations, False)
    spent = round(cell.cost_ns) * operations
    last = {**check, "wakeups": operations, "share_top": 9, "share_bottom": 8}
    answer = cell.opened() | {
        "id": line["id"],
        "ops": operations,
        "check": check,
        "slices": [last if "threads" in params else check],
        "wall_ns": [spent] * int(line["batches"]),
        "cpu_ns": [spent] * int(line["batches"]),
        "syscalls": cell.counts(operations)["syscalls"],
    }
    if line["do"] == "http":
        answer.pop("case_key")
        answer.pop("check")
    return answer


def run_in_guest(
    spec: GuestSpec, stdout: Callable[[bytes], None], tell: Callable[[str], None]
) -> GuestResult:
    """In the place of a guest that carries out a plan file: answers every line."""
    for text in Path(spec.command[-1]).read_text().splitlines():
        line = json.loads(text)
        if line["do"] in ("cell", "http"):
            answer = _counted(line)
        else:
            answer = {"id": line["id"], "ok": True, "files": dict.fromkeys(FACTS, "made up\n")}
        stdout(json.dumps(answer).encode() + b"\n")
    return GuestResult(
        outcome=Outcome.EXITED,
        number=0,
        faults=(),
        taint=0,
        stdout=b"",
        stderr=b"",
        accel="tcg",
        release=RELEASE,
        boot_s=None,
        wall_s=0.0,
        results=(),
        state_dir=Path(),
        console_tail=(),
        reason="",
    )
