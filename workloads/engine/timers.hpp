// SPDX-License-Identifier: MIT
//
// Timers as event sources: the mechanism's own, a timerfd each, or POSIX timers, whose expirations
// reach the mechanism natively or as signals through one signalfd.
#pragma once

#include <time.h>

#include <cstdint>
#include <cstring>

#include "engine/signals.hpp"
#include "engine/source.hpp"
#include "kevbench/adapter/native_sources.hpp"

namespace kevbench::workload {

/// A timerfd on CLOCK_MONOTONIC, not started. Throws fault.
[[nodiscard]] descriptor make_timerfd();
/// False when the kernel refuses.
bool set_timerfd(int fd, const adapter::timer_plan& plan) noexcept;

/// A timer of timer_create(2) that sends a signal with a value. Movable, not copyable.
class posix_timer {
  public:
    /// Throws fault.
    posix_timer(int signal, int value);
    posix_timer(posix_timer&& other) noexcept;
    posix_timer& operator=(posix_timer&&) = delete;
    ~posix_timer();

    /// The kernel's number.
    [[nodiscard]] int number() const noexcept { return number_; }
    bool set(const adapter::timer_plan& plan) noexcept;

  private:
    int number_ = -1;
};

[[nodiscard]] std::int64_t monotonic_nanoseconds() noexcept;

/// What a timerfd read gave: expirations.
[[nodiscard]] inline std::uint64_t expirations_in(const std::byte* data) noexcept {
    std::uint64_t count = 0;
    std::memcpy(&count, data, sizeof count);
    return count;
}

}  // namespace kevbench::workload
