# SPDX-License-Identifier: MIT
"""Importers on recorded files, exporters on synthetic runs, and both on rubbish."""

from __future__ import annotations

import json
import random
import re
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from results import validate
from results.errors import ResultsError
from results.exporters import csv_table, google_benchmark, hdr
from results.histogram import Histogram
from results.importers.formats import FORMATS, load
from results.importers.hdr import histogram
from results.importers.imported import Imported, Options, names, write_run
from results.reader import ResultFile, read
from results.testing import synthetic_run

DATA = Path(__file__).parent / "importers" / "testdata"
COMPARE = Path("/usr/share/benchmark/compare.py")


def _figures(name: str, file: str, options: Options = Options()) -> dict[tuple[str, str], float]:
    imported, _ = load(name, DATA / file, options)
    return {(one.case, one.metric): one.value for one in imported.figures}


def test_google_benchmark_gives_medians_of_repetitions_and_keeps_them() -> None:
    imported, _ = load("google-benchmark", DATA / "google_benchmark.json", Options())
    found = {(one.case, one.metric): one for one in imported.figures}
    assert found[("BM_wait/64", "wall_ns_per_event")].value == 3000.0
    assert found[("BM_wait/64", "cpu_ns_per_event")].repeats == (1000.0, 1500.0, 9000.0)
    assert found[("idle_scan/epoll+lt/registered=100", "wall_ns_per_event")].value == 640.0
    assert len(found) == 4 and imported.notes == ("BM_broken: no such device",)


def test_wrk_with_latencies() -> None:
    case = Options(case="nginx")
    assert _figures("wrk", "wrk_latency.txt", case) == {
        ("nginx", "requests_per_s"): 31503.83,
        ("nginx", "p50_ns"): 30_000.0,
        ("nginx", "p99_ns"): 10_290_000.0,
        ("nginx", "errors_per_s"): 0.0,
    }


def test_h2load_counts_what_did_not_succeed() -> None:
    found = _figures("h2load", "h2load.txt")
    assert found[("imported", "requests_per_s")] == 14218.68
    assert found[("imported", "errors_per_s")] == pytest.approx(2 / 0.01407)


def test_httperf_is_counted_over_the_whole_test() -> None:
    found = _figures("httperf", "httperf.txt")
    assert found[("imported", "requests_per_s")] == pytest.approx(1300 / 6.499)
    assert found[("imported", "errors_per_s")] == 0.0


def test_perf_stat_keeps_its_own_words_for_what_it_did_not_count() -> None:
    imported, _ = load("perf-stat", DATA / "perf_stat.json", Options(operations=10))
    counts = {one.name: one for one in imported.counts}
    assert counts["cycles"].value is None and counts["cycles"].reason == "perf: not supported"
    figures = {one.metric: one.value for one in imported.figures}
    assert figures == pytest.approx({"cpu_ns_per_event": 81751.0, "ctxsw_per_event": 0.1})


def test_callgrind_gives_self_costs_and_leaves_calls_to_the_callee() -> None:
    imported, _ = load("callgrind", DATA / "callgrind.out", Options(operations=100))
    costs = {one.function: one.value for one in imported.counts}
    assert costs == {None: 2100.0, "kevbench_hot_rounds": 1000.0, "read": 1099.0}
    assert imported.figures[0].value == 21.0 and imported.figures[0].exact


def test_hdr_text_becomes_a_histogram() -> None:
    imported, _ = load("hdr", DATA / "hdr.txt", Options(unit="ms"))
    kept = imported.histograms["imported"]
    assert kept.count == 10_000 and kept.maximum == 8_000_000
    found = {one.metric: one.value for one in imported.figures}
    wanted = {"p50_ns": 200_000.0, "p99_ns": 1_000_000.0, "p999_ns": 8_000_000.0}
    assert found == pytest.approx(wanted, rel=0.001)


@pytest.mark.parametrize("name", sorted(FORMATS))
def test_every_format_makes_a_valid_run_directory(name: str, tmp_path: Path) -> None:
    file = {
        "google-benchmark": "google_benchmark.json",
        "wrk": "wrk_latency.txt",
        "h2load": "h2load.txt",
        "httperf": "httperf.txt",
        "perf-stat": "perf_stat.json",
        "callgrind": "callgrind.out",
        "hdr": "hdr.txt",
    }.get(name)
    path = DATA / file if file else tmp_path / "figures.csv"
    if file is None:
        path.write_text("case,metric,value\nmine,p50_ns,5\nmine,p50_ns,7\nmine,p50_ns,6\n")
    options = Options("mine", 100, "ms")
    imported, text = load(name, path, options)
    run = write_run(imported, tmp_path / "run", name, text, ["kevbench", "import"], options)
    result = read(run)
    assert validate.check_records(result.records) == len(result.records)
    validate.check("summary", json.loads((run / "summary.json").read_text()))
    with pytest.raises(ResultsError, match="exists"):
        write_run(imported, tmp_path / "run", name, text, [], options)


