// SPDX-License-Identifier: MIT
//
// timer_storm: many timers. mode=once arms some that are due at once and waits until all have been
// reported, so an operation is arming, expiring and reporting one, and no clock decides how long
// that takes. mode=periodic lets all run at a period and takes expirations as they come: an
// operation is one expiration, and the figures to read are CPU time and lateness, since wall time
// is the period's.
//
// Expirations that merge into one report count one by one; tally::deliveries against messages tells
// how many were missed as events of their own.
#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "engine/common_parameters.hpp"
#include "engine/dispatch.hpp"
#include "engine/entry.hpp"
#include "engine/source_rounds.hpp"
#include "engine/timers.hpp"
#include "engine/via.hpp"

namespace kevbench::workload {

enum class timer_kind : std::uint8_t { interval, posix };

struct storm_plan : source_plan {
    std::int64_t period = 0;  ///< ns; 0 = once
};

template <class A, class Policy, way Way, timer_kind Kind>
class storm_state : public source_table<A>,
                    public consumer<storm_state<A, Policy, Way, Kind>, Policy> {
    static constexpr bool by_signal = Kind == timer_kind::posix && Way != way::posted;

  public:
    storm_state(const storm_plan& plan, const typename A::variant_type& variant)
        : source_table<A>(plan, variant), period_(plan.period) {
        if constexpr (by_signal) {
            claim_.emplace(realtime_signal(),
                           Way == way::native ? signal_fate::ignored : signal_fate::blocked);
            timers_.reserve(this->watches.size());
        }
        if constexpr (by_signal && Way == way::descriptor) {
            this->watch_descriptor(hub_, claim_->open_signalfd());
        }
        for (source_watch& each : this->watches) {
            register_timer(each);
        }
        require_registered(this->mechanism.flush(), this->mechanism.describe(), -1);
        if constexpr (Way == way::native && !by_signal) {
            // Registering started them: once, at once.
            this->goal = this->watches.size();
            take_until_goal(*this);
        }
    }
    storm_state(const storm_state&) = delete;
    storm_state& operator=(const storm_state&) = delete;
    ~storm_state() { this->mechanism.close(); }

    void on_occurred(adapter::watch& target, int expirations) noexcept {
        take(static_cast<source_watch&>(target), static_cast<std::uint32_t>(expirations));
    }
    void on_data(adapter::watch& target, const std::byte* data, std::size_t size) noexcept {
        if constexpr (by_signal) {
            const bool whole = for_each_signal(data, size, [this](const signalfd_siginfo& record) {
                take(this->watches[static_cast<std::size_t>(record.ssi_int)],
                     1 + std::uint64_t{record.ssi_overrun});
            });
            if (!whole) {
                this->give_up();
            }
        } else if constexpr (Way == way::posted) {
            take(static_cast<source_watch&>(target), size / sizeof(std::uint64_t));
        } else {
            take(static_cast<source_watch&>(target), expirations_in(data));
        }
    }

    bool stimulate(std::uint64_t /*number*/) noexcept {
        source_watch& chosen = this->next_turn();
        this->stamp(chosen);
        return set(chosen, adapter::timer_plan{1, 0});
    }

    /// mode=periodic: spread over the first period, so that they do not all expire together.
    bool start_all() noexcept {
        const std::int64_t now = monotonic_nanoseconds();
        const auto count = static_cast<std::int64_t>(this->watches.size());
        std::int64_t at = 0;
        return std::all_of(this->watches.begin(), this->watches.end(),
                           [&](source_watch& each) noexcept {
                               each.since = now + period_ + period_ * at++ / count;
                               return set(each, adapter::timer_plan{each.since, period_});
                           });
    }
    /// What expired and was not reported is not counted in another run.
    bool stop_all() noexcept {
        constexpr std::int64_t never = std::int64_t{1} << 60;
        return std::all_of(this->watches.begin(), this->watches.end(),
                           [&](source_watch& each) noexcept {
                               return set(each, adapter::timer_plan{never, 0});
                           });
    }

    void conclude(std::uint64_t operations) noexcept {
        source_table<A>::conclude(operations);
        if (period_ != 0) {
            // The last report may stand for more than were wanted, and which timer's expirations
            // come within the run is a matter of time.
            this->work.messages = operations;
            this->work.order = 0;
        }
    }

  private:
    void register_timer(source_watch& each) {
        const auto number = static_cast<int>(&each - this->watches.data());
        if constexpr (by_signal) {
            timers_.emplace_back(claim_->number(), number);
        }
        if constexpr (Way == way::posted) {
            require_registered(this->mechanism.add(each), this->mechanism.describe(), -1);
        } else if constexpr (Way == way::native && by_signal) {
            require_native(
                this->mechanism.add_posix_timer(each, timers_.back().number(), claim_->number()),
                this->mechanism.describe(), "POSIX timers");
        } else if constexpr (Way == way::native) {
            require_native(this->mechanism.add_timer(each, adapter::timer_plan{1, 0}),
                           this->mechanism.describe(), "timers");
        } else if constexpr (!by_signal) {
            this->watch_descriptor(each, make_timerfd());
        }
    }

    bool set(source_watch& chosen, const adapter::timer_plan& plan) noexcept {
        if constexpr (Way == way::posted) {
            return this->mechanism.post(chosen, sizeof(std::uint64_t));
        } else if constexpr (by_signal) {
            return timers_[static_cast<std::size_t>(&chosen - this->watches.data())].set(plan);
        } else if constexpr (Way == way::native) {
            return this->mechanism.rearm_timer(chosen, plan) == 0;
        } else {
            return set_timerfd(chosen.fd, plan);
        }
    }

    void take(source_watch& from, std::uint64_t expirations) noexcept {
        if (period_ != 0) {
            // Lateness is that of the latest of them.
            from.since += period_ * static_cast<std::int64_t>(expirations - 1);
            this->account(from, expirations);
            from.since += period_;
        } else {
            this->account(from, expirations);
        }
    }

    std::optional<signal_claim> claim_;
    std::vector<posix_timer> timers_;
    source_watch hub_;
    std::int64_t period_;
};

template <class State>
class periodic_cell final : public cell {
  public:
    template <class Variant>
    periodic_cell(storm_plan plan, const Variant& variant, std::string_view via)
        : make_([plan = std::move(plan), variant](std::optional<State>& state) {
              state.emplace(plan, variant);
          }),
          via_(via) {}

