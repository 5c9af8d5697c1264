// SPDX-License-Identifier: MIT
//
// herd: several threads sleep in wait() for one descriptor and one event happens: how many are
// woken for it? Whoever reads first has it; the others were woken for nothing.
//
// The thread that makes events gives way to those it woke, so on one processor all are asleep again
// before the next event; on several, or without a pause, late sleepers may escape being woken.
#include <memory>

#include "engine/common_parameters.hpp"
#include "engine/crew.hpp"
#include "engine/entry.hpp"

namespace kevbench::workload {
namespace {

workload_info describe() {
    parameter where = placement_parameter();
    where.initial_choice = "same-cpu";
    where.help += "; here of the thread that makes events and of all that wait";
    return {"herd",
            "threads sleep waiting for one descriptor: how many does an event wake?",
            "event",
            {crew_threads_parameter(8, 2), crew_queue_parameter("private"),
             source_parameter("eventfd"), where, crew_pause_parameter()}};
}

std::unique_ptr<cell> make(std::string_view mechanism, std::string_view variant,
                           const parameters& values) {
    crew_plan plan = make_crew_plan(values);
    plan.table.batch = 1;
    plan.table.buffers = default_buffer_count(1, 1);
    return make_crew_cell(mechanism, variant, plan);
}

}  // namespace

const entry entries::herd{describe, make};

}  // namespace kevbench::workload