RUBBISH = (
    "",
    "\x00\x01\x02",
    "[" * 100_000,
    '{"benchmarks": 5}',
    '{"benchmarks": [5]}',
    '{"benchmarks": [{"name": "a", "real_time": NaN, "cpu_time": 1}]}',
    '{"benchmarks": [{"name": "a", "real_time": 1e999, "cpu_time": 1, "time_unit": "ns"}]}',
    '{"benchmarks": [{"name": "a", "real_time": "<script>", "cpu_time": 1, "time_unit": "ns"}]}',
    '{"benchmarks": [{"real_time": 1, "cpu_time": 1, "time_unit": "ns"}]}',
    "case,metric,value\na,no_such_metric,1\n",
    "case,metric,value\na,p50_ns,nan\n",
    "case,metric,value\na,p50_ns\n",
    'case,metric,value\n"a,p50_ns,1\n',
    "metric,value\np50_ns,1\n",
    '{"event": "cycles"}',
    '{"event": "cycles", "counter-value": "1e400"}',
    "events: Cycles\nfn=(1) a\n1 5\n",
    "# callgrind format\nevents: Ir\nsummary: -5\n",
    "Requests/sec: 1e999\n 5 requests in 1.0s,\n",
    "Value Percentile TotalCount\n5 0.5 10\n4 0.9 20\n",
    "5 0.5 ten\n",
    "5 0.5 1e18 2\n5 0.9 1e17 2\n",
)


@pytest.mark.parametrize("name", sorted(FORMATS))
@pytest.mark.parametrize("text", RUBBISH)
def test_rubbish_is_refused_in_one_line(name: str, text: str, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text(text)
    with pytest.raises(ResultsError) as caught:
        imported, whole = load(name, path, Options())
        write_run(imported, tmp_path / "run", name, whole, [], Options())
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 600
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("name", sorted(FORMATS))
def test_a_truncated_file_is_refused_or_read_up_to_its_end(name: str, tmp_path: Path) -> None:
    """Cut anywhere, a file gives an error of one line or figures of what was whole; no crash."""
    sources = [path for path in DATA.iterdir() if path.is_file()]
    rng = random.Random(name)
    for source in sources:
        whole = source.read_bytes()
        for _ in range(25):
            path = tmp_path / "cut"
            path.write_bytes(whole[: rng.randrange(len(whole))])
            try:
                load(name, path, Options(operations=10))
            except ResultsError as problem:
                assert "\n" not in str(problem)


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(sorted(FORMATS)), st.text(max_size=300))
def test_no_text_crashes_an_importer(name: str, text: str) -> None:
    try:
        FORMATS[name].load(text, Options(operations=3))
    except ResultsError:
        pass


def test_a_binary_and_a_missing_file_are_refused(tmp_path: Path) -> None:
    (tmp_path / "binary").write_bytes(bytes(range(256)))
    with pytest.raises(ResultsError, match="not text"):
        load("csv", tmp_path / "binary", Options())
    with pytest.raises(ResultsError, match="cannot read"):
        load("csv", tmp_path / "none", Options())


def test_names_of_other_programs_stay_whole() -> None:
    assert names("idle_scan/epoll+lt/registered=5") == (
        "idle_scan",
        "epoll",
        "lt",
        {"registered": "5"},
    )
    assert names("BM_wait/64") == ("BM_wait:64", "external", "", {})
    assert names("<script>/a+b")[1] in ("external", "a")


@pytest.fixture(scope="module")
def synthetic(tmp_path_factory: pytest.TempPathFactory) -> ResultFile:
    return read(synthetic_run(tmp_path_factory.mktemp("runs") / "run"))


