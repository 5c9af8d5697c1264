# SPDX-License-Identifier: MIT
"""What the guest tells of a server under load, and whether it may be believed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from harness.load import httperf
from harness.load.point import RawOutput, Status
from harness.realserver.plan import BATCHES, load_of, requests_of
from harness.realserver.servers import SERVERS

#: Events that the preload library may leave to epoll.
_MOST_BY_EPOLL = 0.01
_BY = re.compile(r"^kevent-preload: (\d+) events by kevent, (\d+) by epoll$")


@dataclass
class Batch:
    """Requests offered at one go. The first of a server warms it up."""

    instructions: int
    status: int
    out: list[str] = field(default_factory=list)
    err: list[str] = field(default_factory=list)

    @property
    def output(self) -> RawOutput:
        """What httperf printed."""
        out, err = ("".join(f"{line}\n" for line in lines) for lines in (self.out, self.err))
        return RawOutput(("httperf",), self.status, out, err)

    @property
    def report(self) -> httperf.Report:
        """Its figures."""
        return httperf.parse(self.output.stdout)


@dataclass
class Served:
    """One server in one boot."""

    batches: list[Batch] = field(default_factory=list)
    troubles: list[str] = field(default_factory=list)
    left: int | None = None
    log: list[str] = field(default_factory=list)

    @property
    def counted(self) -> list[Batch]:
        """All but the one that warms up."""
        return self.batches[1:]


def parse(text: str) -> dict[int, Served]:
    """Cells by number, in any state: the guest may have ended anywhere."""
    found: dict[int, Served] = {}
    cell = Served()
    for line in text.splitlines():
        kind, _, rest = line.partition(" ")
        if kind == "cell":
            cell = found.setdefault(int(rest), Served())
        elif kind == "batch" and len(rest.split()) == 3:
            _, instructions, status = rest.split()
            cell.batches.append(Batch(int(instructions), int(status)))
        elif kind == "trouble":
            cell.troubles.append(rest)
        elif kind == "left":
            cell.left = int(rest)
        elif kind == "log":
            cell.log.append(rest)
        elif kind in ("out", "err") and cell.batches:
            (cell.batches[-1].out if kind == "out" else cell.batches[-1].err).append(rest)
    return found


def facts(text: str) -> dict[str, str | None]:
    """What the guest says of itself, by name."""
    found = re.findall(r"^fact (\S+) (.*)$", text, re.MULTILINE)
    return dict(found)


def fault_of(served: Served, params: Mapping[str, str], preloaded: bool) -> str | None:
    """Why figures of this server may not be used, in one line; None where it did all it should."""
    server = SERVERS[params["server"]]
    log = [line for line in served.log if not _BY.match(line)]
    complaints = server.complaints(log)
    says = f"{server.name} logs: {complaints[0]}" if complaints else ""
    if served.troubles:
        return "; ".join([served.troubles[0], *([says] if says else [])])
    for batch in served.batches:
        wrong = _wrong_load(batch, params)
        if wrong:
            return "; ".join([wrong, *([says] if says else [])])
    if says:
        return says
    if len(served.batches) < BATCHES + 1:
        return f"{len(served.batches)} of {BATCHES + 1} batches before {server.name} was gone"
    if served.left != 0:
        return f"{server.name} left with status {served.left}"
    return _wrong_events(served) if preloaded else None


def _wrong_load(batch: Batch, params: Mapping[str, str]) -> str | None:
    """Errors, replies that are too few, or bodies of another length."""
    report = batch.report
    if report.error_total:
        kinds = ", ".join(f"{number} {name}" for name, number in report.errors.items() if number)
        return f"{report.error_total} errors of {requests_of(params)} requests: {kinds}"
    point = httperf.judge(load_of(params), batch.output)
    # How fast an emulated client is says nothing of the server; all else of a verdict does.
    if point.status is Status.INVALID:
        return point.reason
    due = requests_of(params)
    if point.replies != due:
        return f"{point.replies} replies to {due} requests"
    if report.content_bytes != float(params["body"]):
        return f"bodies of {report.content_bytes} bytes, the page has {params['body']}"
    return None


def _wrong_events(served: Served) -> str | None:
    """The library falls back to epoll where kevent fails, which would make epoll of this row."""
    counts = [match for line in served.log if (match := _BY.match(line))]
    by_kevent = sum(int(match[1]) for match in counts)
    by_epoll = sum(int(match[2]) for match in counts)
    if not by_kevent:
        return "kevent delivered no event: the server did not run on it"
    if by_epoll > _MOST_BY_EPOLL * by_kevent:
        return f"epoll delivered {by_epoll} events in place of kevent"
    return None
