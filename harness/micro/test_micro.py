# SPDX-License-Identifier: MIT
"""kevbench-micro as its callers see it: names, options, JSON, and what makes a run void."""

from __future__ import annotations

import itertools
import json
import os
import re
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from harness import catalogue, tree
from harness.plan import is_share
from harness.profiles import LIMIT, PROFILES

MICRO = tree.BUILD / "harness" / "kevbench-micro"
COMPARE = Path("/usr/share/benchmark/compare.py")
SHIM = Path(__file__).parent / "testdata" / "corrupt_read.c"
#: One tiny cell on two variants, for whatever does not need more.
TWO = ("--workload", "idle_scan", "--mechanism", "epoll+lt", "--mechanism", "epoll+et")
TINY = ("--param", "registered=5", "--benchmark_min_time=0.001")
SUFFIX = "/process_time/manual_time"


def micro(*words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(MICRO), *words],
        capture_output=True,
        text=True,
        env={**os.environ, **variables},
        timeout=120,
        check=False,
    )


def names(*words: str) -> list[str]:
    done = micro(*words, "--benchmark_list_tests")
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def measured(path: Path, *words: str, **variables: str) -> dict[str, Any]:
    done = micro(*words, f"--benchmark_out={path}", **variables)
    assert done.returncode == 0, done.stderr
    document = json.loads(path.read_text())
    assert isinstance(document, dict)
    return document


def test_names_say_everything_and_stay_the_same() -> None:
    listed = names()
    assert listed == names()
    assert len(set(listed)) == len(listed)
    assert (
        "idle_scan/epoll+et/batch=64/buffers=0/checks=on/payload=1/position=random/"
        f"registered=1000/source=unix{SUFFIX}" in listed
    )
    form = re.compile(r"[a-z0-9_]+/[a-z_]+\+[a-z0-9+-]+(/[a-z_]+=[a-z0-9-]+)*" + SUFFIX)
    assert [name for name in listed if not form.fullmatch(name)] == []


def test_every_cell_of_the_profiles_is_registered() -> None:
    known = catalogue.load()
    variant = next(iter(known.variants)).name
    listed = set(names("--mechanism", variant))
    for profile, sweep in ((p, s) for p in PROFILES.values() for s in p.sweeps):
        workload = known.workloads.get(sweep.workload)
        if workload is None or sweep.workload == "http_one_byte":
            continue  # no part of this build, or driven from outside
        keys = sorted(sweep.values)
        for chosen in itertools.product(*(sweep.values[key] for key in keys)):
            if LIMIT in chosen or any(map(is_share, chosen)):
                continue  # known on the machine that measures only
            params = workload.complete(dict(zip(keys, chosen)))
            text = "/".join(f"{key}={value}" for key, value in params.items())
            assert f"{sweep.workload}/{variant}/{text}{SUFFIX}" in listed, profile.name


def test_the_filter_of_google_benchmark_selects() -> None:
    some = names("--benchmark_filter=^chain/epoll[+]lt/.*/registered=100/")
    assert [name.split("/")[:2] for name in some] == [["chain", "epoll+lt"]]


def test_the_json_holds_figures_and_what_they_were_measured_with(tmp_path: Path) -> None:
    document = measured(tmp_path / "one.json", *TWO, *TINY)
    context = document["context"]
    for key in ("kevbench_compiler", "kevbench_build_type", "git_commit", "git_dirty", "kernel"):
        assert context[key], key
    assert context["kernel"] == os.uname().release
    rows = document["benchmarks"]
    assert [row["name"].split("/")[1] for row in rows] == ["epoll+lt", "epoll+et"]
    for row in rows:
        assert row["label"] == "event"
        assert row["real_time"] > 0 and row["iterations"] > 0
        assert row["events_per_wait"] == 1
        assert row["ctxsw_per_event"] >= 0
        # One event, one byte an operation, and a second is 1e9 ns.
        assert row["items_per_second"] * row["real_time"] == pytest.approx(1e9, rel=1e-6)
        assert row["bytes_per_second"] == pytest.approx(row["items_per_second"], rel=1e-6)
        assert ("syscalls_per_event" in row) == (context["counter_syscalls"] == "counted")
    if "syscalls_per_event" in rows[0]:
        # A write, a wait and a read; an edge-triggered reader reads until there is nothing left.
        assert [row["syscalls_per_event"] for row in rows] == [3, 4]
    assert [row["would_block_per_event"] for row in rows] == [0, 1]


def test_wake_ups_have_latencies(tmp_path: Path) -> None:
    words = ("--workload", "wake_latency", "--mechanism", "epoll+lt", "--param", "interval=0")
    rows = measured(tmp_path / "w.json", *words, "--benchmark_min_time=0.001")["benchmarks"]
    for row in rows:
        if "error_message" in row:
            assert "two CPUs" in row["error_message"]
        else:
            assert row["label"] == "wake-up"
            assert 0 < row["p50_ns"] <= row["p99_ns"]


def test_repetitions_can_be_interleaved_at_random(tmp_path: Path) -> None:
    words = ("--benchmark_repetitions=3", "--benchmark_enable_random_interleaving=true")
    rows = measured(tmp_path / "three.json", *TWO, *TINY, *words)["benchmarks"]
    runs = [row for row in rows if row["run_type"] == "iteration"]
    assert sorted(row["repetition_index"] for row in runs) == [0, 0, 1, 1, 2, 2]
    assert {row["aggregate_name"] for row in rows if "aggregate_name" in row} >= {"mean", "median"}


