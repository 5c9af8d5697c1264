// SPDX-License-Identifier: MIT
#include "kevbench/harness/cell_run.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace kevbench::harness {
namespace {

constexpr std::int64_t slice_target_ns = 12'000'000;

/// Doubles until a slice lasts half the target, then scales. Takes the shorter of two slices, since
/// one that waited for a sleeping kernel thread would promise far too few operations.
std::uint64_t calibrate(session& opened) {
    for (std::uint64_t operations = 1;; operations *= 2) {
        const auto wall =
            std::min(opened.measure(operations).wall_ns, opened.measure(operations).wall_ns);
        if (wall < slice_target_ns / 2) continue;
        const auto scaled = static_cast<double>(operations) * static_cast<double>(slice_target_ns) /
                            static_cast<double>(wall);
        return std::max<std::uint64_t>(1, static_cast<std::uint64_t>(scaled));
    }
}

}  // namespace

nlohmann::json run_cell(const cell_request& request, const cell_run_plan& plan) {
    session opened{request};
    auto document = opened.describe();
    const auto operations = plan.operations != 0 ? plan.operations : calibrate(opened);
    document["slices"] = nlohmann::json::array();
    for (std::uint32_t i = 0; i < plan.slices; ++i) {
        document["slices"].push_back(opened.slice(operations, plan.timed));
        if (plan.after_slice) plan.after_slice();
    }
    if (plan.counts) document["counts"] = opened.counts(operations);
    document["teardown_ns"] = opened.close();
    return document;
}

}  // namespace kevbench::harness
