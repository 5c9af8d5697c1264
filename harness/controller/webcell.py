# SPDX-License-Identifier: MIT
"""kevent_2006: the web server of the 2006 claim on each mechanism.

Our own generator offers every variant the same plan of requests, from the same seed. Processes and
their order are as in http_one_byte. A point whose client did not keep to its plan says nothing of
throughput or latency and gives none; the server's CPU time per request is kept, with the reason
beside it. httperf, which the claim was made with, is asked once a variant as a second opinion, and
where connections are kept open wrk and h2load as well.
"""

from __future__ import annotations

import contextlib
import dataclasses
import time
from collections.abc import Callable, Iterator

from harness.analysis.http import SATURATED
from harness.controller.httpcell import HttpCellRun, null_side
from harness.load import h2load, httperf, httpload, wrk
from harness.load.calibrate import Ceiling, search_ceiling
from harness.load.errors import LoadError
from harness.load.point import LoadPoint, Status
from harness.plan import Side, cpus
from results.identity import derived_seed

#: Seconds of sending at one point, and the connections that one takes at least in the full profile.
_SECONDS = {"quick": 0.3, "full": 2.0}
_CONNECTIONS_FULL = 30_000
_SECONDS_MOST = 60.0
_TIMEOUT_S = {"quick": 1.0, "full": 5.0}
_OPINION_S = {"quick": 1, "full": 5}
_OPINION_CONNECTIONS = 64


