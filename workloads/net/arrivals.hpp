// SPDX-License-Identifier: MIT
//
// When an open-loop client sends: a plan drawn before the run, so that a slow server cannot slow
// the load that is offered to it and latency can be counted from the intended time.
#pragma once

#include <cstdint>
#include <span>

#include "kevbench/workload/punctuality.hpp"

namespace kevbench::workload::net {

enum class arrival_process : std::uint8_t {
    poisson,  ///< independent requests: exponential gaps
    fixed,    ///< equal gaps
};

/// Fills `plan` with intended send times in nanoseconds from the start of the run, ascending, first
/// at one gap. `rate` is in requests per second, above 0. The same seed gives the same plan on
/// every machine; `fixed` ignores it. No allocation.
void draw_arrivals(arrival_process process, double rate, std::uint64_t seed,
                   std::span<std::int64_t> plan) noexcept;

/// `plan` as drawn; `lateness[i]` = nanoseconds from plan[i] to the actual send. Both the same
/// length, at least 1.
[[nodiscard]] punctuality judge_punctuality(std::span<const std::int64_t> plan,
                                            std::span<const std::int64_t> lateness) noexcept;

}  // namespace kevbench::workload::net
