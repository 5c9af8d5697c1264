// SPDX-License-Identifier: MIT
//
// user_event: the program makes events itself, to wake its own loop. kevent has a type for it,
// io_uring messages from ring to ring; elsewhere an eventfd or a pipe to oneself is watched.
//
// One operation is one post, accounted for when the waiting thread has been told of it. Posts on
// one event that is not yet reported may merge; how many did is tally::deliveries against messages.
#include <memory>
#include <utility>

#include "engine/common_parameters.hpp"
#include "engine/dispatch.hpp"
#include "engine/entry.hpp"
#include "engine/producers.hpp"
#include "engine/user_sources.hpp"

namespace kevbench::workload {
namespace {

workload_info describe() {
    parameter object = source_parameter("eventfd");
    object.choices = {"eventfd", "pipe"};
    object.help = "what stands in between where the way is a descriptor";
    parameter threads = threads_parameter(0);
    threads.help =
        "threads that post, each to an event of its own; 0 = the waiting thread posts itself";
    return {"user_event",
            "events that the program makes: cost of a post and its delivery",
            "post",
            {sources_parameter(1, 4'096, "user events; at least as many as threads"),
             burst_parameter(1), batch_parameter(64), object, threads, via_parameter()},
            true};
}

std::unique_ptr<cell> make(std::string_view mechanism, std::string_view variant,
                           const parameters& values) {
    user_plan plan;
    const auto threads = static_cast<std::uint32_t>(values.number("threads"));
    plan.registered =
        std::max(static_cast<std::uint32_t>(values.number("registered")), std::max(threads, 1U));
    plan.active = static_cast<std::uint32_t>(values.number("active"));
    plan.batch = static_cast<std::uint32_t>(values.number("batch"));
    plan.object = parse_source(values.choice("source"));
    plan.outstanding = plan.active * threads;
    plan.turns = seeded_permutation(plan.registered);
    return dispatch(
        mechanism, variant,
        [&]<class A, class Policy>(
            const typename A::variant_type& chosen) -> std::unique_ptr<cell> {
            return choose_way<A, adapter::user_source<A>>(
                values.choice("via"), [&]<way Way>() -> std::unique_ptr<cell> {
                    const std::string_view via = name_way(Way, values.choice("source"));
                    if (Way == way::descriptor) {
                        require_descriptor_range(chosen.fixed, 2ULL * plan.registered);
                    }
                    using state = user_state<A, Policy, Way>;
                    if (threads == 0) {
                        return std::make_unique<source_cell<state, user_plan>>(std::move(plan),
                                                                               chosen, via);
                    }
                    if constexpr (Way == way::posted) {
                        throw not_available(
                            "not applicable: no other thread can post to the null mechanism");
                    } else {
                        return std::make_unique<producers_cell<A, Policy, Way>>(
                            std::move(plan), producer_plan{threads, {}}, chosen, via);
                    }
                });
        });
}

}  // namespace

const entry entries::user_event{describe, make};

}  // namespace kevbench::workload