class WebCellRun(HttpCellRun):
    """One set of parameters over all variants. run() once."""

    def _number(self, name: str) -> int:
        return int(self.cell.params[name])

    @property
    def _keeps_alive(self) -> bool:
        return self._number("requests") > 1

    def _server_options(self) -> dict[str, str]:
        params = self.cell.params
        options = {name: params[name] for name in ("reply", "style", "accept", "backlog")}
        return {**options, "watch-limit": params["watch_limit"]}

    def _load_plan(self, port: int, pair: int) -> httpload.Plan:
        seconds = _SECONDS.get(self.profile, _SECONDS["quick"])
        if self.profile == "full":
            seconds = min(_SECONDS_MOST, max(seconds, _CONNECTIONS_FULL / self._rate))
        return httpload.Plan(
            worker=self.setting.program,
            port=port,
            rate=self._rate,
            duration_s=seconds,
            connections=self._number("connections"),
            requests=self._number("requests"),
            burst=self._number("burst"),
            # The same plan for every variant of a pair, another one in the next.
            seed=derived_seed(self.setting.seed, self.cell.identity, str(pair)) % 2**63,
            timeout_s=_TIMEOUT_S.get(self.profile, _TIMEOUT_S["quick"]),
            cpu_limit=httpload.CLIENT_CPU_LIMIT if cpus() > 1 else 1.0,
        )

    @contextlib.contextmanager
    def _idle(self, port: int) -> Iterator[None]:
        """The silent connections of the cell, held around a load."""
        count = self._number("idle")
        if not count:
            yield
            return
        with self.site.hold(port, count) as holder:
            yield
            held = holder.stop()
        if held.dropped or held.least < count:
            self.data.load_remarks[
                "idle connections"
            ] = f"{held.dropped} dropped, {held.least} of {count} stood at least"

    def _point(self, side: Side, pair: int, position: int) -> None:
        room = self._number("connections") + self._number("idle")
        try:
            with self._serve(side, room, self._keeps_alive) as server:
                with self._idle(server.port):
                    started = time.monotonic_ns()
                    load = self.site.httpload(self._load_plan(server.port, pair))
                counters = server.stop()
        except LoadError as problem:
            kind = "not-applicable" if "not applicable" in str(problem) else "failed"
            self._lose(side, kind, str(problem))
            return
        point = load.point
        self._keep_raw(f"{side.label}-{pair}", point)
        if point.status is Status.INVALID:
            self.data.load_remarks[side.label] = point.reason
            return
        if point.status is Status.VALID and counters.requests != point.replies:
            self.data.void = (
                f"unequal work: {side.label} answered {counters.requests} requests and the "
                f"client counted {point.replies} replies"
            )
        if point.status is not Status.VALID:
            saturated = point.status is Status.SATURATED
            word = SATURATED if saturated else "client limited: "
            self.data.load_remarks[side.label] = f"{word}{point.reason}"
        self._store(side, pair, 0, position, started, point, counters)
        if point.status is Status.CLIENT_LIMITED:
            return
        self._note_facts(side, pair, point)
        self._note_latency(side, pair, load)

    def _note_latency(self, side: Side, pair: int, load: httpload.Load) -> None:
        """Distributions; of a saturated point too, whose latency is that of overload."""
        self.data.histograms[(side.label, pair, "latency")] = load.corrected
        self.data.histograms[(side.label, pair, "uncorrected")] = load.uncorrected
        if load.point.latency is not None:
            facts = self.data.load[side.label][pair]
            facts["p50_ns"] = load.point.latency.p50_ns
            # A quantile wants a hundred values beyond it.
            if load.corrected.count >= 10_000:
                facts["p99_ns"] = load.point.latency.p99_ns

    def _ceiling(self) -> Ceiling:
        null = null_side(self.data.alive()[0])
        with self._serve(null, self._number("connections"), self._keeps_alive) as server:
            found = search_ceiling(
                lambda rate: self.site.httpload(
                    dataclasses.replace(self._load_plan(server.port, 0), rate=rate)
                ).point,
                start=self._rate,
                steps=3,
            )
            server.stop()
        return found

    def _closed_loop(self) -> None:
        """Second opinions, in no comparison: httperf at the rate, closed loops at saturation."""
        for side in self.data.alive():
            self._opinion(side, "httperf_requests_per_s", self._httperf)
            if self._keeps_alive:
                self._opinion(side, "saturation_requests_per_s", self._wrk)
                self._opinion(side, "h2load_requests_per_s", self._h2load)

    def _opinion(self, side: Side, metric: str, ask: Callable[[int], LoadPoint]) -> None:
        self.setting.interrupt.check()
        try:
            with self._serve(
                side, self._number("connections") + 2 * _OPINION_CONNECTIONS, self._keeps_alive
            ) as server:
                started = time.monotonic_ns()
                point = ask(server.port)
                counters = server.stop()
        except LoadError as problem:
            self.data.load_remarks[f"{side.label}, {metric.split('_')[0]}"] = str(problem)
            return
        self._keep_raw(f"{side.label}-{point.tool}", point)
        self._store(side, 0, -1, 0, started, point, counters)
        if point.status in (Status.VALID, Status.SATURATED) and point.replies_per_s is not None:
            self.data.load.setdefault(side.label, {}).setdefault(0, {})[
                metric
            ] = point.replies_per_s
        else:
            self.data.load_remarks[f"{side.label}, {point.tool}"] = point.reason

    def _httperf(self, port: int) -> LoadPoint:
        requests = self._number("requests")
        return self.site.httperf(
            httperf.Plan(
                port=port,
                connection_rate=self._rate / requests,
                duration_s=_SECONDS.get(self.profile, _SECONDS["quick"]),
                calls=requests,
                timeout_s=_TIMEOUT_S.get(self.profile, _TIMEOUT_S["quick"]),
            )
        )

    def _wrk(self, port: int) -> LoadPoint:
        return self.site.wrk(
            wrk.Plan(
                port=port,
                connections=_OPINION_CONNECTIONS,
                duration_s=_OPINION_S.get(self.profile, 1),
            )
        )

    def _h2load(self, port: int) -> LoadPoint:
        return self.site.h2load(
            h2load.Plan(
                port=port,
                connections=_OPINION_CONNECTIONS,
                duration_s=_OPINION_S.get(self.profile, 1),
            )
        )
