// SPDX-License-Identifier: MIT
#include "kevbench/harness/process_usage.hpp"

#include <gtest/gtest.h>
#include <liburing.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstring>
#include <thread>

#include "kevbench/harness/clock.hpp"

namespace kevbench::harness {
namespace {

constexpr std::int64_t millisecond = 1'000'000;
constexpr std::int64_t deadline = 20 * nanoseconds_per_second;

void burn_cpu(std::int64_t nanoseconds) {
    const auto end = read_clock(CLOCK_THREAD_CPUTIME_ID) + nanoseconds;
    while (read_clock(CLOCK_THREAD_CPUTIME_ID) < end) {
    }
}

TEST(ProcessUsage, CountsOwnCpuTimeAndItsPartsAddUp) {
    const usage_meter meter;
    const auto before = meter.before();
    burn_cpu(30 * millisecond);
    const auto spent = meter.after() - before;
    EXPECT_GE(spent.cpu_ns, 30 * millisecond);
    // Other threads (a sanitizer's) may add, a tenth is far beyond the rounding of getrusage.
    EXPECT_NEAR(static_cast<double>(spent.cpu_user_ns + spent.cpu_system_ns),
                static_cast<double>(spent.cpu_ns), static_cast<double>(3 * millisecond));
}

TEST(ProcessUsage, CountsThreadsThatHaveEnded) {
    const usage_meter meter;
    const auto before = meter.before();
    std::thread{burn_cpu, 20 * millisecond}.join();
    EXPECT_GE((meter.after() - before).cpu_ns, 20 * millisecond);
}

TEST(ProcessUsage, CountsTheSubmissionQueueThreadOfARing) {
    io_uring ring{};
    io_uring_params parameters{};
    parameters.flags = IORING_SETUP_SQPOLL;
    parameters.sq_thread_idle = 60'000;  // milliseconds: it spins for the whole test
    if (const int failed = io_uring_queue_init_params(8, &ring, &parameters); failed != 0)
        GTEST_SKIP() << "no SQPOLL ring here: " << strerror(-failed);
    // The thread sleeps until the first submission and spins from then on.
    io_uring_prep_nop(io_uring_get_sqe(&ring));
    ASSERT_EQ(io_uring_submit(&ring), 1);
    const usage_meter meter;
    const auto before = meter.before();
    const auto own_before = read_clock(CLOCK_THREAD_CPUTIME_ID);
    const auto give_up = monotonic_now() + deadline;
    // Time beyond this thread's own is the spinning kernel thread's.
    std::int64_t others = 0;
    while (others < 20 * millisecond && monotonic_now() < give_up) {
        std::this_thread::yield();
        others =
            (meter.after() - before).cpu_ns - (read_clock(CLOCK_THREAD_CPUTIME_ID) - own_before);
    }
    io_uring_queue_exit(&ring);
    EXPECT_GE(others, 20 * millisecond);
}

TEST(ProcessUsage, CountsFaultsAndSwitches) {
    const usage_meter meter;
    constexpr std::size_t pages = 64;
    const auto size = pages * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
    const auto before = meter.before();
    void* memory =
        ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    ASSERT_NE(memory, MAP_FAILED);
    ::madvise(memory, size, MADV_NOHUGEPAGE);
    for (std::size_t i = 0; i < pages; ++i)
        static_cast<volatile char*>(memory)[i * size / pages] = 1;  // NOLINT(*-pointer-arithmetic)
    // A thread that is not there to be joined yet makes this one switch; it may be quicker.
    const auto give_up = monotonic_now() + deadline;
    auto spent = meter.after() - before;
    while (spent.voluntary_switches < 1 && monotonic_now() < give_up) {
        std::thread{burn_cpu, millisecond}.join();
        spent = meter.after() - before;
    }
    ::munmap(memory, size);
    EXPECT_GE(spent.minor_faults, static_cast<std::int64_t>(pages));
    EXPECT_GE(spent.voluntary_switches, 1);
    EXPECT_GE(spent.involuntary_switches, 0);
}

TEST(ProcessUsage, ReadsStealWhereTheKernelReportsIt) {
    const auto moment = usage_meter{}.before();
    ASSERT_TRUE(moment.steal_ticks.has_value());
    EXPECT_GE(*moment.steal_ticks, 0);
}

}  // namespace
}  // namespace kevbench::harness
