// SPDX-License-Identifier: MIT
#include <algorithm>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <utility>

#include "batch.hpp"
#include "kevbench/harness/session.hpp"
#include "kevbench/harness/syscall_counters.hpp"

namespace kevbench::worker {
namespace {

using nlohmann::json;

harness::cell_request cell_of(const json& request) {
    harness::cell_request cell{
        request.at("workload").get<std::string>(),
        {request.at("mechanism").get<std::string>(), request.at("variant").get<std::string>()},
        {}};
    for (const auto& [name, value] : request.at("params").items())
        cell.params.emplace(name, value.get<std::string>());
    return cell;
}

/// As many whole granules as last `least_ns`. The first run meets cold memory and does not count; a
/// short one is mostly what every run costs, so the number is corrected once.
std::uint64_t choose_operations(harness::session& opened, std::uint64_t granule,
                                std::int64_t least_ns) {
    (void)opened.measure(granule);
    std::uint64_t granules = 1;
    for (int look = 0; look < 2; ++look) {
        const auto took = std::max<std::int64_t>(1, opened.measure(granules * granule).wall_ns);
        if (took >= least_ns) break;
        granules = std::max(granules, granules * static_cast<std::uint64_t>(least_ns / took));
    }
    return granules * granule;
}

}  // namespace

json batch_cell(const json& request) {
    const auto granule = request.at("granule").get<std::uint64_t>();
    harness::session opened{cell_of(request)};
    auto answer = opened.describe();
    answer["check"] = opened.slice(granule, false);
    const auto operations =
        choose_operations(opened, granule, request.at("least_ns").get<std::int64_t>());
    answer["ops"] = operations;
    auto wall = json::array();
    auto cpu = json::array();
    auto load = json::array();
    auto slices = json::array();
    const bool whole = request.value("slices", false);
    const auto batches = request.at("batches").get<std::uint32_t>();
    for (std::uint32_t at = 0; at < batches; ++at) {
        const auto done = opened.measure(operations);
        wall.push_back(done.wall_ns);
        cpu.push_back(done.used.cpu_ns);
        if (done.load_cpu_ns) load.push_back(*done.load_cpu_ns);
        if (whole || at + 1 == batches) slices.push_back(harness::to_json(done));
    }
    answer["wall_ns"] = std::move(wall);
    answer["cpu_ns"] = std::move(cpu);
    answer["load_cpu_ns"] = std::move(load);
    answer["slices"] = std::move(slices);
    if (request.value("counters", false)) {
        auto counted = opened.counts(operations);
        for (const auto* name : {"syscalls", "syscalls_reason"})
            if (counted.contains(name)) answer[name] = std::move(counted[name]);
    }
    answer["teardown_ns"] = opened.close();
    return answer;
}

}  // namespace kevbench::worker
