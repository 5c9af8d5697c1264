// SPDX-License-Identifier: MIT
//
// chain: tokens walk a ring of descriptors; whoever receives one writes it to the next. The form of
// libevent's benchmark, with registration outside of the timed region.
//
// Tokens are equal, and where one stops depends on how a mechanism interleaves flows, so the
// checksum covers content and not the order within a flow. Tokens that meet on one descriptor stay
// separate messages; an eventfd adds them up, and each unit of its value is one token.
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <optional>

#include "engine/common_parameters.hpp"
#include "engine/dispatch.hpp"
#include "engine/entry.hpp"
#include "engine/watch_table.hpp"
#include "engine/watchdog.hpp"

namespace kevbench::workload {

struct chain_plan {
    table_plan table;
    std::uint32_t active = 1;  ///< tokens
};

template <class A, class Policy>
class chain_state : public watch_table<A>, public consumer<chain_state<A, Policy>, Policy> {
  public:
    using watch_table<A>::mechanism;

    chain_state(const chain_plan& plan, const typename A::variant_type& variant)
        : watch_table<A>(plan.table, variant),
          counter(plan.table.payload),
          token(plan.table.payload),
          active(plan.active),
          adds_up(plan.table.source == source_kind::eventfd && !synthetic_adapter<A>) {
        token.stamp(0);
        last = &this->flows.back();
    }

    void on_data(adapter::watch& target, const std::byte* data, std::size_t size) noexcept {
        auto& from = static_cast<flow&>(target);
        std::uint64_t tokens = 0;
        if (adds_up) [[unlikely]] {
            std::memcpy(&tokens, data, sizeof tokens);
            for (std::uint64_t left = tokens; left != 0; --left) {
                counter.take(from, token.data(), token.size());
            }
        } else {
            tokens = counter.take(from, data, size);
        }
        flow& next = &from == last ? this->flows.front() : *(&from + 1);
        for (; tokens != 0 && to_send != 0; --tokens) {
            pass_to(next);
        }
    }
    void on_end(adapter::watch&, int) noexcept { give_up(); }

    void pass_to(flow& next) noexcept {
        --to_send;
        bool whole = false;
        if constexpr (synthetic_adapter<A>) {
            whole = mechanism.post(next, static_cast<std::uint32_t>(token.size()));
        } else {
            whole =
                ::write(next.far, token.data(), token.size()) == static_cast<ssize_t>(token.size());
        }
        if (!whole) [[unlikely]] {
            give_up();
        }
    }
    void give_up() noexcept {
        broken = true;
        goal = 0;
    }

    message_counter<true, order_scope::message> counter;
    std::uint64_t goal = 0;     // messages to wait for
    std::uint64_t to_send = 0;  // hops of this run not begun yet
    message token;
    flow* last = nullptr;
    std::uint32_t active;
    bool adds_up;  // the source merges writes into one number
    bool broken = false;
    tally work;
    watchdog guard;
};

template <class A, class Policy>
[[gnu::noinline]] void kevbench_hot_chain(chain_state<A, Policy>& state, std::uint64_t operations) {
    state.goal = operations;
    state.to_send = operations;
    const std::uint64_t tokens = std::min<std::uint64_t>(state.active, operations);
    for (std::uint64_t token = 0; token < tokens; ++token) {
        state.pass_to(state.flows[token * state.flows.size() / state.active]);
    }
    while (state.counter.messages() < state.goal) {
        const int delivered = state.mechanism.wait(adapter::wait_forever, state.batch, state);
        if (delivered > 0) [[likely]] {
            state.work.count_wait(static_cast<std::uint32_t>(delivered));
        } else {
            state.guard.examine(delivered, state.counter.messages());
        }
    }
}

namespace {

template <class A, class Policy>
class chain_cell final : public cell {
  public:
    chain_cell(const chain_plan& plan, const typename A::variant_type& variant)
        : plan_(plan), variant_(variant) {}

    void setup() override { state_.emplace(plan_, variant_); }

    void run(std::uint64_t operations, observer* /*timing*/, tally& work) override {
        state_->counter.begin_run();
        state_->guard.restart();
        state_->work = tally{};
        kevbench_hot_chain(*state_, operations);
        state_->work.operations = operations;
        state_->report(state_->work);
        state_->counter.report(state_->work);
        work += state_->work;
        if (state_->broken) {
            throw fault("a token was not received or not passed on, so the run is void");
        }
        require_messages(state_->counter.messages(), operations);
    }

    void teardown() override { state_.reset(); }

  private:
    chain_plan plan_;
    typename A::variant_type variant_;
    std::optional<chain_state<A, Policy>> state_;
};

workload_info describe() {
    parameter active = registered_parameter(1);
    active.name = "active";
    active.help = "tokens on their way at a time, at most as many as registered";
    return {"chain",
            "tokens passed around a ring of descriptors, as in libevent's benchmark",
            "event",
            {registered_parameter(1000), active, source_parameter("pipe"), payload_parameter(1),
             batch_parameter(64), buffers_parameter()}};
}

std::unique_ptr<cell> make(std::string_view mechanism, std::string_view variant,
                           const parameters& values) {
    chain_plan plan;
    plan.active = active_flows(values);
    plan.table = make_table_plan(values, plan.active);
    return dispatch(mechanism, variant,
                    [&]<class A, class Policy>(
                        const typename A::variant_type& chosen) -> std::unique_ptr<cell> {
                        require_descriptor_range(chosen.fixed, plan.table.registered);
                        return std::make_unique<chain_cell<A, Policy>>(plan, chosen);
                    });
}

}  // namespace

const entry entries::chain{describe, make};

}  // namespace kevbench::workload
