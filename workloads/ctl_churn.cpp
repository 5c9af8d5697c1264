// SPDX-License-Identifier: MIT
//
// ctl_churn: registrations come, change and go while half of the descriptors stay registered and
// nothing is ready. Adding and removing cannot be timed apart, since each restores what the other
// took, so the operations are add-remove, modify, and both in a cycle.
//
// Calls are made in groups of `batch`. After each group the mechanism gets the chance to hand over
// what it queued: variants with caps::batched_control by a wait with zero timeout, which also reaps
// what removals leave behind, the others need nothing.
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "engine/common_parameters.hpp"
#include "engine/dispatch.hpp"
#include "engine/entry.hpp"
#include "engine/flow.hpp"
#include "engine/source.hpp"
#include "engine/watch_table.hpp"
#include "kevbench/workload/error.hpp"

namespace kevbench::workload {

enum class control_call : std::uint8_t { add, modify, remove };

struct churn_plan {
    table_plan table;
    std::vector<std::uint32_t> turns;  ///< flow numbers; the first half stays registered
    std::vector<control_call> phases;  ///< what is done to a group, in order
};

/// Flows `steady` stay registered; those in `turns` are churned, a group at a time, through all
/// phases. The position survives from run to run, so any number of operations is exact.
template <class A>
class churn_state {
  public:
    churn_state(const churn_plan& plan, const typename A::variant_type& variant)
        : buffers(plan.table.buffers, default_buffer_size(plan.table.payload)),
          flows(plan.table.registered),
          mechanism(variant),
          batch(plan.table.batch),
          phases(plan.phases),
          sources_(synthetic_adapter<A> ? channel_set{}
                                        : channel_set{plan.table.source, plan.table.registered,
                                                      plan.table.payload}) {
        adapter::config settings;
        settings.max_watches = plan.table.registered;
        settings.max_batch = std::max(plan.table.batch, 64U);
        settings.buffers = buffers.set();
        open_adapter(mechanism, settings);
        settles = (mechanism.describe().capabilities & adapter::caps::batched_control) != 0;
        const std::size_t half = plan.turns.size() / 2;
        for (std::size_t at = 0; at < plan.turns.size(); ++at) {
            const std::uint32_t number = plan.turns[at];
            flow& each = flows[number];
            each.interest = adapter::bits::readable;
            if constexpr (!synthetic_adapter<A>) {
                each.fd = sources_.watched(number);
                each.far = sources_.far(number);
                each.socket = is_socket(plan.table.source);
                each.pipe = plan.table.source == source_kind::pipe;
            }
            const bool only_modified = phases.front() == control_call::modify;
            if (at < half) {
                require_registered(mechanism.add(each), mechanism.describe(), each.fd);
                (only_modified ? turns : steady).push_back(&each);
            } else if (!only_modified) {
                turns.push_back(&each);
            }
        }
        settle();
        batch = std::min(batch, static_cast<std::uint32_t>(turns.size()));
    }
    churn_state(const churn_state&) = delete;
    churn_state& operator=(const churn_state&) = delete;
    ~churn_state() { mechanism.close(); }

    /// Nothing is ready, so nothing may be delivered.
    void operator()(const adapter::event& /*delivered*/) noexcept { ++failures; }

    void settle() {
        if (settles && mechanism.wait(0, 1, *this) < 0) {
            ++failures;
        }
    }

    [[nodiscard]] int call(control_call kind, flow& target) noexcept {
        switch (kind) {
            case control_call::add:
                return mechanism.add(target);
            case control_call::modify:
                return mechanism.modify(target);
            default:
                return mechanism.remove(target);
        }
    }

    /// Moves on after a group went through a phase, to the next phase or the next group.
    void next_phase() noexcept {
        member = 0;
        if (++phase == phases.size()) {
            phase = 0;
            first = first + 2 * std::size_t{batch} > turns.size() ? 0 : first + batch;
        }
    }

    /// A churned set that is not registered as it should be shows here, outside of any timing.
    void require_working();

    buffer_pool buffers;
    std::vector<flow> flows;
    A mechanism;
    std::vector<flow*> turns;
    std::vector<flow*> steady;
    std::uint32_t batch;
    std::vector<control_call> phases;
    std::size_t phase = 0;
    std::size_t first = 0;     // of the group, in turns
    std::uint32_t member = 0;  // next of the group
    std::uint64_t failures = 0;
    bool settles = false;

