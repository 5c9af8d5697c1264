# SPDX-License-Identifier: MIT
"""Instruction counts in the guest are the same from boot to boot."""

from collections.abc import Callable
from pathlib import Path

import pytest

from harness.guest.kernels import SERIES
from harness.guest.run import run_in_guest
from harness.guest.spec import GuestSpec

pytestmark = pytest.mark.guest

# Prints the cost of one epoll_wait on a ready descriptor (median over batches, in thousandths of an
# instruction), then that of a loop of known length: 20,000 rounds of one addition and one branch.
_COUNT = r"""
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <x86intrin.h>
enum { batches = 51, calls = 1000, rounds = 20000 };
static int compare(const void *a, const void *b) {
    const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}
int main(void) {
    uint64_t cost[batches];
    struct epoll_event event = {.events = EPOLLIN};
    const int queue = epoll_create1(0);
    if (epoll_ctl(queue, EPOLL_CTL_ADD, eventfd(1, 0), &event) != 0) return 1;
    for (int batch = 0; batch < batches; ++batch) {
        const uint64_t start = __rdtsc();
        for (int call = 0; call < calls; ++call)
            if (epoll_wait(queue, &event, 1, 0) != 1) return 2;
        cost[batch] = __rdtsc() - start;
    }
    qsort(cost, batches, sizeof *cost, compare);
    const uint64_t start = __rdtsc();
    for (long left = rounds; left > 0; --left) __asm__ volatile("" : "+r"(left));
    const uint64_t loop = __rdtsc() - start;
    printf("%lu %lu\n", cost[batches / 2] * 1000 / calls, loop);
    return 0;
}
"""


def _counts(program: Path, series: str) -> tuple[int, int]:
    result = run_in_guest(GuestSpec([str(program)], kernel=series, icount=True, deadline_s=120))
    assert result.status == 0, result.reason
    wait, loop = result.stdout.split()
    return int(wait), int(loop)


@pytest.mark.parametrize("series", SERIES)
def test_three_boots_count_alike(series: str, compile_c: Callable[[str, str], Path]) -> None:
    program = compile_c("count", _COUNT)
    waits, loops = zip(*(_counts(program, series) for _boot in range(3)))
    assert max(waits) - min(waits) <= 0.0005 * min(waits), waits
    assert max(loops) - min(loops) <= 0.0005 * min(loops), loops
    # One virtual nanosecond is one instruction: two or three a round, plus at most a timer tick.
    assert 40_000 <= min(loops) <= 90_000
    assert 100_000 <= min(waits) <= 10_000_000


def test_output_of_a_counted_command_comes_at_its_end_and_complete() -> None:
    script = "echo out; echo err >&2; echo kept > /results/file; exit 5"
    result = run_in_guest(GuestSpec(["sh", "-c", script], icount=True, deadline_s=120))
    assert (result.stdout, result.stderr, result.status) == (b"out\n", b"err\n", 5)
    assert list(result.results) == ["file"]


def test_counted_guest_shows_a_fixed_date_and_no_randomness() -> None:
    script = "date -u +%Y-%m-%d; od -An -N16 -tx1 /dev/urandom"
    spec = GuestSpec(["sh", "-c", script], icount=True, deadline_s=120)
    first, second = run_in_guest(spec), run_in_guest(spec)
    assert first.stdout.startswith(b"2026-01-01\n")
    assert first.stdout == second.stdout
