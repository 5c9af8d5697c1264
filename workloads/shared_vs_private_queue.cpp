// SPDX-License-Identifier: MIT
//
// shared_vs_private_queue: several threads take events of the same descriptors, from one queue or
// from a queue each: what sharing costs, how many wake-ups an event takes and how even the threads'
// shares are. On private queues every thread is told of every event and one of them gets it, unless
// the mechanism tells only one.
#include <memory>

#include "engine/common_parameters.hpp"
#include "engine/crew.hpp"
#include "engine/entry.hpp"

namespace kevbench::workload {
namespace {

workload_info describe() {
    parameter where = placement_parameter();
    where.initial_choice = "free";
    where.help += "; here of the thread that makes events and of all that wait";
    parameter active = burst_parameter(16);
    active.help = "events made, each on another descriptor, before their taking is waited for";
    return {"shared_vs_private_queue",
            "threads take events of the same descriptors from one queue or from one each",
            "event",
            {crew_threads_parameter(4, 1), crew_queue_parameter("shared"),
             sources_parameter(64, 1000, "descriptors that all threads watch"), active,
             source_parameter("eventfd"), batch_parameter(4), where, crew_pause_parameter()}};
}

std::unique_ptr<cell> make(std::string_view mechanism, std::string_view variant,
                           const parameters& values) {
    crew_plan plan = make_crew_plan(values);
    plan.table.registered = static_cast<std::uint32_t>(values.number("registered"));
    plan.active = active_flows(values);
    plan.table.batch = static_cast<std::uint32_t>(values.number("batch"));
    plan.table.buffers = default_buffer_count(plan.active, plan.table.batch);
    return make_crew_cell(mechanism, variant, plan);
}

}  // namespace

const entry entries::shared_vs_private_queue{describe, make};

}  // namespace kevbench::workload
