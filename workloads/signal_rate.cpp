// SPDX-License-Identifier: MIT
//
// signal_rate: a burst of signals to the own process, taken as events. kevent reports signals by
// itself, the others watch a signalfd; via=handler takes them in a handler that only waits let run,
// as ppoll and pselect are made for.
//
// One operation is one signal sent, accounted for when it has been reported. Real-time signals keep
// their number and order, which the checksum covers. Ordinary ones merge while pending: since they
// are sent before the wait, the first report stands for all of a burst.
#include <fmt/format.h>

#include <memory>
#include <optional>
#include <utility>

#include "engine/checksum.hpp"
#include "engine/common_parameters.hpp"
#include "engine/dispatch.hpp"
#include "engine/entry.hpp"
#include "engine/signals.hpp"
#include "engine/source_rounds.hpp"
#include "engine/via.hpp"
#include "kevbench/adapter/native_sources.hpp"

namespace kevbench::workload {

struct signal_plan : source_plan {
    bool realtime = true;
    bool by_handler = false;
    bool handled_too = false;  ///< kevent without NOMASK: the handler runs as well
};

/// What the handler counts, between waits of the one cell that has the signal.
struct handler_record {
    std::uint64_t calls = 0;
    std::uint64_t order = 0;
    flow_checksum sum;

    void take(int value) noexcept {
        const auto word = static_cast<std::uint64_t>(value);
        ++calls;
        order += sum.absorb_message(reinterpret_cast<const std::byte*>(&word), sizeof word);
    }
};
inline handler_record* handler_target = nullptr;
inline void note_signal(int /*number*/, siginfo_t* info, void* /*context*/) {
    if (handler_target != nullptr) {
        handler_target->take(info->si_value.sival_int);
    }
}

template <class A, class Policy, way Way>
class signal_state : public source_table<A>, public consumer<signal_state<A, Policy, Way>, Policy> {
  public:
    signal_state(const signal_plan& plan, const typename A::variant_type& variant)
        : signal_state(plan, variant,
                       std::make_unique<signal_claim>(
                           plan.realtime ? realtime_signal() : ordinary_signal,
                           plan.by_handler || plan.handled_too ? signal_fate::handled
                           : Way == way::native                ? signal_fate::ignored
                                                               : signal_fate::blocked,
                           note_signal, plan.by_handler)) {}
    signal_state(const signal_state&) = delete;
    signal_state& operator=(const signal_state&) = delete;
    ~signal_state() {
        this->mechanism.close();
        handler_target = nullptr;
    }

    void on_occurred(adapter::watch& target, int value) noexcept {
        take(static_cast<source_watch&>(target), value);
    }
    void on_data(adapter::watch& target, [[maybe_unused]] const std::byte* data,
                 [[maybe_unused]] std::size_t size) noexcept {
        auto& from = static_cast<source_watch&>(target);
        if constexpr (Way == way::posted) {
            for (; from.pending != 0; --from.pending) {
                take(from, 0);
            }
        } else if (!for_each_signal(data, size, [&](const signalfd_siginfo& record) {
                       take(from, record.ssi_int);
                   })) {
            this->give_up();
        }
    }
    /// via=handler: what the handlers that ran meanwhile counted.
    bool interrupted() noexcept {
        if (!by_handler_ || handled_.calls == seen_) {
            return false;
        }
        this->work.count_wait(1);
        const std::uint64_t calls = handled_.calls - std::exchange(seen_, handled_.calls);
        this->account(this->watches.front(), realtime_ ? calls : sent_ - this->accounted);
        return true;
    }

    bool stimulate(std::uint64_t number) noexcept {
        source_watch& target = this->watches.front();
        this->stamp(target);
        sent_ = number + 1;
        if constexpr (Way == way::posted) {
            return target.pending++ != 0 || this->mechanism.post(target);
        } else {
            return send_signal(claim_->number(), static_cast<int>(number));
        }
    }

    void begin_run(observer* with) noexcept {
        source_table<A>::begin_run(with);
        sum_.restart();
        handled_ = handler_record{};
        order_ = sent_ = seen_ = 0;
    }
    void conclude(std::uint64_t operations) noexcept {
        source_table<A>::conclude(operations);
        if (by_handler_) {
            this->work.order = realtime_ ? handled_.order : 0;
        } else if (handled_too_ && handled_.calls == 0) {
            ++this->work.errors;  // the handler ought to have run
        }
    }

