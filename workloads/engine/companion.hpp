// SPDX-License-Identifier: MIT
//
// The second thread of a two-thread workload: made in setup(), asleep between jobs.
#pragma once

#include <atomic>
#include <exception>
#include <functional>
#include <thread>

#include "engine/baton.hpp"

namespace kevbench::workload {

/// Used by one owner thread. A job that waits must, when a wait is interrupted, return if
/// stopping() is true.
class companion {
  public:
    /// Starts the thread. Throws std::system_error when that fails.
    companion();
    companion(const companion&) = delete;
    companion& operator=(const companion&) = delete;
    /// As stop(), then ends the thread.
    ~companion();

    /// Lets the thread do `job`; the one before must be finished.
    void begin(std::function<void()> job);
    /// Sleeps until the job has ended and throws what it threw.
    void finish();
    /// begin() and finish().
    void perform(std::function<void()> job);
    /// True once the current job has ended; finish() then returns at once.
    [[nodiscard]] bool idle() const noexcept { return done_.value() == begun_; }
    /// Ends a job that waits for something that will not come.
    void stop() noexcept;
    /// For jobs: asked to return?
    [[nodiscard]] bool stopping() const noexcept {
        return stopping_.load(std::memory_order_acquire);
    }

  private:
    void serve();

    std::function<void()> job_;
    std::exception_ptr failure_;
    baton jobs_;
    baton done_;
    std::uint32_t begun_ = 0;  // owner's count of jobs
    std::atomic<bool> stopping_{false};
    std::atomic<bool> leaving_{false};
    std::thread thread_;  // last: it uses the rest
};

}  // namespace kevbench::workload
