# SPDX-License-Identifier: MIT
"""The real worker under load from outside, and with a plug-in built by its own makefile."""

from __future__ import annotations

import json
import os
import socket
import subprocess
from pathlib import Path
from typing import Any

import pytest

from harness import tree
from harness.testing.command import kevbench
from results import validate
from results.reader import read

WORKER = tree.BUILD / "harness" / "kevbench-worker"
pytestmark = pytest.mark.skipif(
    not os.access(WORKER, os.X_OK), reason="kevbench-worker is not built"
)


def rows_of(directory: Path, metric: str) -> list[dict[str, Any]]:
    """Measured rows of summary.json with that metric."""
    document = json.loads((directory / "summary.json").read_text())
    validate.check("summary", document)
    return [row for row in document["rows"] if row["metric"] == metric and row["status"] == "ok"]


@pytest.fixture(scope="module")
def skeleton(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example adapter, built as a stranger would."""
    folder = tmp_path_factory.mktemp("skeleton")
    subprocess.run(
        ["make", "-s", "-C", str(tree.ROOT / "adapters" / "skeleton"), f"OUT={folder}"], check=True
    )
    return folder / "libskeleton_adapter.so"


def test_http_is_loaded_on_every_asked_variant_and_its_points_are_stored(tmp_path: Path) -> None:
    out = tmp_path / "run"
    done = kevbench(
        *(
            "run",
            "--where",
            "host",
            "--workload",
            "http_one_byte",
            "--param",
            "rate=400",
            "--out",
            str(out),
        ),
        *("--mechanism", "epoll+lt", "--mechanism", "select+select"),
    )
    assert done.returncode == 0, done.stderr
    assert {row["mechanism"] for row in rows_of(out, "cpu_ns_per_event")} == {"epoll", "select"}
    for row in rows_of(out, "requests_per_s"):
        assert 0.5 * 400 < row["value"] < 1.5 * 400
    slices = [record for record in read(out).records if record["record"] == "slice"]
    points = [one["load"] for one in slices if not one["warmup"]]
    assert {point["tool"] for point in points} == {"httperf"}
    valid = [one for one in slices if not one["warmup"] and one["load"]["status"] == "valid"]
    # Every variant was asked for the same and answered all of it.
    assert {one["ops"] for one in valid} == {one["messages"] for one in valid} == {100}
    assert [one["load"]["tool"] for one in slices if one["warmup"]] == ["wrk", "wrk"]


def test_the_web_server_of_2006_gets_one_plan_for_all_and_a_page(tmp_path: Path) -> None:
    out = tmp_path / "run"
    chosen = (
        "rate=300",
        "requests=1",
        "burst=1",
        "style=optimistic",
        "accept=all",
        "watch_limit=0",
        "idle=20",
    )
    params = [word for one in chosen for word in ("--param", one)]
    done = kevbench(
        *("run", "--where", "host", "--workload", "kevent_2006", *params, "--out", str(out)),
        *("--mechanism", "epoll+lt", "--mechanism", "poll", "--mechanism", "io_uring+completion"),
    )
    assert done.returncode == 0, done.stderr
    measured = {row["mechanism"] for row in rows_of(out, "cpu_ns_per_event")}
    assert measured == {"epoll", "poll"}
    records = read(out).records
    skipped = [one for one in records if one["record"] == "skip"]
    assert any("completion delivers data" in one["reason"] for one in skipped)
    slices = [one for one in records if one["record"] == "slice"]
    points = [one for one in slices if not one["warmup"]]
    assert {one["load"]["tool"] for one in points} == {"httpload"}
    # In a pair every variant was offered the same number of requests, from the same seed.
    for pair in range(8):
        planned = {
            one["load"]["replies"] + sum(one["load"]["errors"].values())
            for one in points
            if one["pair"] == pair
        }
        assert planned == {90}
    assert {one["load"]["tool"] for one in slices if one["warmup"]} == {"httperf"}
    assert "2006 and now" in (out / "report.html").read_text()


def test_without_httperf_its_workload_is_refused_with_the_package(tmp_path: Path) -> None:
    done = kevbench("run", "--workload", "http_one_byte", "--dry-run", PATH=str(tmp_path))
    assert done.returncode == 4
    assert done.stderr == "kevbench: httperf is not installed: apt-get install httperf\n"


def test_a_port_in_use_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    out = tmp_path / "run"
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = kevbench(
            "run",
            "--where",
            "host",
            "--workload",
            "http_one_byte",
            "--port",
            port,
            "--out",
            str(out),
        )
    assert done.returncode == 4 and done.stderr.count("\n") == 1
    assert f"port {port} cannot be used" in done.stderr
    assert not out.exists()


def test_a_plug_in_is_measured_beside_the_built_in_variants(skeleton: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    done = kevbench(
        *(
            "run",
            "--where",
            "host",
            "--plugin",
            str(skeleton),
            "--workload",
            "tcp_rr",
            "--out",
            str(out),
        ),
        *("--mechanism", "skeleton", "--mechanism", "epoll+lt"),
        *("--param", "connections=5", "--param", "mode=closed", "--param", "rate=0"),
    )
    assert done.returncode == 0, done.stderr
    measured = {(row["mechanism"], row["variant"]) for row in rows_of(out, "cpu_ns_per_event")}
    assert measured == {("skeleton", "level"), ("skeleton", "one-shot"), ("epoll", "lt")}


def test_a_loaded_plug_in_joins_the_variants_of_the_profile(skeleton: Path) -> None:
    done = kevbench("run", "--plugin", str(skeleton), "--dry-run")
    assert done.returncode == 0, done.stderr
    assert "skeleton+level, skeleton+one-shot" in done.stdout


def test_a_file_that_is_no_plug_in_is_refused_with_the_loaders_words() -> None:
    done = kevbench("list", "--plugin", str(tree.ROOT / "README.md"))
    assert done.returncode == 4 and done.stderr.count("\n") == 1
    assert done.stderr.startswith("kevbench: plug-in ")
    assert "README.md: not a loadable library" in done.stderr
