// SPDX-License-Identifier: MIT
#include <fmt/format.h>

#include <algorithm>
#include <iostream>
#include <nlohmann/json.hpp>

#include "commands.hpp"
#include "kevbench/harness/histogram.hpp"
#include "kevbench/workload/error.hpp"

namespace kevbench::worker {
namespace {

using nlohmann::json;

constexpr std::int64_t slice_target_ns = 12'000'000;

/// Doubles until a slice lasts half the target, then scales. Takes the shorter of two slices, since
/// one that waited for a sleeping kernel thread would promise far too few operations.
std::uint64_t calibrate(harness::session& session) {
    for (std::uint64_t operations = 1;; operations *= 2) {
        const auto measure = [&] {
            return session.slice(operations, false)["wall_ns"].get<std::int64_t>();
        };
        const auto wall = std::min(measure(), measure());
        if (wall < slice_target_ns / 2) continue;
        const auto scaled = static_cast<double>(operations) * static_cast<double>(slice_target_ns) /
                            static_cast<double>(wall);
        return std::max<std::uint64_t>(1, static_cast<std::uint64_t>(scaled));
    }
}

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
    harness::session session{arguments.cell.request()};
    auto document = session.describe();
    const auto operations = arguments.operations != 0 ? arguments.operations : calibrate(session);
    document["slices"] = json::array();
    for (std::uint32_t i = 0; i < arguments.slices; ++i)
        document["slices"].push_back(session.slice(operations, arguments.timed));
    if (arguments.counts) document["counts"] = session.counts(operations);
    document["teardown_ns"] = session.close();
    if (arguments.json) {
        std::cout << document.dump(1) << "\n";
        return;
    }
    fmt::print("{}\n", session.case_key());
    print_slices(std::string{session.info().operation}, document["slices"]);
    print_pace(document["slices"]);
    if (arguments.timed && arguments.slices != 0) print_latencies(document["slices"]);
    if (arguments.counts) print_counts(document["counts"]);
}

}  // namespace kevbench::worker
