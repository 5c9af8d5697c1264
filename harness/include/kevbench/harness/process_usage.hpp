// SPDX-License-Identifier: MIT
//
// What the process consumed: CPU time, context switches, page faults, and the time its virtual CPUs
// were not given. Read at the two ends of a slice, never inside.
//
// What is counted
//   Every thread of the process, living or ended. An io_uring SQPOLL thread is one of them: the
//   kernel creates it inside the thread group of the ring's owner (since Linux 5.12), so its CPU
//   time is charged to the mechanism that needs it. A test of this file proves it on the running
//   kernel. Work that other processes or interrupts do on our behalf is not counted; interrupt time
//   that hits us is.
//
// Precision
//   cpu_ns is the scheduler's run time, exact to the clock. Its division into user and system comes
//   from getrusage(): on kernels with tick-based accounting (CONFIG_TICK_CPU_ACCOUNTING, the usual
//   case) the kernel scales that exact sum by sampled ticks (1 to 10 ms), so over a slice of 12 ms
//   the two parts are rough while their sum is good to 2 us.
#pragma once

#include <cstdint>
#include <optional>

#include "kevbench/harness/unique_fd.hpp"

namespace kevbench::harness {

/// A difference of two moments, or a moment itself.
struct process_usage {
    std::int64_t cpu_ns = 0;
    std::int64_t cpu_user_ns = 0;
    std::int64_t cpu_system_ns = 0;
    std::int64_t voluntary_switches = 0;
    std::int64_t involuntary_switches = 0;
    std::int64_t minor_faults = 0;
    /// Of the whole machine, in clock ticks (1/100 s); none where /proc/stat cannot be read.
    std::optional<std::int64_t> steal_ticks;

    [[nodiscard]] process_usage operator-(const process_usage& earlier) const noexcept;
};

/// Holds /proc/stat open, since opening it costs more than reading it. Reading everything takes
/// four system calls and some tens of microseconds. Used by one thread at a time.
class usage_meter {
  public:
    usage_meter();
    /// The two differ in order only: CPU time is read last before a run and first after it, so the
    /// cost of reading the rest stays outside.
    [[nodiscard]] process_usage before() const noexcept;
    [[nodiscard]] process_usage after() const noexcept;

  private:
    [[nodiscard]] std::optional<std::int64_t> read_steal() const noexcept;

    unique_fd proc_stat_;
};

}  // namespace kevbench::harness
