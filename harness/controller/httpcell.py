# SPDX-License-Identifier: MIT
"""http_one_byte: our server on each mechanism, loaded from outside.

The processes are fresh for every pair and the variants' order is drawn anew in every second pair and
reversed in the one after, so a linear drift over two pairs cancels. CPU time comes from the server's
own counters; httperf and wrk spin, so theirs says nothing. A point whose client did not keep up says
nothing about the server and voids that process, never the other ones.
"""

from __future__ import annotations

import dataclasses
import json
import random
import time
from contextlib import AbstractContextManager
from pathlib import Path

from harness.celldata import CellData
from harness.controller.cellrun import Setting
from harness.errors import MeasurementFault
from harness.estimate import cell_seconds
from harness.load import httperf, wrk
from harness.load.calibrate import Ceiling, search_ceiling
from harness.load.errors import LoadError
from harness.load.point import LoadPoint, Status
from harness.load.server import Counters
from harness.load.site import LocalSite, Server, Site, Wanted
from harness.names import Variant
from harness.plan import Cell, Side, cpus
from results.identity import derived_seed
from results.keys import case_key

#: Seconds of sending at one point.
DURATION_S = {"quick": 0.25, "full": 30.0}
_WRK_CONNECTIONS = 64
_WRK_SECONDS = {"quick": 1, "full": 5}
HEADROOM_WANTED = 2.0


def null_side(side: Side) -> Side:
    """The side with the null adapter in place of its mechanism."""
    return dataclasses.replace(side, variant=Variant("null", "null"))


