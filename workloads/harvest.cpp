// SPDX-License-Identifier: MIT
//
// harvest: every descriptor is always ready and nothing is consumed; only the batch size varies.
// The cost of handing over one notification, without any I/O.
//
// That needs level-triggered watches. With rearm=yes a watch is armed again by modify() after each
// event, which lets edge and one-shot variants take part; the parameter keeps the two apart.
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <optional>

#include "engine/common_parameters.hpp"
#include "engine/dispatch.hpp"
#include "engine/entry.hpp"
#include "engine/watch_table.hpp"
#include "engine/watchdog.hpp"

namespace kevbench::workload {

template <class A, bool Rearms>
class harvest_state : public watch_table<A> {
  public:
    using watch_table<A>::mechanism;

    harvest_state(const table_plan& plan, const typename A::variant_type& variant)
        : watch_table<A>(plan, variant) {
        message content{plan.payload};
        for (flow& each : this->flows) {
            bool whole = false;
            if constexpr (synthetic_adapter<A>) {
                whole = mechanism.post(each, plan.payload);
            } else {
                whole = ::write(each.far, content.stamp(0), content.size()) ==
                        static_cast<ssize_t>(content.size());
            }
            if (!whole) {
                throw fault("making the descriptors ready failed");
            }
        }
    }

    void operator()(const adapter::event& delivered) noexcept {
        if ((delivered.bits & adapter::bits::readable) == 0) [[unlikely]] {
            ++work.errors;
        }
        if constexpr (synthetic_adapter<A>) {
            mechanism.post(*delivered.target, 0);  // what a level-triggered kernel would do
        } else if constexpr (Rearms) {
            if (mechanism.modify(*delivered.target) != 0) [[unlikely]] {
                ++work.errors;
            }
        }
    }

    tally work;
    watchdog guard;
};

template <class A, bool Rearms>
[[gnu::noinline]] void kevbench_hot_harvest(harvest_state<A, Rearms>& state,
                                            std::uint64_t operations) {
    // Looking at the clock after so many empty waits in a row costs nothing measurable.
    constexpr std::uint32_t empty_before_look = 1U << 16U;
    std::uint32_t empty = 0;
    for (std::uint64_t left = operations; left != 0;) {
        const auto limit = static_cast<std::uint32_t>(std::min<std::uint64_t>(left, state.batch));
        const int delivered = state.mechanism.wait(0, limit, state);
        if (delivered < 0) [[unlikely]] {
            state.guard.examine(delivered, operations - left);
            continue;
        }
        state.work.count_wait(static_cast<std::uint32_t>(delivered));
        left -= static_cast<std::uint32_t>(delivered);
        if (delivered == 0 && ++empty % empty_before_look == 0) [[unlikely]] {
            state.guard.examine_progress(operations - left);
        }
    }
}

namespace {

template <class A, bool Rearms>
class harvest_cell final : public cell {
  public:
    harvest_cell(const table_plan& plan, const typename A::variant_type& variant)
        : plan_(plan), variant_(variant) {}

    void setup() override { state_.emplace(plan_, variant_); }

    void run(std::uint64_t operations, observer* /*timing*/, tally& work) override {
        state_->guard.restart();
        state_->work = tally{};
        kevbench_hot_harvest(*state_, operations);
        state_->work.operations = operations;
        state_->work.messages = state_->work.events;
        work += state_->work;
        require_messages(state_->work.events, operations);
    }

    void teardown() override { state_.reset(); }

  private:
    table_plan plan_;
    typename A::variant_type variant_;
    std::optional<harvest_state<A, Rearms>> state_;
};

workload_info describe() {
    parameter rearm;
    rearm.name = "rearm";
    rearm.initial_choice = "no";
    rearm.choices = {"no", "yes"};
    rearm.help = "arm a watch again after each event; lets edge and one-shot variants take part";
    parameter ring;
    ring.name = "ring";
    ring.max = 4096;
    ring.help = "entries of the ring, where a mechanism has one; 0 = enough for all";
    return {"harvest",
            "descriptors that stay ready, zero timeout, nothing consumed: cost of a notification",
            "event",
            {registered_parameter(200), source_parameter("pipe"), payload_parameter(1),
             batch_parameter(16), buffers_parameter(), ring, rearm}};
}

void require_repeated_reports(const adapter::traits& fixed, bool rearms) {
    if ((fixed.capabilities & adapter::caps::completion) != 0) {
        throw not_available(
            fmt::format("not applicable: {} {} delivers data, and harvest consumes none",
                        fixed.mechanism, fixed.variant));
    }
    const bool synthetic = (fixed.capabilities & adapter::caps::synthetic) != 0;
    if (!rearms && !synthetic && fixed.mode != adapter::trigger::level) {
        throw not_available(fmt::format(
            "not applicable: {} {} reports a descriptor that stays ready only once; use a "
            "level-triggered variant, or rearm=yes as a case of its own",
            fixed.mechanism, fixed.variant));
    }
    if (rearms && (fixed.capabilities & adapter::caps::modify) == 0) {
        throw not_available(fmt::format("not applicable: {} {} cannot arm a watch again",
                                        fixed.mechanism, fixed.variant));
    }
}

std::unique_ptr<cell> make(std::string_view mechanism, std::string_view variant,
                           const parameters& values) {
    table_plan plan = make_table_plan(values, 1);
    plan.ring = static_cast<std::uint32_t>(values.number("ring"));
    const bool rearms = values.choice("rearm") == "yes";
    return dispatch(
        mechanism, variant,
        [&]<class A, class>(const typename A::variant_type& chosen) -> std::unique_ptr<cell> {
            require_repeated_reports(chosen.fixed, rearms);
            require_descriptor_range(chosen.fixed, plan.registered);
            if (rearms) {
                return std::make_unique<harvest_cell<A, true>>(plan, chosen);
            }
            return std::make_unique<harvest_cell<A, false>>(plan, chosen);
        });
}

}  // namespace

const entry entries::harvest{describe, make};

}  // namespace kevbench::workload
