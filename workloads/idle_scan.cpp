// SPDX-License-Identifier: MIT
//
// idle_scan: one descriptor of many becomes ready at a time. Isolates how the cost of an event
// depends on the number of registered descriptors.
#include <memory>

#include "engine/common_parameters.hpp"
#include "engine/dispatch.hpp"
#include "engine/entry.hpp"
#include "engine/rounds.hpp"

namespace kevbench::workload {
namespace {

parameter position_parameter() {
    parameter made;
    made.name = "position";
    made.initial_choice = "random";
    made.choices = {"first", "last", "random"};
    made.help = "which descriptor becomes ready; poll and select stop scanning early at the first";
    return made;
}

workload_info describe() {
    return {"idle_scan",
            "one ready descriptor among many idle ones: dependence on the number registered",
            "event",
            {registered_parameter(1000), source_parameter("unix"), payload_parameter(1),
             batch_parameter(64), buffers_parameter(), position_parameter(), checks_parameter()}};
}

std::unique_ptr<cell> make(std::string_view mechanism, std::string_view variant,
                           const parameters& values) {
    round_plan plan;
    plan.table = make_table_plan(values, 1);
    plan.active = 1;
    const std::string& position = values.choice("position");
    if (position == "random") {
        plan.turns = seeded_permutation(plan.table.registered);
    } else {
        plan.turns = {position == "first" ? 0 : plan.table.registered - 1};
    }
    return make_round_cell(mechanism, variant, std::move(plan), values.choice("checks") == "on");
}

}  // namespace

const entry entries::idle_scan{describe, make};

}  // namespace kevbench::workload
