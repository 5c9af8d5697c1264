// SPDX-License-Identifier: MIT
#include <fmt/format.h>

#include <iostream>
#include <nlohmann/json.hpp>

#include "commands.hpp"
#include "kevbench/harness/cell_run.hpp"
#include "kevbench/harness/histogram.hpp"
#include "kevbench/workload/error.hpp"

namespace kevbench::worker {
namespace {

using nlohmann::json;

double per(const json& slice, const char* field, const char* divisor) {
    const auto by = slice[divisor].get<double>();
    return by == 0.0 ? 0.0 : slice[field].get<double>() / by;
}

void print_slices(const std::string& operation, const json& slices) {
    fmt::print("{:>5} {:>12} {:>14} {:>14} {:>12} {:>10}\n", "slice", "operations",
               "wall ns/" + operation, "cpu ns/" + operation, "events/wait", "switches");
    int number = 0;
    for (const auto& slice : slices) {
        fmt::print("{:>5} {:>12} {:>14.1f} {:>14.1f} {:>12.2f} {:>10}\n", ++number,
                   slice["ops"].get<std::uint64_t>(), per(slice, "wall_ns", "ops"),
                   per(slice, "cpu_ns", "ops"), per(slice, "events", "waits"),
                   slice["vcsw"].get<std::int64_t>() + slice["ivcsw"].get<std::int64_t>());
    }
}

/// Nothing where no slice had a plan to keep to.
void print_pace(const json& slices) {
    std::size_t kept = 0;
    std::size_t planned = 0;
    for (const auto& slice : slices)
        if (const auto& pace = slice["pace"]; !pace.is_null()) {
            ++planned;
            kept += pace["kept"].get<bool>() ? 1U : 0U;
        }
    if (planned != 0) fmt::print("{} of {} slices kept to their plan of sends\n", kept, planned);
}

void print_latencies(const json& slices) {
    harness::histogram all;
    for (const auto& slice : slices) all.merge(harness::histogram::from_json(slice["hist"]));
    fmt::print("latency in ns:");
    for (const auto& [name, q] :
         {std::pair{"p50", 0.5}, {"p90", 0.9}, {"p99", 0.99}, {"p99.9", 0.999}})
        fmt::print(" {} {}", name, all.quantile(q).value_or(0));
    fmt::print(" max {} ({} samples)\n", all.max().value_or(0), all.count());
}

void print_counts(const json& counted) {
    if (counted["syscalls"].is_null()) {
        fmt::print("system calls: {}\n", counted["syscalls_reason"].get<std::string>());
    } else {
        fmt::print("system calls per operation:");
        for (const auto& [name, count] : counted["syscalls"].items())
            fmt::print(" {} {:.3f}", name, count.get<double>() / counted["ops"].get<double>());
        fmt::print("\n");
    }
    for (const auto& [name, reading] : counted["perf"].items())
        fmt::print("  {:<17} {}\n", name,
                   reading["value"].is_null() ? reading["status"].get<std::string>()
                                              : reading["value"].dump());
}

}  // namespace

harness::cell_request cell_arguments::request() const {
    harness::cell_request request{workload, harness::parse_mechanism(mechanism), {}};
    for (const auto& param : params) {
        const auto equals = param.find('=');
        if (equals == std::string::npos || equals == 0)
            throw workload::usage_error(
                fmt::format("parameter '{}' has no value: write it as registered=1000", param));
        request.params.insert_or_assign(param.substr(0, equals), param.substr(equals + 1));
    }
    return request;
}

void run_command(const run_arguments& arguments) {
    const auto document = harness::run_cell(arguments.cell.request(), arguments.plan);
    if (arguments.json) {
        std::cout << document.dump(1) << "\n";
        return;
    }
    fmt::print("{}\n", document["case_key"].get<std::string>());
    print_slices(document["operation"].get<std::string>(), document["slices"]);
    print_pace(document["slices"]);
    if (arguments.plan.timed && arguments.plan.slices != 0) print_latencies(document["slices"]);
    if (arguments.plan.counts) print_counts(document["counts"]);
}

}  // namespace kevbench::worker
