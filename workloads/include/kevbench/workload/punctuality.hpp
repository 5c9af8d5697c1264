// SPDX-License-Identifier: MIT
//
// How an open-loop generator kept to its plan.
#pragma once

#include <cstdint>

namespace kevbench::workload {

struct punctuality {
    double achieved_of_intended = 0.0;  ///< rate sent divided by rate planned
    double share_in_time = 0.0;         ///< sends at most `lateness_tolerance` after their plan
    /// The rule of the project: rate at least 99 % of the plan, 99 % of the sends within 1 ms.
    [[nodiscard]] bool kept_pace() const noexcept {
        return achieved_of_intended >= 0.99 && share_in_time >= 0.99;
    }
};
inline constexpr std::int64_t lateness_tolerance = 1'000'000;  // ns

}  // namespace kevbench::workload
