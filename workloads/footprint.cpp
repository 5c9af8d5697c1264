// SPDX-License-Identifier: MIT
//
// footprint: the memory one registration costs. setup() opens the descriptors first, so that their
// own memory is no part of the difference, then registers all of them several times over and takes
// the median. The runs that follow are waits that find nothing; they keep the cell usable by every
// driver and prove that nothing is delivered.
#include <sched.h>

#include <algorithm>
#include <array>
#include <memory>
#include <optional>

#include "engine/common_parameters.hpp"
#include "engine/dispatch.hpp"
#include "engine/entry.hpp"
#include "engine/kernel_memory.hpp"
#include "engine/placement.hpp"
#include "engine/watch_table.hpp"

namespace kevbench::workload {

/// An adapter with every flow registered, over channels that outlive it.
template <class A>
class registration {
  public:
    registration(std::vector<flow>& flows, buffer_pool& buffers,
                 const typename A::variant_type& variant)
        : mechanism(variant), flows_(flows) {
        adapter::config settings;
        settings.max_watches = static_cast<std::uint32_t>(flows.size());
        settings.max_batch = batch;
        settings.buffers = buffers.set();
        open_adapter(mechanism, settings);
    }
    registration(const registration&) = delete;
    registration& operator=(const registration&) = delete;
    ~registration() { mechanism.close(); }

    void add_all() {
        for (flow& each : flows_) {
            require_registered(mechanism.add(each), mechanism.describe(), each.fd);
        }
        // A wait, since variants that queue registrations need not have done them all at a flush.
        if (const int delivered = mechanism.wait(0, batch, *this); delivered != 0) {
            throw fault("an idle descriptor was reported");
        }
    }
    void operator()(const adapter::event& /*delivered*/) noexcept { ++work.errors; }

    static constexpr std::uint32_t batch = 64;
    A mechanism;
    tally work;

  private:
    std::vector<flow>& flows_;
};

template <class A>
[[gnu::noinline]] void kevbench_hot_footprint(registration<A>& state, std::uint64_t operations) {
    for (std::uint64_t left = operations; left != 0; --left) {
        const int delivered = state.mechanism.wait(0, state.batch, state);
        if (delivered < 0) [[unlikely]] {
            ++state.work.errors;
            continue;
        }
        state.work.count_wait(static_cast<std::uint32_t>(delivered));
    }
}

namespace {

/// Fewer registrations than this drown in the free objects of the kernel's slabs.
constexpr std::uint32_t fewest_watches = 1000;
constexpr std::size_t repetitions = 5;

double median(std::array<double, repetitions> values) {
    std::sort(values.begin(), values.end());
    return values[repetitions / 2];
}

template <class A>
class footprint_cell final : public cell {
  public:
    footprint_cell(const table_plan& plan, const typename A::variant_type& variant)
        : plan_(plan), variant_(variant) {}

    void setup() override {
        channels_.emplace(plan_.source, plan_.registered, plan_.payload);
        buffers_.emplace(plan_.buffers, default_buffer_size(plan_.payload));
        flows_ = std::vector<flow>(plan_.registered);
        for (std::uint32_t at = 0; at < plan_.registered; ++at) {
            flows_[at].fd = channels_->watched(at);
            flows_[at].socket = is_socket(plan_.source);
            flows_[at].pipe = plan_.source == source_kind::pipe;
            flows_[at].interest = adapter::bits::readable;
        }
        measure();
        registered_.emplace(flows_, *buffers_, variant_);
        registered_->add_all();
    }

    void run(std::uint64_t operations, observer* /*timing*/, tally& work) override {
        registered_->work = tally{};
        kevbench_hot_footprint(*registered_, operations);
        registered_->work.operations = operations;
        work += registered_->work;
        if (registered_->work.errors != 0) {
            throw fault("an idle descriptor was reported or a wait failed");
        }
    }

    void teardown() override {
        registered_.reset();
        flows_.clear();
        buffers_.reset();
        channels_.reset();
    }

    [[nodiscard]] double kernel_bytes_per_watch() const override { return kernel_bytes_; }
    [[nodiscard]] double user_bytes_per_watch() const override { return user_bytes_; }
    [[nodiscard]] std::string memory_note() const override { return note_; }

  private:
    void measure() {
        const kernel_memory_meter meter;
        note_ = meter.how();
        if (plan_.registered < fewest_watches) {
            note_ = fmt::format("not measured: needs registered={} or more", fewest_watches);
            return;
        }
        // One CPU, so that one CPU's free objects at most are counted as used.
        const cpu_binding here{static_cast<unsigned>(std::max(::sched_getcpu(), 0))};
        std::array<double, repetitions> kernel{};
        kernel_memory_meter::reading empty;
        for (std::size_t at = 0; at < repetitions; ++at) {
            registration<A> fresh{flows_, *buffers_, variant_};
            const std::int64_t resident = resident_bytes();
            if (!meter.usable()) {
                fresh.add_all();
            } else {
                if (at == 0) {
                    empty = meter.settled();
                }
                const kernel_memory_meter::reading before =
                    meter.once_freed(empty, at == 0 ? 0 : kernel[at - 1], plan_.registered);
                fresh.add_all();
                kernel[at] = meter.bytes_per_watch(before, meter.take(), plan_.registered);
            }
            if (at == 0) {
                // Later repetitions find the process's memory in place already.
                user_bytes_ = std::max(
                    0.0, static_cast<double>(resident_bytes() - resident) / plan_.registered);
            }
        }
        if (meter.usable()) {
            kernel_bytes_ = median(kernel);
        }
    }

    table_plan plan_;
    typename A::variant_type variant_;
    std::optional<channel_set> channels_;
    std::optional<buffer_pool> buffers_;
    std::vector<flow> flows_;
    std::optional<registration<A>> registered_;
    double kernel_bytes_ = -1;
    double user_bytes_ = -1;
    std::string note_;
};

workload_info describe() {
    return {"footprint",
            "kernel and user memory of one registration",
            "call",
            {registered_parameter(10'000), source_parameter("eventfd")}};
}

std::unique_ptr<cell> make(std::string_view mechanism, std::string_view variant,
                           const parameters& values) {
    table_plan plan;
    plan.source = parse_source(values.choice("source"));
    plan.registered = static_cast<std::uint32_t>(values.number("registered"));
    plan.payload = effective_payload(plan.source, 8);
    return dispatch(
        mechanism, variant,
        [&]<class A, class>(const typename A::variant_type& chosen) -> std::unique_ptr<cell> {
            if constexpr (synthetic_adapter<A>) {
                throw not_available("not applicable: the null mechanism has no kernel behind it");
            } else {
                require_descriptor_range(chosen.fixed, plan.registered);
                return std::make_unique<footprint_cell<A>>(plan, chosen);
            }
        });
}

}  // namespace

const entry entries::footprint{describe, make};

}  // namespace kevbench::workload
