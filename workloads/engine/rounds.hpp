// SPDX-License-Identifier: MIT
//
// The loop of idle_scan and active_ratio: make `active` of `registered` descriptors readable, wait
// until every message has been consumed, repeat.
//
// State is laid out for the loop: what an event touches is in one place, and nothing is decided
// there that was known before.
#pragma once

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/buffers.hpp"
#include "engine/consumer.hpp"
#include "engine/flow.hpp"
#include "engine/source.hpp"
#include "engine/watch_table.hpp"
#include "engine/watchdog.hpp"
#include "kevbench/workload/cell.hpp"
#include "kevbench/workload/error.hpp"

namespace kevbench::workload {

struct round_plan {
    table_plan table;
    std::uint32_t active = 1;
    /// Flow numbers in the order they are made readable; the cycle goes on from round to round and
    /// from run to run, so that all of a large set is used and no run repeats a hot part of it.
    std::vector<std::uint32_t> turns;
};

/// Makes the cell for a named variant. Unchecked cells touch no received byte (the harness floor).
[[nodiscard]] std::unique_ptr<cell> make_round_cell(std::string_view mechanism,
                                                    std::string_view variant, round_plan plan,
                                                    bool checked);

/// Sockets are sent to, as servers do: a watch for closes that the kernel keeps beside files costs
/// write() more than send(). Chosen before the loop, by address: a branch there would be counted.
inline ssize_t send_whole(int fd, const void* bytes, std::size_t size) noexcept {
    return ::send(fd, bytes, size, MSG_NOSIGNAL);
}

/// Everything the hot loop uses.
template <class A, class Policy, bool Checked>
class round_state : public watch_table<A>,
                    public consumer<round_state<A, Policy, Checked>, Policy> {
  public:
    using watch_table<A>::mechanism;

    round_state(const round_plan& plan, const typename A::variant_type& variant)
        : watch_table<A>(plan.table, variant),
          counter(plan.table.payload),
          stimulus(plan.table.payload),
          emit(is_socket(plan.table.source) ? send_whole : ::write),
          active(plan.active) {
        turns.reserve(plan.turns.size());
        for (const std::uint32_t at : plan.turns) {
            turns.push_back(&this->flows[at]);
        }
        turn = turns.data();
        last_turn = turn + turns.size() - 1;
    }

    void on_data(adapter::watch& target, const std::byte* data, std::size_t size) noexcept {
        counter.take(static_cast<flow&>(target), data, size);
    }
    void on_end(adapter::watch&, int) noexcept { give_up(); }

    /// False when the message could not be written whole.
    bool signal(flow& chosen, std::uint64_t number) noexcept {
        if constexpr (synthetic_adapter<A>) {
            return mechanism.post(chosen, static_cast<std::uint32_t>(stimulus.size()));
        } else {
            if constexpr (requires { mechanism.note(chosen); }) {
                mechanism.note(chosen);
            }
            const std::byte* bytes = stimulus.stamp(number);
            return emit(chosen.far, bytes, stimulus.size()) ==
                   static_cast<ssize_t>(stimulus.size());
        }
    }

    void give_up() noexcept {
        broken = true;
        goal = 0;
    }

    message_counter<Checked> counter;
    std::uint64_t goal = 0;  // messages to wait for
    message stimulus;
    ssize_t (*emit)(int fd, const void* bytes, std::size_t size);
    std::vector<flow*> turns;
    flow** turn = nullptr;       // next to be made readable
    flow** last_turn = nullptr;  // after which the cycle starts again
    std::uint32_t active;
    bool broken = false;
    tally work;  // of this run; here because a further pointer in the loop costs a register
    watchdog guard;
};

/// The measured loop; callgrind collects inside functions of this name pattern only.
template <class A, class Policy, bool Checked>
[[gnu::noinline]] void kevbench_hot_rounds(round_state<A, Policy, Checked>& state,
                                           std::uint64_t operations) {
    state.goal = 0;
    while (state.goal < operations && !state.broken) {
        std::uint64_t sent = state.goal;
        const std::uint64_t goal = std::min<std::uint64_t>(sent + state.active, operations);
        state.goal = goal;
        for (; sent < goal; ++sent) {
            flow& chosen = **state.turn;
            state.turn = state.turn == state.last_turn ? state.turns.data() : state.turn + 1;
            if (!state.signal(chosen, sent)) [[unlikely]] {
                state.give_up();
            }
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
}

template <class A, class Policy, bool Checked>
class round_cell final : public cell {
  public:
    round_cell(round_plan plan, const typename A::variant_type& variant)
        : plan_(std::move(plan)), variant_(variant) {}

    void setup() override { state_.emplace(plan_, variant_); }

    void run(std::uint64_t operations, observer* /*timing*/, tally& work) override {
        state_->counter.begin_run();
        state_->guard.restart();
        state_->work = tally{};
        kevbench_hot_rounds(*state_, operations);
        state_->work.operations = operations;
        state_->report(state_->work);
        state_->counter.report(state_->work);
        work += state_->work;
        if (state_->broken) {
            throw fault("a stimulus or a receive failed, so the run is void");
        }
        require_messages(state_->counter.messages(), operations);
    }

    void teardown() override { state_.reset(); }

  private:
    round_plan plan_;
    typename A::variant_type variant_;
    std::optional<round_state<A, Policy, Checked>> state_;
};

}  // namespace kevbench::workload
