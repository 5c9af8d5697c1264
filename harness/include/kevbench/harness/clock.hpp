// SPDX-License-Identifier: MIT
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <ctime>

namespace kevbench::harness {

inline constexpr std::int64_t nanoseconds_per_second = 1'000'000'000;

/// One clock as nanoseconds. CLOCK_MONOTONIC is the same in every process of a machine (not inside
/// a time namespace), so stamps of two workers can be ordered.
[[nodiscard]] inline std::int64_t read_clock(clockid_t clock) noexcept {
    timespec now{};
    ::clock_gettime(clock, &now);
    return now.tv_sec * nanoseconds_per_second + now.tv_nsec;
}

[[nodiscard]] inline std::int64_t monotonic_now() noexcept {
    return read_clock(CLOCK_MONOTONIC);
}

/// The CPU time of one thread of this process, by its kernel thread id; reads as 0 once it has
/// ended. The encoding is part of the kernel's interface; pthread_getcpuclockid() uses it too.
[[nodiscard]] constexpr clockid_t thread_cpu_clock(pid_t tid) noexcept {
    constexpr std::uint32_t per_thread_run_time = 6;
    return static_cast<clockid_t>(~static_cast<std::uint32_t>(tid) << 3U | per_thread_run_time);
}

/// What a clock reading costs and the smallest step it shows; the self-check of a slice wants it to
/// last at least 10,000 such steps.
struct clock_quality {
    double cost_ns = 0.0;            ///< of one reading, the best of several batches
    std::int64_t resolution_ns = 0;  ///< smallest difference above 0 between two readings
};

/// Takes about a millisecond when the clock is read in user space.
[[nodiscard]] clock_quality measure_clock(clockid_t clock = CLOCK_MONOTONIC) noexcept;

}  // namespace kevbench::harness
