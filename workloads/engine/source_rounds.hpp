// SPDX-License-Identifier: MIT
//
// The loop of the source workloads: make `active` sources of `registered` have something to report,
// wait until all of it has been accounted for, repeat. As rounds.hpp, for sources that are not
// connected descriptors: what is sent is an occurrence, not bytes.
//
// A state derives from source_table<A> and consumer<State, Policy>, and provides
//     bool stimulate(std::uint64_t number)   makes occurrence `number` of the run; false = failed
//     on_occurred, on_data                   which call account()
// and, where it wants them,
//     bool begin_waiting()                   after the stimuli of a round; false = failed
//     bool interrupted()                     after a wait without events; true = that was
//                                            accounted for otherwise
#pragma once

#include <algorithm>
#include <csignal>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/buffers.hpp"
#include "engine/consumer.hpp"
#include "engine/source.hpp"
#include "engine/watch_table.hpp"
#include "engine/watchdog.hpp"
#include "kevbench/adapter/contract.hpp"
#include "kevbench/workload/cell.hpp"
#include "kevbench/workload/error.hpp"

namespace kevbench::workload {

/// One registered source.
struct source_watch : adapter::watch {
    std::uint64_t weight = 0;   ///< what one occurrence adds to the order checksum
    std::int64_t since = 0;     ///< of the latest occurrence, in timed runs
    std::uint32_t pending = 0;  ///< occurrences not accounted for
    descriptor held;            ///< behind fd, where there is one
};

/// Different for each number, so that occurrences on one source cannot stand for those of another.
[[nodiscard]] constexpr std::uint64_t source_weight(std::uint32_t number) noexcept {
    std::uint64_t mixed = (std::uint64_t{number} + 1) * 0x9E37'79B9'7F4A'7C15U;
    mixed = (mixed ^ (mixed >> 30U)) * 0xBF58'476D'1CE4'E5B9U;
    return mixed ^ (mixed >> 27U);
}

struct source_plan {
    std::uint32_t registered = 1;
    std::uint32_t active = 1;
    std::uint32_t batch = 64;
    std::uint32_t outstanding = 0;     ///< occurrences on their way, at most, if above `active`
    std::vector<std::uint32_t> turns;  ///< source numbers in the order they are used
};

/// What all such states have. Not thread-safe; destroy on the thread that made it.
template <class A>
class source_table {
  public:
    source_table(const source_table&) = delete;
    source_table& operator=(const source_table&) = delete;

    void begin_run(observer* with) noexcept {
        accounted = goal = order = 0;
        turn = turns.data();
        work = tally{};
        timing = with;
        guard.restart();
    }

    void on_end(adapter::watch& /*target*/, int /*result*/) noexcept { give_up(); }

    void give_up() noexcept {
        broken = true;
        goal = 0;
    }

    /// `count` occurrences of `from` arrived in one report.
    void account(source_watch& from, std::uint64_t count) noexcept {
        accounted += count;
        order += count * from.weight;
        ++work.deliveries;
        if (timing != nullptr) [[unlikely]] {
            timing->latency(timing->now() - from.since);
        }
    }

    /// The source that is next in turn.
    source_watch& next_turn() noexcept {
        source_watch& chosen = **turn;
        turn = turn == last_turn ? turns.data() : turn + 1;
        return chosen;
    }

    void stamp(source_watch& chosen) noexcept {
        if (timing != nullptr) [[unlikely]] {
            chosen.since = timing->now();
        }
    }

    /// Completes `work` with what was counted here.
    void conclude(std::uint64_t operations) noexcept {
        work.operations = operations;
        work.messages = accounted;
        work.order = order;
    }

    buffer_pool buffers;
    std::vector<source_watch> watches;  // never resized: adapters hold addresses
    A mechanism;
    std::uint32_t batch;
    std::uint32_t active;
    std::vector<source_watch*> turns;
    source_watch** turn = nullptr;
    source_watch** last_turn = nullptr;
    std::uint64_t accounted = 0;
    std::uint64_t goal = 0;
    std::uint64_t order = 0;
    observer* timing = nullptr;
    bool broken = false;
    tally work;
    watchdog guard;

