// SPDX-License-Identifier: MIT
//
// System calls by name, counted by the kernel itself (tracepoint raw_syscalls:sys_enter), so that
// calls hidden in libraries count too and no adapter can miscount itself.
//
// Cost
//   About 25 filtered counters see every call, some microseconds each call: a counted run is a run
//   of its own and its times mean nothing.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "kevbench/harness/perf_counter.hpp"

namespace kevbench::harness {

/// Calls entered between start() and stop() by the threads that existed when the object was made
/// and all threads they create later. Threads of the kernel (SQPOLL) make no system calls.
/// Used by one thread: the one that makes the object.
class syscall_counters {
  public:
    /// Opens the counters; without them, reason() says why and counts() is empty. The thread
    /// `left_out` (0 = none; not the calling one) is not counted.
    explicit syscall_counters(pid_t left_out = 0);

    [[nodiscard]] bool present() const noexcept { return reason_.empty(); }
    [[nodiscard]] const std::string& reason() const noexcept { return reason_; }

    void start() noexcept;
    void stop() noexcept;
    /// After stop(): every call of event mechanisms that occurred, by name, "other" for the rest
    /// and "total". Exact: the one call that stop() itself makes while counting is taken off.
    [[nodiscard]] std::map<std::string, std::uint64_t> counts() const;

  private:
    /// The leader counts all calls, each member one call; started and stopped as one.
    struct thread_group {
        pid_t tid;
        std::vector<perf_counter> counters;
    };
    void open_thread(pid_t tid, std::uint64_t tracepoint_id);

    /// The calling thread's is last: started last and stopped first, so that the calls which start
    /// and stop the others are not counted.
    std::vector<thread_group> groups_;
    std::string reason_;
};

}  // namespace kevbench::harness
