// SPDX-License-Identifier: MIT
#include "kevbench/harness/clock.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

namespace kevbench::harness {
namespace {

TEST(Clock, NeverRunsBackwards) {
    auto previous = monotonic_now();
    for (int i = 0; i < 100'000; ++i) {
        const auto now = monotonic_now();
        ASSERT_GE(now, previous);
        previous = now;
    }
}

TEST(Clock, QualityIsMeasuredNotAssumed) {
    const auto quality = measure_clock();
    EXPECT_GT(quality.cost_ns, 0.0);
    EXPECT_LT(quality.cost_ns, 100'000.0);
    EXPECT_GT(quality.resolution_ns, 0);
    // A step smaller than a reading costs cannot be seen between two readings on most machines,
    // but one far above it would mean a coarse clock, which no slice may rest on.
    EXPECT_LT(quality.resolution_ns, 1'000'000);
}

TEST(Clock, ReadingProcessTimeCostsMoreThanReadingTheMonotonicClock) {
    // The former is a system call, the latter is not: if this fails, timed runs measure the clock.
    EXPECT_LT(measure_clock(CLOCK_MONOTONIC).cost_ns,
              measure_clock(CLOCK_PROCESS_CPUTIME_ID).cost_ns);
}

TEST(Clock, CpuTimeOfAThreadIsFoundByItsNumber) {
    const auto before = read_clock(CLOCK_THREAD_CPUTIME_ID);
    const auto found = read_clock(thread_cpu_clock(::gettid()));
    const auto after = read_clock(CLOCK_THREAD_CPUTIME_ID);
    EXPECT_GT(before, 0);
    EXPECT_LE(before, found);
    EXPECT_LE(found, after);
}

}  // namespace
}  // namespace kevbench::harness
