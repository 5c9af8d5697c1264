# SPDX-License-Identifier: MIT
"""Whatever a user gets wrong: one line that names the remedy, exit status 4, nothing half-written."""

from __future__ import annotations

import json
import os
import resource
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from harness import tree
from results.reader import read

QUICK_CELL = ("--workload", "idle_scan", "--param", "source=eventfd", "--param", "registered=10")
#: Long enough to be stopped in the middle, on any machine.
LONG = (
    "run",
    "--where",
    "host",
    "--workload",
    "idle_scan",
    "--profile",
    "full",
    "--mechanism",
    "epoll+lt",
)


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "harness.cli", *arguments]


def kevbench(
    *arguments: str,
    environment: dict[str, str] | None = None,
    prepare: Callable[[], None] | None = None,
) -> subprocess.CompletedProcess[str]:
    """The command line as a process, with the worker of the release build."""
    return subprocess.run(
        command(*arguments),
        cwd=tree.ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
        preexec_fn=prepare,
    )


def expect_refusal(done: subprocess.CompletedProcess[str], *words: str) -> None:
    """Status 4, one line on standard error with all of `words`, nothing on standard output."""
    assert done.returncode == 4, (done.returncode, done.stderr)
    lines = done.stderr.strip().splitlines()
    assert len(lines) == 1 and lines[0].startswith("kevbench: "), done.stderr
    for word in words:
        assert word in lines[0], (word, lines[0])
    assert done.stdout == ""


@pytest.fixture
def out(tmp_path: Path) -> Iterator[Path]:
    """A run directory that a refused command must not create."""
    yield tmp_path / "run"
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--mechanism", "epol"), ("unknown mechanism epol", "did you mean epoll")),
        (("--mechanism", "epoll+lit"), ("no variant lit", "lt")),
        (("--workload", "idle_scam"), ("unknown workload idle_scam", "idle_scan")),
        (("--workload", "idle_scan", "--param", "registerd=5"), ("registerd", "registered")),
        (("--workload", "idle_scan", "--param", "registered=0"), ("registered", "100000")),
        (("--workload", "idle_scan", "--param", "registered=many"), ("registered", "many")),
        (("--workload", "idle_scan", "--param", "source=usb"), ("source", "eventfd")),
        (("--workload", "idle_scan", "--param", "registered"), ("NAME=VALUE",)),
        (("--profile", "slow"), ("quick", "full")),
        (("--port", "70000"), ("70000", "65535")),
        (("--frobnicate",), ("--frobnicate", "--help")),
        (("--seed", "-1"), ("negative",)),
        (("--module-param", "index"), ("NAME=VALUE",)),
        (("--module-param", "index=avl two=2"), ("NAME=VALUE",)),
        (("--where", "host", "--module-param", "index=avl"), ("--where guest",)),
    ],
)
def test_a_wrong_option_is_refused(
    out: Path, arguments: tuple[str, ...], words: tuple[str, ...]
) -> None:
    expect_refusal(kevbench("run", *arguments, "--out", str(out)), *words)


def test_an_unknown_verb_is_refused() -> None:
    expect_refusal(kevbench("measure"), "measure", "--help")


def test_a_folder_that_is_used_stays_as_it_was(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("precious")
    expect_refusal(kevbench("run", *QUICK_CELL, "--out", str(tmp_path)), "exists", "remove")
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_a_folder_below_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    target = tmp_path / "file" / "run"
    expect_refusal(kevbench("run", *QUICK_CELL, "--out", str(target)), "--out")
    assert (tmp_path / "file").read_text() == ""


def test_a_folder_without_permission_is_refused(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o555)

    def unprivileged() -> None:
        if os.getuid() == 0:
            os.setgroups([])
            os.setgid(65534)
            os.setuid(65534)

    # The path down to it must be open for whoever that is.
    for parent in [tmp_path, *tmp_path.parents][:3]:
        parent.chmod(parent.stat().st_mode | 0o055)
    target = str(closed / "run")
    expect_refusal(kevbench("run", *QUICK_CELL, "--out", target, prepare=unprivileged), "--out")
    assert list(closed.iterdir()) == []


def test_a_descriptor_limit_that_is_too_low_is_refused(out: Path) -> None:
    done = kevbench(
        "run",
        *QUICK_CELL,
        "--param",
        "registered=5000",
        "--out",
        str(out),
        prepare=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (1024, 1024)),
    )
    expect_refusal(done, "registered=5000", "1024", "ulimit -Hn")