@pytest.mark.skipif(not COMPARE.is_file(), reason="libbenchmark-tools is not installed")
def test_two_runs_are_read_by_debians_compare_py(tmp_path: Path) -> None:
    words = (*TWO, *TINY, "--mechanism", "select+select", "--param", "registered=5,2000")
    files = [tmp_path / "old.json", tmp_path / "new.json"]
    for file in files:
        measured(file, *words, "--benchmark_repetitions=2")
    done = subprocess.run(
        ["/usr/bin/python3", str(COMPARE), "--no-color", "benchmarks", *map(str, files)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    for variant, registered in itertools.product(("epoll+lt", "epoll+et"), (5, 2000)):
        row = rf"^idle_scan/{re.escape(variant)}/\S*registered={registered}/\S*\s+[+-]\d"
        assert re.search(row, done.stdout, re.MULTILINE), done.stdout
    assert "_pvalue" in done.stdout


def test_a_cell_that_cannot_run_is_shown_with_its_reason(tmp_path: Path) -> None:
    words = ("--workload", "idle_scan", "--mechanism", "select+select", "--param")
    row = measured(tmp_path / "s.json", *words, "registered=5000")["benchmarks"][0]
    assert row["error_occurred"] is True
    assert row["error_message"].startswith("skipped: not applicable: descriptor limit")


@pytest.mark.parametrize(
    "words, text",
    [
        (["--benchmark_filtre=x"], "not expected: --benchmark_filtre=x"),
        (["--nonsense"], "not expected: --nonsense"),
        (["nonsense"], "not expected: nonsense"),
        (["--benchmark_filter=no_such_cell"], "no benchmark matches"),
        (["--workload", "idle_scam"], "did you mean 'idle_scan'"),
        (["--mechanism", "epol"], "epoll"),
        (["--param", "registered=5"], "--workload"),
        (["--workload", "chain", "--param", "registered=none"], "whole number"),
    ],
)
def test_what_is_misspelt_is_refused(words: Sequence[str], text: str) -> None:
    done = micro(*words)
    assert done.returncode == 4
    last = done.stderr.splitlines()[-1]
    assert last.startswith("kevbench-micro: ") and text in last
    assert done.stdout == ""


def test_help_shows_both_kinds_of_options() -> None:
    done = micro("--help")
    assert done.returncode == 0
    for option in ("--mechanism", "--param", "--benchmark_filter", "Examples:"):
        assert option in done.stdout


@pytest.fixture(scope="module")
def shim(tmp_path_factory: pytest.TempPathFactory) -> Path:
    built = tmp_path_factory.mktemp("shim") / "corrupt_read.so"
    words = ["gcc", "-shared", "-fPIC", "-O1", "-o", str(built), str(SHIM), "-ldl"]
    subprocess.run(words, check=True, timeout=60)
    return built


def test_a_plugin_takes_part(tmp_path: Path) -> None:
    built = tmp_path / "skeleton.so"
    include = tree.ROOT / "adapters" / "include"
    source = tree.ROOT / "adapters" / "skeleton" / "skeleton_adapter.c"
    words = ["gcc", "-shared", "-fPIC", f"-I{include}", "-o", str(built), str(source)]
    subprocess.run(words, check=True, timeout=60)
    known = set(names("--workload", "chain"))
    added = set(names("--workload", "chain", "--plugin", str(built))) - known
    assert added
    chosen = next(iter(added)).split("/")[1]
    words = ["--workload", "idle_scan", "--plugin", str(built), "--mechanism", chosen, *TINY]
    (row,) = measured(tmp_path / "plugin.json", *words)["benchmarks"]
    assert row["real_time"] > 0, row
    assert micro("--plugin", str(tmp_path / "nowhere.so")).returncode == 4


PAYLOAD = 5001
#: Of the reference's opening slice; what comes after belongs to the variant under test.
OPENING = 100


@pytest.mark.parametrize("at", [0, PAYLOAD // 2, PAYLOAD - 1])
@pytest.mark.parametrize("workload", ["idle_scan", "active_ratio"])
def test_each_byte_is_consumed_and_unequal_work_voids_the_run(
    shim: Path, workload: str, at: int
) -> None:
    words = ["--workload", workload, "--mechanism", "epoll+et", "--param", f"payload={PAYLOAD}"]
    words += ["--param", "registered=5", "--benchmark_min_time=0.001"]
    words += ["--param", "active=5"] if workload == "active_ratio" else []
    spoilt = {"LD_PRELOAD": str(shim), "CORRUPT_SIZE": str(PAYLOAD), "CORRUPT_AT": str(at)}
    clean = micro(*words, CORRUPT_FROM="999999999", **spoilt)
    assert clean.returncode == 0, clean.stderr
    done = micro(*words, CORRUPT_FROM=str(OPENING + 1), **spoilt)
    assert done.returncode == 2, done.stdout
    assert "fault: unequal work" in done.stdout and "order checksum" in done.stdout
    assert "void" in done.stderr