def _compare(*paths: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["/usr/bin/python3", str(COMPARE), "benchmarks", *map(str, paths)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_googles_own_compare_reads_our_export(synthetic: ResultFile, tmp_path: Path) -> None:
    if not COMPARE.is_file():
        pytest.skip("libbenchmark-tools is not installed")
    first = tmp_path / "a.json"
    first.write_text(google_benchmark.dump(synthetic))
    other = synthetic_run(tmp_path / "other", 9)
    second = tmp_path / "b.json"
    second.write_text(google_benchmark.dump(read(other)))
    done = _compare(first, second)
    assert done.returncode == 0, done.stderr
    lines = re.sub(r"\x1b\[[0-9;]*m", "", done.stdout).splitlines()
    assert any(line.startswith("idle_scan/epoll+lt/") for line in lines)
    assert any("_pvalue" in line for line in lines), "pairs must reach it as repetitions"


def test_our_own_google_benchmark_export_comes_back_the_same(
    synthetic: ResultFile, tmp_path: Path
) -> None:
    (tmp_path / "a.json").write_text(google_benchmark.dump(synthetic))
    imported, _ = load("google-benchmark", tmp_path / "a.json", Options())
    back = {(one.case, one.metric): one.repeats for one in imported.figures}
    kept = {
        (record["case_key"], record["metric"]): tuple(record["pair_values"])
        for record in synthetic.of("metric")
        if record["metric"] in ("wall_ns_per_event", "cpu_ns_per_event") and record["value"]
    }
    assert back and all(
        back[key][: len(value)] == value for key, value in kept.items() if key in back
    )
    assert len(back) >= len(kept)


def test_csv_goes_out_and_comes_back(synthetic: ResultFile, tmp_path: Path) -> None:
    path = tmp_path / "figures.csv"
    path.write_text(csv_table.dump(synthetic))
    imported, _ = load("csv", path, Options())
    back = {(one.case, one.metric): one.value for one in imported.figures}
    for record in synthetic.of("metric"):
        if record["value"] is not None and "#" not in record["side"]:
            assert back[(record["case_key"], record["metric"])] == record["value"]


def test_a_name_is_no_formula_of_a_spreadsheet(tmp_path: Path) -> None:
    from results.importers.imported import Figure

    for index, name in enumerate(("=cmd()", "+1", "-1", "@x")):
        imported = Imported((Figure(name, "p50_ns", 1.0),))
        run = write_run(imported, tmp_path / str(index), "csv", "", [], Options())
        assert f"\n'{name}" in csv_table.dump(read(run)).replace("/external", "")


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(1, 10**9), min_size=1, max_size=300))
def test_percentile_text_goes_out_and_comes_back(values: list[int]) -> None:
    kept = Histogram()
    for value in values:
        kept.record(value)
    back = histogram(hdr.percentiles(kept), "ms")
    assert back.count == kept.count
    for q in (0.0, 0.5, 0.9, 1.0):
        # The text has a line only at its steps, so a quantile may be that of the next step.
        one, other = kept.quantile(q), back.quantile(q)
        assert one is not None and other is not None
        assert other >= one * 0.998 - 1
    assert back.quantile(1.0) == pytest.approx(kept.quantile(1.0), rel=0.001, abs=1)


def test_percentile_text_has_the_columns_a_plotter_reads(synthetic: ResultFile) -> None:
    cases = {str(record["case_key"]) for record in synthetic.of("hist", scope="case")}
    with pytest.raises(ResultsError, match="name one of"):
        hdr.dump(synthetic)
    text = hdr.dump(synthetic, next(iter(cases)))
    lines = text.splitlines()
    assert lines[0].split() == ["Value", "Percentile", "TotalCount", "1/(1-Percentile)"]
    numbers = [line.split() for line in lines[2:] if line and not line.startswith("#")]
    assert [float(row[1]) for row in numbers] == sorted(float(row[1]) for row in numbers)
    assert float(numbers[-1][1]) == 1.0 and lines[-2].startswith("#[Max")
    assert sum(line.startswith("#[") for line in lines) == 3


def test_an_export_of_nothing_is_refused(tmp_path: Path) -> None:
    imported = Imported(counts=load("callgrind", DATA / "callgrind.out", Options())[0].counts)
    run = read(write_run(imported, tmp_path / "run", "callgrind", "", [], Options()))
    with pytest.raises(ResultsError):
        google_benchmark.dump(run)
    with pytest.raises(ResultsError):
        csv_table.dump(run)
    with pytest.raises(ResultsError):
        hdr.dump(run)


def test_the_command_line_imports_and_exports(tmp_path: Path) -> None:
    def kevbench(*words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "harness.cli", *words]
        root = Path(__file__).parent.parent
        return subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)

    run = tmp_path / "run"
    done = kevbench(
        "import", "wrk", str(DATA / "wrk_latency.txt"), "--case", "nginx", "--out", str(run)
    )
    assert done.returncode == 0 and "4 figures" in done.stdout, done.stderr
    done = kevbench("export", "csv", str(run))
    assert done.returncode == 0 and "nginx/external,requests_per_s,31503.83" in done.stdout
    done = kevbench("import", "wrk", str(DATA / "hdr.txt"), "--out", str(tmp_path / "no"))
    assert done.returncode == 4 and len(done.stderr.strip().splitlines()) == 1
    assert not (tmp_path / "no").exists()
    for verb in ("import", "export"):
        helped = kevbench(verb, "--help")
        assert helped.returncode == 0 and "examples" in helped.stdout
