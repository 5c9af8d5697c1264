# SPDX-License-Identifier: MIT
"""Slices condensed while they are read: the same figures, latencies over time, many slices."""

import json
import math
from pathlib import Path
from typing import Any

import pytest

from plots import slice_table, testing
from plots.figures import heatmap, noise, pairs
from plots.load import load
from results.histogram import Histogram
from results.reader import read
from results.testing import synthetic_run


def _with_latencies(records: list[testing.Record]) -> list[testing.Record]:
    """Each case of tcp_rr gets ten slices of latencies, one of them with a stall."""
    result: list[testing.Record] = []
    template = next(r for r in records if r["record"] == "hist")
    slices = {r["case_key"]: r for r in records if r["record"] == "slice"}
    for record in records:
        result.append(record)
        if record["record"] != "case" or record["workload"] != "tcp_rr":
            continue
        for number in range(10):
            hist = Histogram()
            hist.record(50_000, 100)
            if number == 6:
                hist.record(9_000_000)
            named: dict[str, Any] = {k: record[k] for k in ("case_key", "side")}
            name = f"s{record['side']}{number}"
            about = {"hist_id": name, "scope": "slice", "kind": "latency", **hist.fields()}
            result.append({**template, **named, **about})
            moment = {"phase": "latency", "t_start_ns": 5 * 10**9 + number * 10**8}
            place = {"pair": number, "block": 0, "warmup": False, "hist_ref": [name]}
            result.append({**slices[record["case_key"]], **named, **moment, **place})
    return result


def test_latencies_over_time_show_a_stall_where_it_was(tmp_path: Path) -> None:
    run = load(testing.rewrite(synthetic_run(tmp_path / "run"), _with_latencies))
    assert run.heats and {heat.cell.workload for heat in run.heats} == {"tcp_rr"}
    for heat in run.heats:
        assert sum(count for _, _, count in heat.points) == 1001
        stalls = [second for second, ns, _ in heat.points if ns > 1e6]
        first = min(second for second, _, _ in heat.points)
        assert [round(second - first, 3) for second in stalls] == [0.6]
    figure = heatmap.build(run)
    assert figure.drawn and figure.tables[0].rows
    slowest = [row[-2] for row in figure.tables[0].rows]
    assert all(9_000_000 * 0.999 <= float(one.replace(",", "")) <= 9_010_000 for one in slowest)


def test_without_a_histogram_of_the_case_its_slices_are_summed(tmp_path: Path) -> None:
    def only_slices(records: list[testing.Record]) -> list[testing.Record]:
        return [r for r in _with_latencies(records) if r.get("scope") != "case"]

    run = load(testing.rewrite(synthetic_run(tmp_path / "run"), only_slices))
    assert run.histograms and all(hist.total == 1001 for hist in run.histograms)


def test_shades_are_logarithmic_and_stay_in_range() -> None:
    steps = [heatmap.shade(count, 10_000) for count in (1, 10, 100, 1000, 10_000)]
    assert steps == sorted(steps) and steps[0] == 0 and steps[-1] == heatmap.SHADES - 1
    assert heatmap.shade(1, 1) == heatmap.SHADES - 1


def test_slices_are_not_kept_and_say_the_same(tmp_path: Path) -> None:
    made = synthetic_run(tmp_path / "run")
    run, records = load(made), list(read(made).of("slice"))
    measured = [r for r in records if not r["warmup"] and not r["side"].startswith("null")]
    assert sum(len(trace.start_s) for trace in run.traces) == len(measured)
    for trace in run.traces:
        assert list(trace.start_s) == sorted(trace.start_s)
    costs = sorted(r["wall_ns"] / r["ops"] for r in measured)
    assert sorted(v for trace in run.traces for v in trace.wall_ns) == pytest.approx(costs)


