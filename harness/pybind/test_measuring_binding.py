# SPDX-License-Identifier: MIT
"""Lists and single cells from Python."""

from __future__ import annotations

import json
import signal
import subprocess
import threading
from pathlib import Path
from typing import Any

import pytest

import _kevbench
from _kevbench import Histogram, NotAvailable, UsageError, list_document, run_cell
from harness import tree

CELL = ("idle_scan", "epoll", "lt")
ALLOWED = Path(__file__).parent / "stubs" / "allowlist.txt"
SMALL: dict[str, str | int] = {"registered": 5, "source": "eventfd"}


def worker(*words: str) -> Any:
    done = subprocess.run(
        [str(tree.worker()), *words], capture_output=True, text=True, timeout=60, check=True
    )
    return json.loads(done.stdout)


def test_the_list_is_the_workers() -> None:
    assert list_document() == worker("list")
    assert list_document()["schema"] == "kvb.list"


def test_about_names_the_build() -> None:
    about = _kevbench.about_document()
    stated = worker("about")
    for name in ("version", "compiler", "flags", "optimized", "sanitizer"):
        assert about[name] == stated[name], name
    assert about["version"] == _kevbench.__version__ == tree.version()


def test_a_cell_gives_slice_records() -> None:
    found = run_cell(*CELL, SMALL, slices=3, operations=200, counts=True)
    printed = worker(
        "run", "idle_scan", "epoll+lt", "--param", "registered=5", "--param", "source=eventfd",
        "--slices", "3", "--operations", "200", "--counts", "--json",
    )  # fmt: skip
    assert found.keys() == printed.keys()
    assert found["case_key"] == printed["case_key"]
    assert len(found["slices"]) == 3
    for ours, theirs in zip(found["slices"], printed["slices"]):
        assert ours.keys() == theirs.keys()
        for name in ("ops", "messages", "bytes", "order", "events", "errors"):
            assert ours[name] == theirs[name], name
        assert ours["wall_ns"] > 0 and ours["ops"] == 200


def test_the_length_of_slices_is_found_when_none_is_given() -> None:
    (one,) = run_cell(*CELL, SMALL, slices=1)["slices"]
    assert one["ops"] > 1


def test_the_same_work_on_every_mechanism() -> None:
    work = {
        tuple(
            run_cell("active_ratio", mechanism, variant, {"registered": "20", "active": 7},
                     slices=1, operations=300)["slices"][0][name]
            for name in ("messages", "bytes", "order")
        )
        for mechanism, variant in (("epoll", "et"), ("poll", "poll"), ("select", "pselect"))
    }  # fmt: skip
    assert len(work) == 1


def test_a_timed_cell_gives_a_histogram() -> None:
    params = {"placement": "free"}
    found = run_cell("source_pingpong", "epoll", "lt", params, slices=2, operations=50, timed=True)
    whole = Histogram()
    for one in found["slices"]:
        whole.merge(Histogram.from_fields(one["hist"]))
    assert whole.count == 100
    assert whole.min is not None and whole.min > 0


@pytest.mark.parametrize(
    "words, keywords, text",
    [
        (("idle_scam", "epoll", "lt"), {}, "did you mean 'idle_scan'"),
        (("idle_scan", "epol", "lt"), {}, "epoll"),
        (("idle_scan", "epoll", "tl"), {}, "lt"),
        ((*CELL, {"colour": "red"}), {}, "unknown parameter 'colour'"),
        ((*CELL, {"registered": 0}), {}, "registered=0"),
        ((*CELL, SMALL), {"slices": 0}, "slices=0"),
        ((*CELL, SMALL), {"operations": 0}, "operations=0"),
        ((*CELL, SMALL), {"operations": 5, "timed": True}, "records no latencies"),
    ],
)
def test_what_is_not_possible_is_a_value_error(
    words: tuple[Any, ...], keywords: dict[str, Any], text: str
) -> None:
    with pytest.raises(ValueError, match=text) as caught:
        run_cell(*words, **keywords)
    assert caught.type is UsageError
    assert "\n" not in str(caught.value)


def test_params_are_texts_or_whole_numbers() -> None:
    for wrong in ({"registered": 5.0}, {"registered": True}, {5: "registered"}):
        with pytest.raises(TypeError, match="texts or whole numbers"):
            run_cell(*CELL, wrong)  # type: ignore[arg-type]


def test_a_plugin_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="nowhere.so"):
        _kevbench.load_plugin(tmp_path / "nowhere.so")


def test_what_cannot_run_here_says_why() -> None:
    with pytest.raises(NotAvailable, match="descriptor limit"):
        run_cell("idle_scan", "select", "select", {"registered": 5000})


def test_other_threads_run_while_a_cell_is_measured() -> None:
    """Were the interpreter lock held, this thread could count only before or after the slice."""
    measuring = threading.Event()
    counted = 0

    def measure() -> None:
        measuring.set()
        run_cell("wake_latency", "epoll", "lt",
                 {"placement": "free", "interval": 1000}, slices=1, operations=300)  # fmt: skip

    thread = threading.Thread(target=measure)
    thread.start()
    measuring.wait(60)
    while thread.is_alive():
        thread.join(0.001)
        counted += 1
    # 300 waits of 1 ms leave time for some hundreds of turns on an idle machine.
    assert counted > 10


def test_two_threads_may_measure_at_once() -> None:
    found: list[dict[str, Any]] = []

    def measure() -> None:
        found.append(run_cell(*CELL, SMALL, slices=5, operations=500))

    threads = [threading.Thread(target=measure) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len({one["order"] for run in found for one in run["slices"]}) == 1
    assert len(found) == 3


def test_an_interrupt_ends_a_run_between_slices() -> None:
    class Interrupted(Exception):
        pass

    def interrupt(number: int, frame: object) -> None:
        raise Interrupted

    former = signal.signal(signal.SIGALRM, interrupt)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.05)
        with pytest.raises(Interrupted):
            run_cell(*CELL, SMALL, slices=1_000_000, operations=100)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, former)
    assert run_cell(*CELL, SMALL, slices=1, operations=10)["slices"][0]["ops"] == 10


def test_everything_public_is_documented() -> None:
    for name, thing in vars(_kevbench).items():
        if not name.startswith("_"):
            assert thing.__doc__, name
            for inner, member in vars(thing).items() if isinstance(thing, type) else ():
                if not inner.startswith("_") and (callable(member) or isinstance(member, property)):
                    assert getattr(thing, inner).__doc__ or member.__doc__, f"{name}.{inner}"


def test_the_stub_describes_the_module() -> None:
    done = subprocess.run(
        ["/usr/bin/python3", "-m", "mypy.stubtest", "_kevbench",
         "--mypy-config-file", str(tree.ROOT / "pyproject.toml"), "--allowlist", str(ALLOWED)],
        cwd=tree.ROOT, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
