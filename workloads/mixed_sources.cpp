// SPDX-License-Identifier: MIT
//
// mixed_sources: sockets, timers, pipes, signals and user events in one loop, as a server has them:
// of twenty sources fourteen are UNIX sockets, two timers, two pipes, one is a signal and one a
// user event. What one queue for everything costs, and what a source has to wait for the others.
//
// One operation is one event of any source; a burst of them, in a random order, is made before the
// wait. Timers are due when armed. All signals have one number and tell by their value whose they
// are, so that a signal costs one watch, as in a program. In timed runs, latency_of chooses the
// sources whose latencies are recorded.
#include <fmt/format.h>
#include <sys/socket.h>

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "engine/common_parameters.hpp"
#include "engine/dispatch.hpp"
#include "engine/entry.hpp"
#include "engine/signals.hpp"
#include "engine/timers.hpp"
#include "engine/user_sources.hpp"
#include "engine/via.hpp"

namespace kevbench::workload {

enum class mixed_kind : std::uint8_t { socket, timer, pipe, signal, user, any };

inline constexpr std::uint32_t mixed_unit = 20;

constexpr mixed_kind kind_of(std::uint32_t number) noexcept {
    constexpr std::uint32_t first_timer = 14;
    constexpr std::uint32_t first_pipe = 16;
    constexpr std::uint32_t first_signal = 18;
    const std::uint32_t at = number % mixed_unit;
    if (at < first_timer) {
        return mixed_kind::socket;
    }
    if (at < first_pipe) {
        return mixed_kind::timer;
    }
    if (at < first_signal) {
        return mixed_kind::pipe;
    }
    return at == first_signal ? mixed_kind::signal : mixed_kind::user;
}

struct mixed_plan : source_plan {
    mixed_kind timed = mixed_kind::any;
};

template <class A, class Policy, bool Native>
class mixed_state : public source_table<A>,
                    public consumer<mixed_state<A, Policy, Native>, Policy> {
    static constexpr way any_way = synthetic_adapter<A> ? way::posted : way::descriptor;
    static constexpr way timer_way = Native && adapter::timer_source<A> ? way::native : any_way;
    static constexpr way signal_way = Native && adapter::signal_source<A> ? way::native : any_way;
    static constexpr way user_way = Native && adapter::user_source<A> ? way::native : any_way;

  public:
    mixed_state(const mixed_plan& plan, const typename A::variant_type& variant)
        : source_table<A>(plan, variant),
          fars_(plan.registered),
          timed_(plan.timed),
          poster_(this->mechanism) {
        claim_.emplace(realtime_signal(),
                       signal_way == way::native ? signal_fate::ignored : signal_fate::blocked);
        if constexpr (signal_way == way::native) {
            require_native(this->mechanism.add_signal(hub_, claim_->number(),
                                                      adapter::signal_delivery::event_only),
                           this->mechanism.describe(), "signals");
        } else if constexpr (signal_way == way::descriptor) {
            this->watch_descriptor(hub_, claim_->open_signalfd());
        }
        for (std::uint32_t at = 0; at < plan.registered; ++at) {
            register_source(at);
        }
        require_registered(this->mechanism.flush(), this->mechanism.describe(), -1);
        // Registering native timers started them: once, at once.
        this->goal = started_;
        take_until_goal(*this);
    }
    mixed_state(const mixed_state&) = delete;
    mixed_state& operator=(const mixed_state&) = delete;
    ~mixed_state() { this->mechanism.close(); }

    static std::string describe_ways() {
        if constexpr (synthetic_adapter<A>) {
            return "none";
        } else {
            return fmt::format("timers {}, signals {}, user events {}",
                               name_way(timer_way, "timerfd"), name_way(signal_way, "signalfd"),
                               name_way(user_way, "eventfd"));
        }
    }

    void on_occurred(adapter::watch& target, int result) noexcept {
        if (&target == &hub_) {
            signalled(result);
            return;
        }
        take(static_cast<source_watch&>(target), static_cast<std::uint32_t>(result));
    }
    void on_data(adapter::watch& target, const std::byte* data, std::size_t size) noexcept {
        auto& from = static_cast<source_watch&>(target);
        if constexpr (any_way == way::posted) {
            take(from, size);
        } else if (&target == &hub_) {
            if (!for_each_signal(data, size, [this](const signalfd_siginfo& record) {
                    signalled(record.ssi_int);
                })) {
                this->give_up();
            }
        } else {
            const mixed_kind kind = kind_of(number_of(from));
            const bool counter = kind == mixed_kind::timer || kind == mixed_kind::user;
            take(from, counter ? expirations_in(data) : size);
        }
    }

    bool stimulate(std::uint64_t /*number*/) noexcept {
        source_watch& chosen = this->next_turn();
        this->stamp(chosen);
        if constexpr (any_way == way::posted) {
            return this->mechanism.post(chosen, 1);
        } else {
            const std::uint32_t at = number_of(chosen);
            switch (kind_of(at)) {
                case mixed_kind::timer:
                    return set_timer(chosen);
                case mixed_kind::signal:
                    return send_signal(claim_->number(), static_cast<int>(at));
                case mixed_kind::user:
                    return poster_.post(chosen, chosen.fd);
                default:
                    return ::write(fars_[at].get(), "x", 1) == 1;
            }
        }
    }

  private:
    [[nodiscard]] std::uint32_t number_of(const source_watch& from) const noexcept {
        return static_cast<std::uint32_t>(&from - this->watches.data());
    }

    void register_source(std::uint32_t at) {
        source_watch& each = this->watches[at];
        if constexpr (any_way == way::posted) {
            require_registered(this->mechanism.add(each), this->mechanism.describe(), -1);
        } else {
            switch (kind_of(at)) {
                case mixed_kind::timer:
                    register_timer(each);
                    break;
                case mixed_kind::signal:
                    break;  // the hub is watched
                case mixed_kind::user:
                    register_user(each);
                    break;
                default:
                    register_pair(at);
                    break;
            }
        }
    }
    void register_timer(source_watch& each) {
        if constexpr (timer_way == way::native) {
            require_native(this->mechanism.add_timer(each, adapter::timer_plan{1, 0}),
                           this->mechanism.describe(), "timers");
            ++started_;
        } else {
            this->watch_descriptor(each, make_timerfd());
        }
    }
    void register_user(source_watch& each) {
        if constexpr (user_way == way::native) {
            require_native(this->mechanism.add_user(each), this->mechanism.describe(),
                           "user events");
        } else {
            this->watch_descriptor(each, make_user_ends(source_kind::eventfd).watched);
        }
    }
    void register_pair(std::uint32_t at) {
        if (kind_of(at) == mixed_kind::pipe) {
            user_ends made = make_user_ends(source_kind::pipe);
            this->watch_descriptor(this->watches[at], std::move(made.watched));
            fars_[at] = std::move(made.far);
            return;
        }
        std::array<int, 2> ends{-1, -1};
        if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends.data()) !=
            0) {
            throw fault("creating a UNIX socket pair failed");
        }
        fars_[at].reset(ends[1]);
        this->watch_descriptor(this->watches[at], descriptor{ends[0]}, true);
    }

    bool set_timer(source_watch& chosen) noexcept {
        if constexpr (timer_way == way::native) {
            return this->mechanism.rearm_timer(chosen, adapter::timer_plan{1, 0}) == 0;
        } else {
            return set_timerfd(chosen.fd, adapter::timer_plan{1, 0});
        }
    }

    void signalled(int value) noexcept { take(this->watches[static_cast<std::size_t>(value)], 1); }
    void take(source_watch& from, std::uint64_t count) noexcept {
        if (this->timing != nullptr && timed_ != mixed_kind::any &&
            kind_of(number_of(from)) != timed_) {
            observer* const paused = std::exchange(this->timing, nullptr);
            this->account(from, count);
            this->timing = paused;
            return;
        }
        this->account(from, count);
    }

    std::optional<signal_claim> claim_;
    source_watch hub_;
    std::vector<descriptor> fars_;
    std::uint64_t started_ = 0;
    mixed_kind timed_;
    user_poster<A, user_way> poster_;
};

