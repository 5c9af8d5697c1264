// SPDX-License-Identifier: MIT
//
// Finds runs that stand still because an event was lost, without a time limit on wait(): a limit
// would arm a kernel timer for every wait and so change what is measured. Instead a timer of its
// own interrupts the thread now and then; wait() answers -EINTR and the loop asks whether anything
// arrived since.
#pragma once

#include <time.h>

#include <chrono>
#include <cstdint>
#include <string_view>

namespace kevbench::workload {

/// How long a run may make no progress before it is void; 10 s unless set. Process-wide, for the
/// watchdogs made afterwards. Thread-safe.
void set_stall_limit(std::chrono::milliseconds limit) noexcept;

/// The signal of watchdogs and companions; its handler does nothing, so it only ends waits. System
/// calls that the kernel restarts (read, write) are restarted.
[[nodiscard]] int interrupt_signal();

/// Interrupts the thread that made it about every half stall limit until destroyed. Make it in
/// setup(), on the thread that will run.
class watchdog {
  public:
    /// Throws fault when the timer cannot be made.
    watchdog();
    watchdog(const watchdog&) = delete;
    watchdog& operator=(const watchdog&) = delete;
    ~watchdog();

    /// For a wait() that answered `result` <= 0 while something was still expected. `progress` is
    /// any count that grows as the run advances. Throws fault when nothing grew for the stall limit
    /// or `result` is an error other than -EINTR.
    void examine(int result, std::uint64_t progress);

    /// Throws fault unless the clock says that the stall limit has not passed since `progress` last
    /// changed; for loops that poll without blocking.
    void examine_progress(std::uint64_t progress);

    /// Forgets earlier progress. Call when a run begins.
    void restart() noexcept;

  private:
    timer_t timer_{};
    std::chrono::nanoseconds limit_;
    std::int64_t since_ =
        0;  // CLOCK_MONOTONIC ns of the first examination without progress; 0 = none
    std::uint64_t progress_ = 0;
};

}  // namespace kevbench::workload
