# SPDX-License-Identifier: MIT
"""Defects are recognised, harmless lines are not."""

from pathlib import Path

import pytest

from harness.guest import console


@pytest.mark.parametrize(
    "line",
    [
        "[    1.234567] WARNING: CPU: 0 PID: 77 at kernel/x.c:12 f+0x1/0x2 [kevent]",
        "[    1.234567][   T77] BUG: KASAN: slab-use-after-free in f+0x1/0x2",
        "BUG: kernel NULL pointer dereference, address: 0000000000000008",
        "[  121.000001] INFO: task test:77 blocked for more than 60 seconds.",
        "[   22.000001] rcu: INFO: rcu_preempt self-detected stall on CPU",
        "WARNING: possible circular locking dependency detected",
        "UBSAN: array-index-out-of-bounds in x.c:1:2",
        "general protection fault, probably for non-canonical address 0x1: 0000 [#1]",
        "Kernel panic - not syncing: Attempted to kill init!",
        "watchdog: BUG: soft lockup - CPU#0 stuck for 22s!",
        "refcount_t: underflow; use-after-free.",
        "kmemleak: 2 new suspected memory leaks (see /sys/kernel/debug/kmemleak)",
    ],
)
def test_defect_is_recognised(line: str) -> None:
    assert console.defects(["[    0.1] fine", line]) == [console.strip_stamp(line)]


@pytest.mark.parametrize(
    "line",
    [
        "[    0.1] Spectre V2 : WARNING: Unprivileged eBPF is enabled",
        "[    0.1] kevent: loading out-of-tree module taints kernel.",
        "[    0.1] kevent: module verification failed: signature and/or required key missing",
        "[    0.1] DEBUG: not a BUG: at all",
        "[    0.1] rcu: RCU calculated value of scheduler-enlistment delay is 25 jiffies.",
        "[    0.1] hrtimer: interrupt took 5012345 ns",
    ],
)
def test_harmless_line_is_left_alone(line: str) -> None:
    assert console.defects([line]) == []


def test_record_of_the_kernel_log_is_shown_like_dmesg() -> None:
    record = b"12,345,6789012,-;a line\n KEY=value\n"
    assert console.kmsg_text(record) == "a line"
    assert console.kmsg_line(record) == "<4>[    6.789012] a line"


def test_taint_of_our_module_is_allowed_only_when_it_was_loaded() -> None:
    assert console.taint_faults(12288, module_loaded=True) == []
    assert len(console.taint_faults(12288, module_loaded=False)) == 2
    assert console.taint_faults(12288 | 128, module_loaded=True) == [
        "kernel tainted: oops or BUG (bit 7)"
    ]
    assert console.taint_faults(1 << 25, module_loaded=True) == ["kernel tainted: unknown (bit 25)"]


def test_console_that_was_never_written_is_empty(tmp_path: Path) -> None:
    assert console.read_console(tmp_path / "none") == []
    assert console.tail([str(number) for number in range(100)])[0] == "60"