namespace {

constexpr std::array<std::string_view, 6> kind_names{"socket", "timer", "pipe",
                                                     "signal", "user",  "any"};

workload_info describe() {
    parameter sources = sources_parameter(100, 20'000, "sources, a multiple of 20");
    sources.min = mixed_unit;
    parameter active = burst_parameter(20);
    active.help = "events made before the thread waits, at most as many as registered";
    parameter timed;
    timed.name = "latency_of";
    timed.initial_choice = kind_names.back();
    timed.choices.assign(kind_names.begin(), kind_names.end());
    timed.help = "whose latencies a timed run records";
    return {"mixed_sources",
            "sockets, timers, pipes, signals and user events in one loop",
            "event",
            {sources, active, batch_parameter(64), timed, via_parameter()},
            true};
}

std::unique_ptr<cell> make(std::string_view mechanism, std::string_view variant,
                           const parameters& values) {
    mixed_plan plan;
    plan.registered = static_cast<std::uint32_t>(values.number("registered"));
    if (plan.registered % mixed_unit != 0) {
        throw usage_error(fmt::format("registered={} is not possible: use a multiple of {}",
                                      plan.registered, mixed_unit));
    }
    plan.active = active_flows(values);
    plan.batch = static_cast<std::uint32_t>(values.number("batch"));
    plan.turns = seeded_permutation(plan.registered);
    const auto named = std::find(kind_names.begin(), kind_names.end(), values.choice("latency_of"));
    plan.timed = static_cast<mixed_kind>(named - kind_names.begin());
    const bool native = values.choice("via") == "native";
    return dispatch(mechanism, variant,
                    [&]<class A, class Policy>(
                        const typename A::variant_type& chosen) -> std::unique_ptr<cell> {
                        require_descriptor_range(chosen.fixed, 2ULL * plan.registered);
                        constexpr bool has_any = adapter::timer_source<A> ||
                                                 adapter::signal_source<A> ||
                                                 adapter::user_source<A>;
                        if constexpr (has_any && !synthetic_adapter<A>) {
                            if (native) {
                                using state = mixed_state<A, Policy, true>;
                                return std::make_unique<source_cell<state, mixed_plan>>(
                                    std::move(plan), chosen, state::describe_ways());
                            }
                        }
                        using state = mixed_state<A, Policy, false>;
                        return std::make_unique<source_cell<state, mixed_plan>>(
                            std::move(plan), chosen, state::describe_ways());
                    });
}

}  // namespace

const entry entries::mixed_sources{describe, make};

}  // namespace kevbench::workload