def test_block_ratios_are_the_mean_logs_of_the_slices(tmp_path: Path) -> None:
    run = load(synthetic_run(tmp_path / "run"))
    place = run.places[0]
    found = pairs.bases(run, place)
    assert found
    for basis in found:
        values = basis.mine.cpu_ns if "cpu" in basis.verdict.metric else basis.mine.wall_ns
        others = basis.theirs.cpu_ns if "cpu" in basis.verdict.metric else basis.theirs.wall_ns
        block = basis.blocks[0]
        mine = [math.log(v) for v, p in zip(values, basis.mine.pair) if p == block.pair]
        theirs = [math.log(v) for v, p in zip(others, basis.theirs.pair) if p == block.pair]
        wanted = math.exp(sum(mine) / len(mine) - sum(theirs) / len(theirs))
        assert block.ratio == pytest.approx(wanted)


def test_the_reference_over_the_run_is_relative_to_its_own_cell(tmp_path: Path) -> None:
    run = load(synthetic_run(tmp_path / "run"))
    found = noise.drift(run, run.places[0])
    assert set(found) == {"cpu_ns_per_event", "wall_ns_per_event"}
    assert all(0.5 < ratio < 2 for points in found.values() for _, ratio in points)


def test_a_million_slices_would_not_be_held(tmp_path: Path) -> None:
    """What is kept of a slice is its seven numbers, however long its record is."""
    made = synthetic_run(tmp_path / "run")
    path = made / "results.jsonl"
    lines = path.read_text().splitlines()
    records = [json.loads(line) for line in lines]
    at = next(
        i
        for i, r in enumerate(records)
        if r["record"] == "slice" and not r["side"].startswith("null")
    )
    one = json.loads(lines[at]) | {"warmup": False, "batches": [], "note": "x" * 2000}
    more = [json.dumps(one | {"t_start_ns": number}) for number in range(3000)]
    path.write_text("\n".join([*lines[: at + 1], *more, *lines[at + 1 :]]) + "\n")
    run = load(made)
    found = max(run.traces, key=lambda trace: len(trace.start_s))
    assert len(found.start_s) >= 3000
    columns = (found.start_s, found.wall_ns, found.cpu_ns, found.took_s, found.steal_s)
    assert all(getattr(column, "itemsize") == 8 for column in columns)


def test_the_compiled_reader_and_python_find_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def twice(records: list[testing.Record]) -> list[testing.Record]:
        """Also as a guest's, whose slices have the same keys and come after its case records."""
        every = _with_latencies(records)
        guest = {"where": "guest", "kernel": "6.12.1", "accel": "kvm"}
        cases = [{**r, **guest} for r in every if r["record"] == "case"]
        slices = [
            {**r, "wall_ns": None, "syscalls": {"read": 3, "total": 3}}
            for r in every
            if r["record"] == "slice"
        ]
        return [*every[:-1], *cases, *slices, every[-1]]

    made = testing.rewrite(synthetic_run(tmp_path / "run"), twice)
    assert slice_table.is_compiled() and slice_table.compiled(made / "results.jsonl") is not None
    fast = load(made)
    monkeypatch.setattr(slice_table, "compiled", lambda path: None)
    refused = load(made)
    monkeypatch.setattr(slice_table, "is_compiled", lambda: False)
    slow = load(made)
    assert {trace.place.where for trace in fast.traces} == {"host", "guest"}
    assert fast.heats and fast.calls and fast.batches
    for other in (refused, slow):
        # NaN is not itself, its text is.
        assert repr(other) == repr(fast)


@pytest.mark.parametrize(
    "change", ({"ops": "many"}, {"pair": None}, {"t_start_ns": [1]}, {"phase": 3})
)
def test_slices_of_another_shape_are_left_to_python(
    tmp_path: Path, change: dict[str, object]
) -> None:
    def altered(records: list[testing.Record]) -> list[testing.Record]:
        at = next(i for i, r in enumerate(records) if r["record"] == "slice")
        return [*records[:at], {**records[at], **change}, *records[at + 1 :]]

    made = testing.rewrite(synthetic_run(tmp_path / "run"), altered)
    assert slice_table.compiled(made / "results.jsonl") is None
