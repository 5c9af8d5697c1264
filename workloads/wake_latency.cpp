// SPDX-License-Identifier: MIT
//
// wake_latency: a thread sleeps in wait(); another signals it after a pause. Latency is from just
// before the signal to the moment the waiter has the data in its buffer, so that completion and
// readiness mean the same.
//
// The hand-over in both directions goes through futexes and the source itself; nothing spins.
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <memory>
#include <optional>

#include "engine/baton.hpp"
#include "engine/common_parameters.hpp"
#include "engine/companion.hpp"
#include "engine/dispatch.hpp"
#include "engine/entry.hpp"
#include "engine/placement.hpp"
#include "engine/watch_table.hpp"
#include "engine/watchdog.hpp"

namespace kevbench::workload {

/// What both threads use. All but the baton is written by one thread at a time.
struct wake_exchange {
    baton consumed;       ///< advanced by the waiter when it is about to wait, then per message
    std::int64_t at = 0;  ///< when the last message was consumed, if timed
    observer* timing = nullptr;
};

template <class A, class Policy>
class waiter_state : public watch_table<A>, public consumer<waiter_state<A, Policy>, Policy> {
  public:
    using watch_table<A>::mechanism;

    waiter_state(const table_plan& plan, const typename A::variant_type& variant,
                 wake_exchange& with, const companion& thread)
        : watch_table<A>(plan, variant), counter(plan.payload), exchange(with), host(thread) {}

    void on_data(adapter::watch& target, const std::byte* data, std::size_t size) noexcept {
        if (counter.take(static_cast<flow&>(target), data, size) == 0) {
            return;
        }
        if (exchange.timing != nullptr) {
            exchange.at = exchange.timing->now();
        }
        exchange.consumed.advance();
    }
    void on_end(adapter::watch&, int) noexcept { broken = true; }

    message_counter<true> counter;
    wake_exchange& exchange;
    const companion& host;
    tally work;
    bool broken = false;
};

/// The waiter's side; runs on the companion.
template <class A, class Policy>
[[gnu::noinline]] void kevbench_hot_wake_waiter(waiter_state<A, Policy>& state,
                                                std::uint64_t operations) {
    state.exchange.consumed.advance();
    while (state.counter.messages() < operations && !state.broken) {
        const int delivered = state.mechanism.wait(adapter::wait_forever, state.batch, state);
        if (delivered > 0) [[likely]] {
            state.work.count_wait(static_cast<std::uint32_t>(delivered));
        } else if (delivered != -EINTR || state.host.stopping()) {
            state.broken = true;
        }
    }
}

struct wake_caller {
    wake_exchange& exchange;
    const companion& waiter;
    watchdog& guard;
    message& content;
    int far;
    timespec pause;
    observer* timing;

    /// Sleeps until the waiter has advanced the baton past `seen`.
    void await(std::uint32_t seen, std::uint64_t progress) {
        while (!exchange.consumed.await(seen)) {
            if (waiter.idle()) {
                return;
            }
            guard.examine_progress(progress);
        }
    }
};

/// The signalling side; runs on the thread that called run().
[[gnu::noinline]] void kevbench_hot_wake_caller(wake_caller& caller, std::uint32_t seen,
                                                std::uint64_t operations) {
    caller.await(seen++, 0);
    for (std::uint64_t done = 0; done < operations; ++done) {
        if (caller.pause.tv_sec != 0 || caller.pause.tv_nsec != 0) {
            ::clock_nanosleep(CLOCK_MONOTONIC, 0, &caller.pause, nullptr);
        }
        const std::byte* bytes = caller.content.stamp(done);
        const std::int64_t start = caller.timing != nullptr ? caller.timing->now() : 0;
        if (::write(caller.far, bytes, caller.content.size()) !=
            static_cast<ssize_t>(caller.content.size())) {
            throw fault("signalling the waiter failed");
        }
        caller.await(seen++, done);
        if (caller.waiter.idle() && done + 1 < operations) {
            return;  // the waiter gave up; the caller of this function finds out why
        }
        if (caller.timing != nullptr) {
            caller.timing->latency(caller.exchange.at - start);
        }
    }
}

namespace {

struct wake_plan {
    table_plan table;
    placement cpus;
    timespec pause{};
};

template <class A, class Policy>
class wake_cell final : public cell {
  public:
    wake_cell(const wake_plan& plan, const typename A::variant_type& variant)
        : plan_(plan), variant_(variant), content_(plan.table.payload) {}
    wake_cell(const wake_cell&) = delete;
    wake_cell& operator=(const wake_cell&) = delete;
    ~wake_cell() override { wake_cell::teardown(); }