  private:
    signal_state(const signal_plan& plan, const typename A::variant_type& variant,
                 std::unique_ptr<signal_claim> claim)
        : source_table<A>(plan, variant, plan.by_handler ? claim->wait_mask() : nullptr),
          claim_(std::move(claim)),
          realtime_(plan.realtime),
          by_handler_(plan.by_handler),
          handled_too_(plan.handled_too) {
        source_watch& target = this->watches.front();
        handler_target = &handled_;
        if constexpr (Way == way::posted) {
            require_registered(this->mechanism.add(target), this->mechanism.describe(), -1);
        } else if constexpr (Way == way::native) {
            require_native(
                this->mechanism.add_signal(target, claim_->number(),
                                           plan.handled_too ? adapter::signal_delivery::and_handler
                                                            : adapter::signal_delivery::event_only),
                this->mechanism.describe(), "signals");
        } else if (!plan.by_handler) {
            this->watch_descriptor(target, claim_->open_signalfd());
        }
        require_registered(this->mechanism.flush(), this->mechanism.describe(), -1);
    }

    void take(source_watch& from, int value) noexcept {
        if (!realtime_) {
            this->account(from, sent_ - this->accounted);
            this->order = 0;
            return;
        }
        this->account(from, 1);
        const auto word = static_cast<std::uint64_t>(value);
        order_ += sum_.absorb_message(reinterpret_cast<const std::byte*>(&word), sizeof word);
        this->order = order_;
    }

    std::unique_ptr<signal_claim> claim_;
    flow_checksum sum_;
    handler_record handled_;
    std::uint64_t order_ = 0;
    std::uint64_t sent_ = 0;
    std::uint64_t seen_ = 0;
    bool realtime_;
    bool by_handler_;
    bool handled_too_;
};

namespace {

workload_info describe() {
    parameter kind;
    kind.name = "signal";
    kind.initial_choice = "realtime";
    kind.choices = {"realtime", "ordinary"};
    kind.help = "real-time signals queue with their values, ordinary ones merge while pending";
    parameter handled;
    handled.name = "handled";
    handled.initial_choice = "no";
    handled.choices = {"no", "yes"};
    handled.help = "yes: the program's handler runs besides the event, which only kevent can do";
    parameter via = via_parameter();
    via.choices.emplace_back("handler");
    via.help += "; or a handler, for waits with a signal mask";
    return {"signal_rate",
            "signals to the own process as events: cost of sending and taking one",
            "signal",
            {burst_parameter(1), batch_parameter(64), kind, handled, via},
            true};
}

void require_handler_possible(const adapter::traits& fixed) {
    if ((fixed.capabilities & adapter::caps::sigmask) == 0) {
        throw not_available(
            fmt::format("not applicable: waits of {} {} have no signal mask, so a handler could "
                        "run just before one; use via=descriptor",
                        fixed.mechanism, fixed.variant));
    }
}

std::unique_ptr<cell> make(std::string_view mechanism, std::string_view variant,
                           const parameters& values) {
    signal_plan plan;
    plan.registered = 1;
    plan.active = static_cast<std::uint32_t>(values.number("active"));
    plan.batch = static_cast<std::uint32_t>(values.number("batch"));
    plan.turns = {0};
    plan.realtime = values.choice("signal") == "realtime";
    plan.by_handler = values.choice("via") == "handler";
    plan.handled_too = values.choice("handled") == "yes";
    if (plan.by_handler && plan.handled_too) {
        throw usage_error("handled=yes is about events: use via=native or via=descriptor");
    }
    return dispatch(
        mechanism, variant,
        [&]<class A, class Policy>(
            const typename A::variant_type& chosen) -> std::unique_ptr<cell> {
            return choose_way<A, adapter::signal_source<A>>(
                values.choice("via"), [&]<way Way>() -> std::unique_ptr<cell> {
                    std::string_view via = name_way(Way, "signalfd");
                    if (plan.by_handler && Way != way::posted) {
                        require_handler_possible(chosen.fixed);
                        via = "handler";
                    }
                    if (plan.handled_too && Way == way::descriptor) {
                        throw not_available(
                            "not applicable: a signal that a signalfd takes is blocked, so no "
                            "handler runs");
                    }
                    plan.by_handler = plan.by_handler && Way != way::posted;
                    return std::make_unique<source_cell<signal_state<A, Policy, Way>, signal_plan>>(
                        std::move(plan), chosen, via);
                });
        });
}

}  // namespace

const entry entries::signal_rate{describe, make};

}  // namespace kevbench::workload
