# SPDX-License-Identifier: MIT
"""Made-up runs for the tests of the report, built on results.testing. Never results."""

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from results.testing import synthetic_run
from results.testing_model import VARIANTS, Model

Record = dict[str, Any]


def _more() -> Iterable[Model]:
    """The variants of the full profile that the synthetic run leaves out."""
    have = {(model.mechanism, model.variant) for model in VARIANTS}
    names = [("select", "pselect"), ("select", "bigset"), ("poll", "ppoll")]
    names += [("epoll", name) for name in ("et-once", "exclusive", "pwait2")]
    for base in ("poll", "multishot", "completion"):
        names += [("io_uring", base + plus) for plus in ("", "+defer", "+fixed", "+sqpoll")]
    for base in ("get", "ring", "mapped", "mapped+batch", "naio"):
        names += [("kevent", base + mode) for mode in ("", "-et", "-oneshot")]
    scan = {"select": 14.0, "poll": 21.0}
    for index, (mechanism, variant) in enumerate(n for n in names if n not in have):
        mode = "et" if "-et" in variant else "oneshot" if "oneshot" in variant else "lt"
        yield Model(
            mechanism,
            variant,
            mode,
            420.0 + 37.0 * (index * 7 % 19),
            scan.get(mechanism, 0.0),
            ((f"{mechanism}_wait", 1), ("read", 1)),
            250.0 + index,
            200.0 + index,
        )


ALL_VARIANTS: tuple[Model, ...] = (*VARIANTS, *_more())


def full_run(directory: Path) -> Path:
    """A run of every variant of the full profile."""
    return synthetic_run(directory, variants=ALL_VARIANTS)


def rewrite(run_dir: Path, change: Callable[[list[Record]], list[Record]]) -> Path:
    """Replaces the records of a run by what `change` makes of them."""
    path = run_dir / "results.jsonl"
    records = change([json.loads(line) for line in path.read_text().splitlines()])
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    return run_dir


def only(records: list[Record], *kinds: str) -> list[Record]:
    """The records of these kinds."""
    return [record for record in records if record["record"] in kinds]


def with_rates(records: list[Record], rates: tuple[str, ...]) -> list[Record]:
    """http_one_byte at several offered rates: the stored one repeated, its replies to match."""
    result: list[Record] = []
    for record in records:
        key = str(record.get("case_key", ""))
        if not key.startswith("http_one_byte/"):
            result.append(record)
            continue
        for rate in rates:
            copy: Record = {**record, "case_key": key.replace("rate=1000", f"rate={rate}")}
            if "params" in copy:
                copy["params"] = {**copy["params"], "rate": rate}
            if copy.get("metric") == "requests_per_s":
                copy |= {"value": float(rate), "lo": float(rate) - 1, "hi": float(rate) + 1}
            result.append(copy)
    return result


def add_guest(records: list[Record]) -> list[Record]:
    """The same records once more as an emulated guest's, counts taking the place of times."""
    guest = {"where": "guest", "kernel": "6.12.1", "accel": "tcg"}
    middle: list[Record] = []
    for record in records:
        if record["record"] in ("run", "end"):
            continue
        copy = {**record, **(guest if "where" in record else {})}
        if copy["record"] == "metric" and copy["metric"] == "cpu_ns_per_event":
            copy |= {"metric": "instr_per_event", "unit": "instructions"}
        elif copy["record"] == "verdict" and copy["metric"] == "cpu_ns_per_event":
            copy |= {"metric": "instr_per_event"}
        middle.append(copy)
    return [*records[:-1], *middle, records[-1]]


#: What kevent costs in made-up counts, as a share of epoll level-triggered.
_KEVENT = {"get": 1.02, "mapped": 0.8, "mapped-et": 0.5, "mapped+batch": 0.7}
_BARE = 200.0


def add_counts(records: list[Record]) -> list[Record]:
    """Exact counts of an emulated guest, with kevent among them, after this machine's records."""
    guest = {"where": "guest", "kernel": "6.12.1", "accel": "tcg"}
    counts: list[Record] = []
    for record in only(records, "metric"):
        if record["metric"] != "user_instr_per_event" or record["mechanism"] == "null":
            continue
        sides = [(record["mechanism"], record["variant"], 4.0 * record["value"])]
        if record["side"] == "epoll+lt":
            sides += [("kevent", name, 4.0 * record["value"] * f) for name, f in _KEVENT.items()]
        for mechanism, variant, value in sides:
            for metric, bare in (("instr_per_event", 0.0), ("dispatch_instr_per_event", _BARE)):
                copy = {**record, **guest, "metric": metric, "mechanism": mechanism}
                ratio = (value - bare) / (1060.0 - bare)
                copy |= {
                    "variant": variant,
                    "side": f"{mechanism}+{variant}",
                    "value": value - bare,
                    "lo": value - bare,
                    "hi": value - bare,
                    "ratio_to_epoll": ratio,
                    "ratio_lo": ratio,
                    "ratio_hi": ratio,
                    "ratio_to_best_epoll": ratio,
                    "reference": "epoll+lt",
                    "best_epoll": "epoll+lt",
                }
                counts.append(copy)
    return [*records[:-1], *counts, records[-1]]
