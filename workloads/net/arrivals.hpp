// SPDX-License-Identifier: MIT
//
// When an open-loop client sends: a plan drawn before the run, so that a slow server cannot slow
// the load that is offered to it and latency can be counted from the intended time.
#pragma once

#include <cstdint>
#include <span>

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

/// How a generator kept to its plan.
struct punctuality {
    double achieved_of_intended = 0.0;  ///< rate sent divided by rate planned
    double share_in_time = 0.0;         ///< sends at most `lateness_tolerance` after their plan
    /// The rule of the project: rate at least 99 % of the plan, 99 % of the sends within 1 ms.
    [[nodiscard]] bool kept_pace() const noexcept {
        return achieved_of_intended >= 0.99 && share_in_time >= 0.99;
    }
};
inline constexpr std::int64_t lateness_tolerance = 1'000'000;  // ns

/// `plan` as drawn; `lateness[i]` = nanoseconds from plan[i] to the actual send. Both the same
/// length, at least 1.
[[nodiscard]] punctuality judge_punctuality(std::span<const std::int64_t> plan,
                                            std::span<const std::int64_t> lateness) noexcept;

}  // namespace kevbench::workload::net
