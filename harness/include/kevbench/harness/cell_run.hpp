// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <functional>
#include <nlohmann/json_fwd.hpp>

#include "kevbench/harness/session.hpp"

namespace kevbench::harness {

struct cell_run_plan {
    std::uint64_t operations = 0;  ///< of each slice; 0 = as many as take about 12 ms
    std::uint32_t slices = 5;
    bool timed = false;   ///< record latencies
    bool counts = false;  ///< count system calls and kernel events too, in a run of their own
    /// Called after each slice, when set; may throw to end the run early.
    std::function<void()> after_slice;
};

/// One cell from set-up to teardown, for whoever wants figures without a controller: no statistics,
/// no comparison. The fields of session::describe() with "slices" (array), "counts" where asked
/// for, and "teardown_ns". Throws as session does.
[[nodiscard]] nlohmann::json run_cell(const cell_request& request, const cell_run_plan& plan);

}  // namespace kevbench::harness