  private:
    channel_set sources_;
};

template <class A>
[[gnu::noinline]] void kevbench_hot_ctl_churn(churn_state<A>& state, std::uint64_t operations) {
    for (std::uint64_t left = operations; left != 0;) {
        const auto here =
            static_cast<std::uint32_t>(std::min<std::uint64_t>(state.batch - state.member, left));
        const control_call kind = state.phases[state.phase];
        flow** at = state.turns.data() + state.first + state.member;
        for (flow** const end = at + here; at != end; ++at) {
            if (state.call(kind, **at) != 0) [[unlikely]] {
                ++state.failures;
            }
        }
        left -= here;
        state.member += here;
        if (state.member == state.batch) {
            state.settle();
            state.next_phase();
        }
    }
}

namespace {

/// Notes which watches are reported.
struct report_listener {
    std::vector<const adapter::watch*> seen;
    void operator()(const adapter::event& delivered) { seen.push_back(delivered.target); }
};

}  // namespace

template <class A>
void churn_state<A>::require_working() {
    if constexpr (!synthetic_adapter<A>) {
        const std::vector<flow*>& expected = steady.empty() ? turns : steady;
        if (expected.empty()) {
            return;
        }
        flow& probed = *expected.back();
        message content{static_cast<std::uint32_t>(buffers.size() < 8 ? 1 : 8)};
        report_listener listener;
        constexpr std::int64_t patience = 2'000'000'000;
        const bool written = ::write(probed.far, content.stamp(0), content.size()) ==
                             static_cast<ssize_t>(content.size());
        while (written && listener.seen.empty() && mechanism.wait(patience, 1, listener) > 0) {
        }
        if (listener.seen.empty() || listener.seen.front() != &probed) {
            throw fault("after the churn a registered descriptor was not reported");
        }
    }
}

namespace {

template <class A>
class churn_cell final : public cell {
  public:
    churn_cell(churn_plan plan, const typename A::variant_type& variant)
        : plan_(std::move(plan)), variant_(variant) {}

    void setup() override { state_.emplace(plan_, variant_); }

    void run(std::uint64_t operations, observer* /*timing*/, tally& work) override {
        state_->failures = 0;
        kevbench_hot_ctl_churn(*state_, operations);
        work.operations += operations;
        work.messages += operations - std::min(operations, state_->failures);
        work.errors += state_->failures;
        if (state_->failures != 0) {
            throw fault(fmt::format("{} of {} registration calls failed, so the run is void",
                                    state_->failures, operations));
        }
    }

    void teardown() override {
        if (state_) {
            state_->require_working();
        }
        state_.reset();
    }

  private:
    churn_plan plan_;
    typename A::variant_type variant_;
    std::optional<churn_state<A>> state_;
};

workload_info describe() {
    parameter registered = registered_parameter(1000);
    registered.min = 2;
    parameter operation;
    operation.name = "operation";
    operation.initial_choice = "add-remove";
    operation.choices = {"add-remove", "modify", "cycle"};
    operation.help = "calls made: add and remove, modify, or add, modify and remove";
    parameter order;
    order.name = "order";
    order.initial_choice = "random";
    order.choices = {"in-order", "random"};
    order.help = "in which order descriptors are used";
    parameter batch = batch_parameter(1);
    batch.max = 64;
    batch.help = "calls before the mechanism may hand over what it queued";
    return {"ctl_churn",
            "registering, changing and removing with half of the descriptors registered",
            "call",
            {registered, source_parameter("eventfd"), operation, order, batch}};
}

std::unique_ptr<cell> make(std::string_view mechanism, std::string_view variant,
                           const parameters& values) {
    churn_plan plan;
    plan.table.source = parse_source(values.choice("source"));
    plan.table.registered = static_cast<std::uint32_t>(values.number("registered"));
    plan.table.payload = effective_payload(plan.table.source, 8);
    plan.table.batch = static_cast<std::uint32_t>(values.number("batch"));
    plan.turns = seeded_permutation(plan.table.registered);
    if (values.choice("order") == "in-order") {
        std::sort(plan.turns.begin(), plan.turns.end());
    }
    const std::string& operation = values.choice("operation");
    if (operation == "modify") {
        plan.phases = {control_call::modify};
    } else if (operation == "cycle") {
        plan.phases = {control_call::add, control_call::modify, control_call::remove};
    } else {
        plan.phases = {control_call::add, control_call::remove};
    }
    return dispatch(
        mechanism, variant,
        [&]<class A, class>(const typename A::variant_type& chosen) -> std::unique_ptr<cell> {
            require_descriptor_range(chosen.fixed, plan.table.registered);
            if (operation != "add-remove" &&
                (chosen.fixed.capabilities & adapter::caps::modify) == 0) {
                throw not_available(
                    fmt::format("not applicable: {} {} cannot change a registration",
                                chosen.fixed.mechanism, chosen.fixed.variant));
            }
            return std::make_unique<churn_cell<A>>(std::move(plan), chosen);
        });
}

}  // namespace

const entry entries::ctl_churn{describe, make};

}  // namespace kevbench::workload
