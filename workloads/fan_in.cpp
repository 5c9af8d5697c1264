// SPDX-License-Identifier: MIT
//
// fan_in: several threads post, each to an event of its own, and one thread waits for all: how a
// mechanism bears being woken from many sides. Posts that merge before they are reported count as
// operations all the same; tally::deliveries against messages tells how many did, since only what
// is reported apart is a notification.
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
    parameter threads = threads_parameter(4);
    threads.min = 1;
    parameter window = burst_parameter(1);
    window.help = "posts of one thread that may be under way; with 1 nothing merges";
    parameter pause;
    pause.name = "interval";
    pause.max = 1'000'000;
    pause.help = "pause of a thread before each post, in microseconds";
    return {"fan_in",
            "many threads post, one waits: cost of a notification under contention",
            "post",
            {threads, window, batch_parameter(64), pause, via_parameter()}};
}

std::unique_ptr<cell> make(std::string_view mechanism, std::string_view variant,
                           const parameters& values) {
    user_plan plan;
    producer_plan producers;
    producers.threads = static_cast<std::uint32_t>(values.number("threads"));
    constexpr std::int64_t million = 1'000'000;
    const std::int64_t interval = values.number("interval");
    producers.pause = {interval / million, interval % million * 1000};
    plan.registered = producers.threads;
    plan.active = static_cast<std::uint32_t>(values.number("active"));
    plan.batch = static_cast<std::uint32_t>(values.number("batch"));
    plan.outstanding = plan.active * producers.threads;
    plan.turns = seeded_permutation(plan.registered);
    return dispatch(
        mechanism, variant,
        [&]<class A, class Policy>(
            const typename A::variant_type& chosen) -> std::unique_ptr<cell> {
            return choose_way<A, adapter::user_source<A>>(
                values.choice("via"), [&]<way Way>() -> std::unique_ptr<cell> {
                    if constexpr (Way == way::posted) {
                        throw not_available(
                            "not applicable: no other thread can post to the null mechanism");
                    } else {
                        return std::make_unique<producers_cell<A, Policy, Way>>(
                            std::move(plan), producers, chosen, name_way(Way, "eventfd"));
                    }
                });
        });
}

}  // namespace

const entry entries::fan_in{describe, make};

}  // namespace kevbench::workload