  protected:
    /// Watches that stand for many sources, as an inotify descriptor does.
    static constexpr std::uint32_t hubs = 2;

    source_table(const source_plan& plan, const typename A::variant_type& variant,
                 const sigset_t* wait_mask = nullptr)
        : buffers(default_buffer_count(plan.active, plan.batch), default_buffer_size(1)),
          watches(plan.registered),
          mechanism(variant),
          batch(plan.batch),
          active(plan.active) {
        adapter::config settings;
        settings.max_watches = std::max({plan.registered, plan.active, plan.outstanding}) + hubs;
        settings.max_batch = plan.batch;
        settings.buffers = buffers.set();
        settings.wait_mask = wait_mask;
        open_adapter(mechanism, settings);
        for (std::uint32_t at = 0; at < plan.registered; ++at) {
            watches[at].weight = source_weight(at);
        }
        turns.reserve(plan.turns.size());
        for (const std::uint32_t at : plan.turns) {
            turns.push_back(&watches[at]);
        }
        turn = turns.data();
        last_turn = turn + turns.size() - 1;
    }
    ~source_table() { mechanism.close(); }

    /// Watches a descriptor, which it takes over, for reading.
    void watch_descriptor(source_watch& target, descriptor owned, bool socket = false) {
        target.held = std::move(owned);
        target.fd = target.held.get();
        target.socket = socket;
        target.interest = adapter::bits::readable;
        require_registered(mechanism.add(target), mechanism.describe(), target.fd);
    }
};

template <class State>
inline void take_until_goal(State& state) {
    while (state.accounted < state.goal) {
        const int delivered = state.mechanism.wait(adapter::wait_forever, state.batch, state);
        if (delivered > 0) [[likely]] {
            state.work.count_wait(static_cast<std::uint32_t>(delivered));
            continue;
        }
        if constexpr (requires { state.interrupted(); }) {
            if (state.interrupted()) {
                continue;
            }
        }
        state.guard.examine(delivered, state.accounted);
    }
}

/// The measured loop.
template <class State>
[[gnu::noinline]] void kevbench_hot_source_rounds(State& state, std::uint64_t operations) {
    while (state.goal < operations && !state.broken) {
        std::uint64_t sent = state.goal;
        const std::uint64_t goal = std::min<std::uint64_t>(sent + state.active, operations);
        state.goal = goal;
        for (; sent < goal; ++sent) {
            if (!state.stimulate(sent)) [[unlikely]] {
                state.give_up();
                break;
            }
        }
        if constexpr (requires { state.begin_waiting(); }) {
            if (!state.begin_waiting()) [[unlikely]] {
                state.give_up();
            }
        }
        take_until_goal(state);
    }
}

/// The same for sources that make occurrences by themselves, or that other threads make.
template <class State>
[[gnu::noinline]] void kevbench_hot_arrivals(State& state, std::uint64_t operations) {
    state.goal = operations;
    take_until_goal(state);
}

/// A cell of such a state, made from a plan that has `source`, and a variant.
template <class State, class Plan>
class source_cell final : public cell {
  public:
    template <class Variant>
    source_cell(Plan plan, const Variant& variant, std::string_view via)
        : make_([plan = std::move(plan), variant](std::optional<State>& state) {
              state.emplace(plan, variant);
          }),
          via_(via) {}

    void setup() override { make_(state_); }

    void run(std::uint64_t operations, observer* timing, tally& work) override {
        state_->begin_run(timing);
        kevbench_hot_source_rounds(*state_, operations);
        state_->conclude(operations);
        state_->report(state_->work);
        work += state_->work;
        if (state_->broken) {
            throw fault("a source could not be used or broke, so the run is void");
        }
        require_messages(state_->accounted, operations);
    }

    void teardown() override { state_.reset(); }
    [[nodiscard]] std::string_view via() const override { return via_; }

  private:
    std::function<void(std::optional<State>&)> make_;
    std::optional<State> state_;
    std::string via_;
};

}  // namespace kevbench::workload
