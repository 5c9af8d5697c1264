# SPDX-License-Identifier: MIT
"""What wrk, h2load and httperf print: throughput and the quantiles they state."""

from __future__ import annotations

import re

from results.errors import ResultsError
from results.importers.imported import Figure, Imported, Options, number

_NS = {"ns": 1.0, "us": 1e3, "ms": 1e6, "s": 1e9, "m": 60e9, "h": 3600e9}
_WRK_QUANTILES = {"50": "p50_ns", "99": "p99_ns", "99.9": "p999_ns", "99.900": "p999_ns"}


def _first(pattern: str, text: str) -> re.Match[str] | None:
    return re.search(pattern, text, re.MULTILINE)


def _duration(text: str, what: str) -> float:
    """ "131us" in ns."""
    found = re.fullmatch(r"([0-9.]+)([a-z]+)", text)
    if found is None or found[2] not in _NS:
        raise ResultsError(f"{what} is {text[:20]!r}, which is no duration")
    return number(found[1], what) * _NS[found[2]]


def wrk(text: str, options: Options) -> Imported:
    """wrk and wrk2: requests a second, and with --latency the percentiles it lists."""
    rate = _first(r"^Requests/sec:\s*(\S+)", text)
    requests = _first(r"^\s*(\d+) requests in ([0-9.]+[a-z]+),", text)
    if rate is None or requests is None:
        raise ResultsError("this is no complete output of wrk: it has no Requests/sec line")
    figures = [Figure(options.case, "requests_per_s", number(rate[1], "Requests/sec"))]
    for share, value in re.findall(r"^\s+([0-9.]+)%\s+([0-9.]+[a-z]+)\s*$", text, re.MULTILINE):
        metric = _WRK_QUANTILES.get(share.rstrip("0").rstrip(".") if "." in share else share)
        if metric is not None:
            figures.append(Figure(options.case, metric, _duration(value, f"{share} %")))
    notes = []
    seconds = _duration(requests[2], "the duration") / 1e9
    errors = _first(
        r"^\s*Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", text
    )
    bad = sum(int(errors[n]) for n in range(1, 5)) if errors else 0
    status = _first(r"^\s*Non-2xx or 3xx responses: (\d+)", text)
    bad += int(status[1]) if status else 0
    if seconds > 0:
        figures.append(Figure(options.case, "errors_per_s", bad / seconds))
    if bad:
        notes.append(f"wrk counted {bad} errors")
    return Imported(tuple(figures), notes=tuple(notes))


def h2load(text: str, options: Options) -> Imported:
    """nghttp2's h2load: requests a second and failures. It prints no quantiles."""
    done = _first(r"^finished in ([0-9.]+[a-z]+), ([0-9.]+) req/s", text)
    requests = _first(
        r"^requests: (\d+) total, (\d+) started, (\d+) done, (\d+) succeeded, (\d+) failed, "
        r"(\d+) errored, (\d+) timeout",
        text,
    )
    if done is None or requests is None:
        raise ResultsError("this is no complete output of h2load: it has no 'finished in' line")
    seconds = _duration(done[1], "the duration") / 1e9
    failed = int(requests[1]) - int(requests[4])
    figures = [Figure(options.case, "requests_per_s", number(done[2], "req/s"))]
    if seconds > 0:
        figures.append(Figure(options.case, "errors_per_s", failed / seconds))
    notes = [f"h2load: {failed} of {requests[1]} requests did not succeed"] if failed else []
    return Imported(tuple(figures), notes=tuple(notes))


def httperf(text: str, options: Options) -> Imported:
    """httperf: replies a second over the whole test, and errors.

    Its own reply rate is a mean of samples of five seconds, which a short test has none of.
    """
    total = _first(
        r"^Total: connections (\d+) requests (\d+) replies (\d+) test-duration (\S+) s\b", text
    )
    errors = _first(r"^Errors: total (\d+) ", text)
    if total is None or errors is None:
        raise ResultsError("this is no complete output of httperf: it has no Total or Errors line")
    seconds = number(total[4], "test-duration")
    if seconds <= 0:
        raise ResultsError("httperf states a test of no duration")
    figures = (
        Figure(options.case, "requests_per_s", int(total[3]) / seconds),
        Figure(options.case, "errors_per_s", int(errors[1]) / seconds),
    )
    bad = int(errors[1])
    return Imported(figures, notes=(f"httperf counted {bad} errors",) if bad else ())
