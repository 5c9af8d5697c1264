// SPDX-License-Identifier: MIT
//
// Hand-over between two threads that sleeps and never spins: a spinning thread would make
// instruction counts depend on timing, and std::atomic::wait spins first.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>

namespace kevbench::workload {

/// A counter that one thread advances and another waits for. What happened before advance() is
/// visible after the await() that saw it.
class baton {
  public:
    [[nodiscard]] std::uint32_t value() const noexcept {
        return value_.load(std::memory_order_acquire);
    }
    /// Adds one and wakes the waiting thread. One system call.
    void advance() noexcept;
    /// Sleeps until the value is not `seen`. False when a signal handler ran first.
    [[nodiscard]] bool await(std::uint32_t seen) noexcept;
    /// As await(), but also false after `limit`.
    [[nodiscard]] bool await_for(std::uint32_t seen, std::chrono::nanoseconds limit) noexcept;

  private:
    std::atomic<std::uint32_t> value_{0};
};

}  // namespace kevbench::workload
