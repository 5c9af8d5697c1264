// SPDX-License-Identifier: MIT
#pragma once

#include <map>
#include <string>
#include <vector>

#include "kevbench/harness/perf_counter.hpp"

namespace kevbench::harness {

/// Cycles, instructions and the kernel's software events over all threads of the process, for
/// provenance and for machines that have hardware counters; virtual machines often lack these,
/// which the readings then say. Same threads as syscall_counters; used by the thread that made it.
class event_counters {
  public:
    event_counters();

    void start() noexcept;
    void stop() noexcept;
    /// By event name as perf(1) spells it. A value is the sum over threads, or empty with the
    /// reason when no thread could be counted.
    [[nodiscard]] std::map<std::string, perf_reading> readings() const;

  private:
    struct named_counters {
        std::string name;
        std::vector<perf_counter> by_thread;
    };
    std::vector<named_counters> events_;
};

}  // namespace kevbench::harness