    void setup() override {
        here_.emplace(plan_.cpus.caller);
        guard_.emplace();
        waiter_.emplace();
        waiter_->perform([this] {
            there_.emplace(plan_.cpus.companion);
            state_.emplace(plan_.table, variant_, exchange_, *waiter_);
        });
    }

    void run(std::uint64_t operations, observer* timing, tally& work) override {
        guard_->restart();
        exchange_.timing = timing;
        state_->counter.begin_run();
        state_->work = tally{};
        const std::uint32_t seen = exchange_.consumed.value();
        waiter_->begin([this, operations] { kevbench_hot_wake_waiter(*state_, operations); });
        wake_caller caller{exchange_,   *waiter_, *guard_, content_, state_->flows.front().far,
                           plan_.pause, timing};
        kevbench_hot_wake_caller(caller, seen, operations);
        waiter_->finish();
        state_->work.operations = operations;
        state_->report(state_->work);
        state_->counter.report(state_->work);
        work += state_->work;
        require_messages(state_->counter.messages(), operations);
    }

    void teardown() override {
        if (waiter_) {
            waiter_->stop();
            waiter_->perform([this] {
                state_.reset();
                there_.reset();
            });
            waiter_.reset();
        }
        guard_.reset();
        here_.reset();
    }

  private:
    wake_plan plan_;
    typename A::variant_type variant_;
    message content_;
    wake_exchange exchange_;
    std::optional<cpu_binding> here_;
    std::optional<watchdog> guard_;
    std::optional<companion> waiter_;
    std::optional<cpu_binding> there_;              // made and destroyed on the companion
    std::optional<waiter_state<A, Policy>> state_;  // likewise
};

workload_info describe() {
    parameter interval;
    interval.name = "interval";
    interval.initial = 100;
    interval.min = 0;
    interval.max = 1'000'000;
    interval.help = "pause before each signal in microseconds; long ones let a CPU go idle";
    return {"wake_latency",
            "from a signal to data in the buffer of a thread that sleeps in wait()",
            "wake-up",
            {source_parameter("eventfd"), payload_parameter(8), placement_parameter(), interval},
            true};
}

std::unique_ptr<cell> make(std::string_view mechanism, std::string_view variant,
                           const parameters& values) {
    wake_plan plan;
    plan.table.source = parse_source(values.choice("source"));
    plan.table.payload = effective_payload(plan.table.source, values.number("payload"));
    plan.table.batch = 1;
    constexpr std::int64_t million = 1'000'000;
    const std::int64_t interval = values.number("interval");
    plan.pause = {interval / million, interval % million * 1000};
    return dispatch(
        mechanism, variant,
        [&]<class A, class Policy>(
            const typename A::variant_type& chosen) -> std::unique_ptr<cell> {
            if constexpr (synthetic_adapter<A>) {
                throw not_available("not applicable: no other thread can wake the null mechanism");
            } else {
                plan.cpus = choose_placement(values.choice("placement"));
                return std::make_unique<wake_cell<A, Policy>>(plan, chosen);
            }
        });
}

}  // namespace

const entry entries::wake_latency{describe, make};

}  // namespace kevbench::workload