def test_a_port_in_use_is_refused(out: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        expect_refusal(kevbench("run", "--port", port, "--out", str(out)), port, "choose another")


def test_a_missing_httperf_is_refused_where_it_was_asked_for(out: Path, tmp_path: Path) -> None:
    listing = json.loads(kevbench("list", "--json").stdout)
    workload = next((one for one in listing["workloads"] if one["name"] == "http_one_byte"), None)
    if workload is None or not workload["available"]:
        pytest.skip("http_one_byte is not part of this build")
    (tmp_path / "bin").mkdir()
    done = kevbench(
        "run",
        "--workload",
        "http_one_byte",
        "--out",
        str(out),
        environment={**os.environ, "PATH": str(tmp_path / "bin")},
    )
    expect_refusal(done, "httperf", "apt-get install httperf")


def _record(**fields: object) -> str:
    whole = {"schema": "kvb.result", "schema_version": "1.0", "record": "run", "run_id": "R"}
    return json.dumps({**whole, **fields}) + "\n"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", ("empty", "run again")),
        ("\x00\x01 rubbish\n", ("not a Kevbench result file",)),
        (_record() + "{broken\n" + _record(record="end"), ("damaged", "line 2")),
        (_record(schema_version="2.0"), ("newer", "2.0")),
        (_record(schema="other"), ("not a Kevbench result file",)),
        (_record(record="end"), ("run record",)),
    ],
)
def test_a_bad_results_file_is_refused_and_left_alone(
    tmp_path: Path, content: str, words: tuple[str, ...]
) -> None:
    (tmp_path / "results.jsonl").write_text(content)
    for verb in (("report", str(tmp_path)), ("compare", str(tmp_path), str(tmp_path))):
        expect_refusal(kevbench(*verb), *words)
    assert [path.name for path in tmp_path.iterdir()] == ["results.jsonl"]
    assert (tmp_path / "results.jsonl").read_text() == content


def test_what_is_no_run_directory_is_refused(tmp_path: Path) -> None:
    expect_refusal(kevbench("report", str(tmp_path)), "results.jsonl", "directory of a run")
    expect_refusal(kevbench("report", str(tmp_path / "none")), "does not exist")
    assert list(tmp_path.iterdir()) == []


def _start_and_wait_for_slices(run_dir: Path, count: int) -> subprocess.Popen[str]:
    """A long run in the middle of measuring, with at least `count` slices on disk."""
    process = subprocess.Popen(
        command(*LONG, "--out", str(run_dir)),
        cwd=tree.ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    results = run_dir / "results.jsonl"
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and process.poll() is None:
        if results.exists() and results.read_bytes().count(b'"record":"slice"') >= count:
            return process
        time.sleep(0.02)
    process.kill()
    process.wait()
    raise AssertionError(f"no {count} slices: {process.stderr and process.stderr.read()}")


def test_a_killed_run_keeps_its_finished_slices_and_can_be_reported(tmp_path: Path) -> None:
    run_dir = tmp_path / "run"
    process = _start_and_wait_for_slices(run_dir, 40)
    process.kill()
    process.communicate(timeout=60)
    result = read(run_dir)
    slices = list(result.of("slice"))
    assert len(slices) >= 40 and all(one["ops"] > 0 and not one["errors"] for one in slices)
    assert result.end is None
    done = kevbench("report", str(run_dir))
    assert done.returncode == 0, done.stderr
    for name in ("report.html", "report.pdf", "summary.json"):
        assert (run_dir / name).stat().st_size > 0


def test_ctrl_c_keeps_what_was_measured(tmp_path: Path) -> None:
    run_dir = tmp_path / "run"
    process = _start_and_wait_for_slices(run_dir, 40)
    process.send_signal(signal.SIGINT)
    output, words = process.communicate(timeout=120)
    assert process.returncode == 3, words
    result = read(run_dir)
    assert result.end is not None and result.end["status"] == "interrupted"
    assert len(list(result.of("slice"))) >= 40
    assert str(run_dir / "report.html") in output and (run_dir / "summary.json").is_file()