    void setup() override { make_(state_); }

    void run(std::uint64_t operations, observer* timing, tally& work) override {
        state_->begin_run(timing);
        if (!state_->start_all()) {
            throw fault("a timer could not be started");
        }
        kevbench_hot_arrivals(*state_, operations);
        if (!state_->stop_all()) {
            throw fault("a timer could not be stopped");
        }
        const bool enough = state_->accounted >= operations;
        state_->conclude(operations);
        state_->report(state_->work);
        work += state_->work;
        if (state_->broken || !enough) {
            throw fault("a timer broke, so the run is void");
        }
    }

    void teardown() override { state_.reset(); }
    [[nodiscard]] std::string_view via() const override { return via_; }

  private:
    std::function<void(std::optional<State>&)> make_;
    std::optional<State> state_;
    std::string_view via_;
};

namespace {

workload_info describe() {
    parameter mode;
    mode.name = "mode";
    mode.initial_choice = "once";
    mode.choices = {"once", "periodic"};
    mode.help = "timers that are due when armed, or timers that run by themselves";
    parameter period;
    period.name = "interval";
    period.initial = 10'000;
    period.min = 50;
    period.max = 10'000'000;
    period.help = "period of mode=periodic in microseconds";
    parameter kind;
    kind.name = "timer";
    kind.initial_choice = "interval";
    kind.choices = {"interval", "posix"};
    kind.help = "a mechanism's own or timerfd; or timers of timer_create, by signal";
    parameter active = burst_parameter(1);
    active.max = 100'000;
    active.help = "timers armed before the thread waits, at most as many as registered (mode=once)";
    return {"timer_storm",
            "timers: arming, expiring and reporting them, or their lateness at a period",
            "expiration",
            {sources_parameter(100, 100'000, "timers"), active, batch_parameter(64), mode, period,
             kind, via_parameter()},
            true};
}

template <class A, class Policy, way Way, timer_kind Kind>
std::unique_ptr<cell> make_storm(storm_plan plan, const typename A::variant_type& chosen) {
    constexpr bool by_signal = Kind == timer_kind::posix;
    if (Way == way::descriptor && !by_signal) {
        require_descriptor_range(chosen.fixed, plan.registered);
    }
    using state = storm_state<A, Policy, Way, Kind>;
    const std::string_view via = name_way(Way, by_signal ? "signalfd" : "timerfd");
    if (plan.period != 0 && Way == way::posted) {
        throw not_available("not applicable: nothing expires by itself in the null mechanism");
    }
    if (plan.period != 0) {
        return std::make_unique<periodic_cell<state>>(std::move(plan), chosen, via);
    }
    return std::make_unique<source_cell<state, storm_plan>>(std::move(plan), chosen, via);
}

std::unique_ptr<cell> make(std::string_view mechanism, std::string_view variant,
                           const parameters& values) {
    storm_plan plan;
    plan.registered = static_cast<std::uint32_t>(values.number("registered"));
    plan.active = active_flows(values);
    plan.batch = static_cast<std::uint32_t>(values.number("batch"));
    plan.turns = seeded_permutation(plan.registered);
    plan.period = values.choice("mode") == "periodic" ? values.number("interval") * 1000 : 0;
    const bool posix = values.choice("timer") == "posix";
    return dispatch(
        mechanism, variant,
        [&]<class A, class Policy>(
            const typename A::variant_type& chosen) -> std::unique_ptr<cell> {
            if (posix) {
                return choose_way<A, adapter::posix_timer_source<A>>(
                    values.choice("via"), [&]<way Way>() {
                        return make_storm<A, Policy, Way, timer_kind::posix>(std::move(plan),
                                                                             chosen);
                    });
            }
            return choose_way<A, adapter::timer_source<A>>(values.choice("via"), [&]<way Way>() {
                return make_storm<A, Policy, Way, timer_kind::interval>(std::move(plan), chosen);
            });
        });
}

}  // namespace

const entry entries::timer_storm{describe, make};

}  // namespace kevbench::workload
