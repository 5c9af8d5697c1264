# SPDX-License-Identifier: MIT
"""Recording of stacks: folding what perf says, and saying aloud what it refuses."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from harness.controller import flame
from results.folded import KERNEL

_SCRIPT = """\
kevbench-worker 
\tffffffff8172f0bd ep_send_events ([kernel.kallsyms])
\tffffffff821ecc51 do_syscall_64+0x51 ([kernel.kallsyms])
\t          108ef3 epoll_wait (/usr/lib/libc.so.6)
\t          4e4f86 kb::hot<kb::a<(kb::call)0>, true> (/somewhere/worker)

kevbench-worker 
\t           1000 k;evil
name (/x)
\t               0 [unknown] ([unknown])

"""


def test_stacks_are_folded_from_the_root_with_the_kernel_marked() -> None:
    found = flame.fold(_SCRIPT.splitlines()[:6])
    assert found == {
        (
            "kevbench-worker",
            "kb::hot<kb::a<(kb::call)0>, true>",
            "epoll_wait",
            f"do_syscall_64{KERNEL}",
            f"ep_send_events{KERNEL}",
        ): 1
    }


def test_a_hostile_symbol_ends_neither_frame_nor_line() -> None:
    for stack in flame.fold(_SCRIPT.splitlines()):
        assert not any(";" in name or "\n" in name for name in stack)


def test_equal_stacks_are_counted_and_an_unfinished_one_at_the_end_too() -> None:
    sample = ["w", "\tff f (/x)", ""]
    assert flame.fold([*sample, *sample, "w", "\tff f (/x)"]) == {("w", "f"): 3}
    assert flame.fold([]) == {} and flame.fold(["w", ""]) == {}


def _fake_perf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, body: str) -> None:
    program = tmp_path / "perf"
    program.write_text(f"#!/bin/sh\n{body}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")


def test_a_refusal_is_told_in_perfs_own_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _fake_perf(
        tmp_path,
        monkeypatch,
        "echo 'Error: Access limited. perf_event_paranoid is 4' >&2; exit 255",
    )
    how = flame.Recording("cpu-clock", "fp")
    with flame.Perf(os.getpid(), how, tmp_path / "data") as perf:
        with pytest.raises(flame.Refused, match="perf_event_paranoid is 4"):
            perf.begin()


def test_cycles_that_are_not_counted_make_it_the_clock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _fake_perf(tmp_path, monkeypatch, "echo '<not supported>,,cycles,0,100.00,,' >&2")
    assert flame.event_here() == "cpu-clock"
    _fake_perf(tmp_path, monkeypatch, "echo '12345,,cycles,99,100.00,,' >&2")
    assert flame.event_here() == "cycles"
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    with pytest.raises(flame.Refused, match="not installed"):
        flame.event_here()


_BUSY = "import sys\nprint('up', flush=True)\nwhile True:\n sum(range(1000))\n"


def test_a_busy_process_is_sampled_between_begin_and_end(tmp_path: Path) -> None:
    if shutil.which("perf") is None:
        pytest.skip("perf is not installed: apt-get install linux-perf")
    how = flame.Recording(flame.event_here(), "fp")
    words = [sys.executable, "-c", _BUSY]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as busy:
        try:
            assert busy.stdout is not None and busy.stdout.readline() == "up\n"
            try:
                with flame.Perf(busy.pid, how, tmp_path / "data") as perf:
                    perf.begin()
                    # Work of our own as the measure of time: as long as 300 ms of the other's.
                    ticks = os.sysconf("SC_CLK_TCK")
                    stat = Path(f"/proc/{busy.pid}/stat")
                    before = int(stat.read_text().rsplit(")", 1)[1].split()[11])
                    while (
                        int(stat.read_text().rsplit(")", 1)[1].split()[11]) < before + 0.3 * ticks
                    ):
                        pass
                    perf.end()
            except flame.Refused as problem:
                pytest.skip(str(problem))
            found = flame.script_of(tmp_path / "data")
        finally:
            busy.kill()
    assert sum(found.values()) >= 10