class HttpCellRun:
    """One rate over all variants. run() once."""

    def __init__(
        self,
        cell: Cell,
        setting: Setting,
        profile: str,
        port: int,
        raw: Path,
        site: Site | None = None,
    ) -> None:
        self.cell = cell
        self.setting = setting
        self.data = CellData(cell, unit="request")
        self.profile = profile
        self.port = port
        self.raw = raw
        self._rng = random.Random(derived_seed(setting.seed, "http", cell.identity))
        self._rate = float(cell.params.get("rate", "1000"))
        self.site = site or LocalSite(setting.program, setting.plugins, cpus())

    def run(self) -> CellData:
        """Measures. What was measured before an Interrupted is in `data`."""
        self.data.operations = {side.label: 1 for side in self.cell.sides}
        for side in self.cell.sides:
            variant = side.variant
            self.data.case_keys[side.label] = case_key(
                self.cell.workload, variant.mechanism, variant.variant, self.cell.params
            )
            self.setting.recorder.case(self.data, side, None)
        order = list(self.cell.sides)
        for pair in range(self.cell.protocol.pairs):
            if pair % 2:
                order.reverse()
            else:
                self._rng.shuffle(order)
            for position, side in enumerate(order):
                self.setting.interrupt.check()
                if side.label not in self.data.lost:
                    self._point(side, pair, position)
            pairs = self.cell.protocol.pairs
            self.setting.step(
                f"{self.cell.title}: pair {pair + 1} of {pairs}",
                cell_seconds(self.cell) * (pair + 1) / pairs,
            )
        if self.data.void is not None:
            self.setting.recorder.skip(
                self.cell.workload, self.cell.params, None, "void", self.data.void, "load"
            )
        elif self.data.alive():
            self._headroom()
            self._closed_loop()
        return self.data

    def _serve(
        self, side: Side, connections: int, keep_alive: bool
    ) -> AbstractContextManager[Server]:
        return self.site.serve(
            Wanted(
                side.variant.mechanism,
                side.variant.variant,
                connections,
                keep_alive,
                batch=int(self.cell.params.get("batch", "64")),
                port=self.port,
                options=self._server_options(),
            )
        )

    def _server_options(self) -> dict[str, str]:
        """Further options of the server."""
        return {}

    def _point(self, side: Side, pair: int, position: int) -> None:
        """One process of one variant at the rate."""
        try:
            connections = int(self.cell.params.get("connections", "512"))
            with self._serve(side, connections, keep_alive=False) as server:
                started = time.monotonic_ns()
                point = self.site.httperf(self._plan(server.port))
                counters = server.stop()
        except LoadError as problem:
            kind = "not-applicable" if "not applicable" in str(problem) else "failed"
            self._lose(side, kind, str(problem))
            return
        self._keep_raw(f"{side.label}-{pair}", point)
        if point.status in (Status.CLIENT_LIMITED, Status.INVALID):
            self.data.load_remarks[side.label] = point.reason
            return
        if point.status is Status.VALID and counters.requests != point.replies:
            self.data.void = (
                f"unequal work: {side.label} answered {counters.requests} requests and httperf "
                f"counted {point.replies} replies"
            )
        if point.status is Status.SATURATED:
            self.data.load_remarks[side.label] = f"saturated: {point.reason}"
        self._store(side, pair, 0, position, started, point, counters)
        self._note_facts(side, pair, point)

    def _plan(self, port: int) -> httperf.Plan:
        return httperf.Plan(
            port=port,
            connection_rate=self._rate,
            duration_s=DURATION_S.get(self.profile, DURATION_S["quick"]),
            timeout_s=2.0,
        )

    def _store(
        self,
        side: Side,
        pair: int,
        block: int,
        position: int,
        started: int,
        point: LoadPoint,
        counters: Counters,
    ) -> None:
        """A slice record; one of block -1 is not compared with the others."""
        requests = max(1, counters.requests)
        fields = {
            "case_key": self.data.case_keys[side.label],
            "side": side.label,
            "phase": "load",
            "build": 0,
            "pair": pair,
            "block": block,
            "pos": position,
            "warmup": block < 0,
            "t_start_ns": started,
            "ops": requests,
            "wall_ns": int((point.duration_s or 0.0) * 1e9),
            "cpu_user_ns": counters.cpu_user_ns,
            "cpu_sys_ns": counters.cpu_sys_ns,
            "vcsw": counters.vcsw,
            "ivcsw": counters.ivcsw,
            "minflt": None,
            "steal_ticks": None,
            "messages": point.replies,
            "bytes": point.replies,
            "order": "0",
            "events": counters.events,
            "waits": counters.waits,
            "errors": {name: number for name, number in point.errors.items() if number},
            "batches": list(counters.batches),
            "load": point.to_json(),
        }
        self.setting.recorder.slice(self.data, fields, {})

    def _note_facts(self, side: Side, pair: int, point: LoadPoint) -> None:
        """What is known of the load itself."""
        facts = self.data.load.setdefault(side.label, {}).setdefault(pair, {})
        if point.replies_per_s is not None:
            facts["requests_per_s"] = point.replies_per_s
        if point.rate_achieved is not None and point.rate_requested:
            facts["achieved_rate_percent"] = 100 * point.rate_achieved / point.rate_requested
        if point.duration_s:
            facts["errors_per_s"] = sum(point.errors.values()) / point.duration_s

    def _lose(self, side: Side, kind: str, reason: str) -> None:
        self.data.lost[side.label] = reason
        self.setting.recorder.skip(
            self.cell.workload, self.cell.params, side.variant, kind, reason, "load"
        )

    def _ceiling(self) -> Ceiling:
        """How far the client goes against a server without a mechanism. Raises LoadError."""
        with self._serve(null_side(self.data.alive()[0]), 256, keep_alive=False) as server:
            found = search_ceiling(
                lambda rate: self.site.httperf(
                    dataclasses.replace(self._plan(server.port), connection_rate=rate)
                ),
                start=max(self._rate, 500.0),
            )
            server.stop()
        return found

    def _headroom(self) -> None:
        """How much faster the client could have gone."""
        self.setting.interrupt.check()
        try:
            ceiling = self._ceiling()
        except LoadError as problem:
            self.data.load_remarks["client"] = f"headroom unknown: {problem}"
            return
        headroom = ceiling.replies_per_s / self._rate
        for facts in self.data.load.values():
            for values in facts.values():
                values["client_headroom"] = headroom
        if headroom < HEADROOM_WANTED:
            self.data.load_remarks["client"] = (
                f"the client reaches only {headroom:.1f} times this rate: "
                "use another machine for it or a lower rate"
            )

    def _closed_loop(self) -> None:
        """Saturation throughput by wrk, as an outside second opinion."""
        for side in self.data.alive():
            self.setting.interrupt.check()
            try:
                with self._serve(side, _WRK_CONNECTIONS * 2, keep_alive=True) as server:
                    point = self.site.wrk(
                        wrk.Plan(
                            port=server.port,
                            connections=_WRK_CONNECTIONS,
                            duration_s=_WRK_SECONDS.get(self.profile, _WRK_SECONDS["quick"]),
                        )
                    )
                    started = time.monotonic_ns() - int((point.duration_s or 0.0) * 1e9)
                    counters = server.stop()
            except LoadError as problem:
                self.data.load_remarks[side.label] = f"wrk: {problem}"
                continue
            self._keep_raw(f"{side.label}-wrk", point)
            self._store(side, 0, -1, 0, started, point, counters)
            if point.status is not Status.VALID:
                self.data.load_remarks[side.label] = f"wrk: {point.reason}"
            elif point.replies_per_s is not None:
                facts = self.data.load.setdefault(side.label, {}).setdefault(0, {})
                facts["saturation_requests_per_s"] = point.replies_per_s

    def _keep_raw(self, name: str, point: LoadPoint) -> None:
        """The tool's own words, as they were."""
        folder = self.raw / "load"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            path = folder / f"{self.cell.workload}-{self._rate:g}-{name}.json"
            document = {
                **point.to_json(),
                "raw": [
                    {"argv": list(one.argv), "stdout": one.stdout, "stderr": one.stderr}
                    for one in point.raw
                ],
            }
            path.write_text(json.dumps(document, indent=1) + "\n")
        except OSError as problem:
            raise MeasurementFault(
                f"cannot write {folder.name}: {problem.strerror}; free space and run again"
            ) from None
