// SPDX-License-Identifier: MIT
//
// The subcommands of kevbench-worker that measure one cell from the command line.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "kevbench/harness/cell_run.hpp"
#include "kevbench/harness/session.hpp"

namespace kevbench::worker {

struct cell_arguments {
    std::string workload;
    std::string mechanism;            ///< "epoll+et"
    std::vector<std::string> params;  ///< "name=value"

    /// Throws usage_error for a mechanism or parameter that is not spelt so.
    [[nodiscard]] harness::cell_request request() const;
};

struct run_arguments {
    cell_arguments cell;
    harness::cell_run_plan plan;
    bool json = false;
};
/// Measures and prints. For people and for debugging: no statistics, no comparison.
void run_command(const run_arguments& arguments);

struct count_arguments {
    cell_arguments cell;
    std::uint64_t operations = 1000;
    std::uint64_t warm_up = 100;
};
/// Does the warm-up, tells callgrind to forget it, does the operations, prints nothing: what an
/// instruction counter should see and no more.
void count_command(const count_arguments& arguments);

/// Carries out a plan, one request a line (see batch.hpp), each in a process of its own, and prints
/// one answer a line as soon as it is there. Throws usage_error for a plan that is none.
void batch_command(const std::string& path);

}  // namespace kevbench::worker
