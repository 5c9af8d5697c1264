// SPDX-License-Identifier: MIT
//
// active_ratio: some of the registered descriptors become ready together. Shows how the cost of an
// event falls as a wait returns more of them, and where poll meets epoll.
#include <fmt/format.h>

#include <memory>

#include "engine/common_parameters.hpp"
#include "engine/dispatch.hpp"
#include "engine/entry.hpp"
#include "engine/rounds.hpp"

namespace kevbench::workload {
namespace {

workload_info describe() {
    parameter active = registered_parameter(100);
    active.name = "active";
    active.help = "descriptors that become ready together, at most as many as registered";
    return {"active_ratio",
            "several ready descriptors among many: cost of an event against the share of active",
            "event",
            {registered_parameter(1000), active, source_parameter("unix"), payload_parameter(1),
             batch_parameter(64), buffers_parameter(), checks_parameter()}};
}

std::unique_ptr<cell> make(std::string_view mechanism, std::string_view variant,
                           const parameters& values) {
    round_plan plan;
    plan.active = active_flows(values);
    plan.table = make_table_plan(values, plan.active);
    plan.turns = seeded_permutation(plan.table.registered);
    return make_round_cell(mechanism, variant, std::move(plan), values.choice("checks") == "on");
}

}  // namespace

const entry entries::active_ratio{describe, make};

}  // namespace kevbench::workload
