// SPDX-License-Identifier: MIT
//
// The subcommands of kevbench-worker that work from the command line alone.
#pragma once

#include <CLI/App.hpp>
#include <cstdint>
#include <string>
#include <vector>

#include "kevbench/harness/cell_run.hpp"
#include "kevbench/harness/session.hpp"
#include "kevbench/workload/http_load.hpp"

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

struct load_arguments {
    workload::load_options options;
    std::string arrivals = "poisson";
    std::string hdr;  ///< empty = not wanted
};
/// `arguments` outlives the parse.
CLI::App* add_load_command(CLI::App& app, load_arguments& arguments);
/// Offers the load and prints a kvb.httpload document. Latency counts from the planned time.
void load_command(load_arguments arguments);

/// As add_load_command(), for workload::hold_idle().
CLI::App* add_idle_command(CLI::App& app, workload::idle_options& options);

/// Carries out a plan, one request a line (see batch.hpp), each in a process of its own, and prints
/// one answer a line as soon as it is there. Throws usage_error for a plan that is none.
void batch_command(const std::string& path);

}  // namespace kevbench::worker
