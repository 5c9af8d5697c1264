// SPDX-License-Identifier: MIT
#pragma once

#include <linux/perf_event.h>
#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>

#include "kevbench/harness/unique_fd.hpp"

namespace kevbench::harness {

/// One reading. `value` is empty when nothing was counted, and then `status` says why; it is never
/// 0 for "unknown". When running_ns < enabled_ns the kernel multiplexed the counter, and `value` is
/// the raw count of the time it ran, not extrapolated.
struct perf_reading {
    std::optional<std::uint64_t> value;
    std::uint64_t enabled_ns = 0;
    std::uint64_t running_ns = 0;
    std::string status;  ///< "counted", or the reason
};

/// A kernel event counter, or a null object that knows why there is none: callers need no "if".
/// Counts one thread and, being inherited, the threads and processes it creates after opening;
/// starts disabled. Move-only. Used by one thread at a time.
class perf_counter {
  public:
    /// The null object.
    explicit perf_counter(std::string reason) : reason_(std::move(reason)) {}
    /// Opens `event` on thread `tid` (0 = the calling one), as member of `group` if given. Sets
    /// size, disabled, inherit and read_format itself. Never throws for what the machine lacks.
    perf_counter(perf_event_attr event, pid_t tid, const perf_counter* group = nullptr);

    [[nodiscard]] bool present() const noexcept { return static_cast<bool>(fd_); }
    [[nodiscard]] const std::string& reason() const noexcept { return reason_; }

    /// Counts only what passes a tracepoint filter ("id==0"); call before enabling. A refusal turns
    /// the counter into the null object.
    void set_filter(const std::string& filter);

    enum class scope : std::uint8_t { single, group };
    /// Sets the counters of the scope to 0 and starts or stops them: two system calls and one.
    void start(scope reach) noexcept;
    void stop(scope reach) noexcept;
    [[nodiscard]] perf_reading read() const;

  private:
    unique_fd fd_;
    std::string reason_;
};

}  // namespace kevbench::harness
