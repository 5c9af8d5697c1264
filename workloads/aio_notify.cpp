// SPDX-License-Identifier: MIT
//
// aio_notify: reads of a file that end as events. kevent and io_uring read by themselves; the
// others start reads by Linux AIO and watch the eventfd that announces their end.
//
// One operation is one read of 4096 bytes, all of which are checked. Several are started before
// the wait; mechanisms that can, start them in one call.
#include <sys/eventfd.h>

#include <cstring>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "engine/checksum.hpp"
#include "engine/common_parameters.hpp"
#include "engine/dispatch.hpp"
#include "engine/entry.hpp"
#include "engine/file_reads.hpp"
#include "engine/source_rounds.hpp"
#include "engine/via.hpp"
#include "kevbench/adapter/native_sources.hpp"

namespace kevbench::workload {

struct read_plan : source_plan {
    bool direct = false;
};

template <class A, class Policy, way Way>
class read_state : public source_table<A>, public consumer<read_state<A, Policy, Way>, Policy> {
  public:
    read_state(const read_plan& plan, const typename A::variant_type& variant)
        : source_table<A>(plan, variant), blocks_(std::bit_ceil(plan.active), block_size) {
        if constexpr (Way != way::posted) {
            file_.emplace(plan.direct);
        }
        if constexpr (Way == way::descriptor) {
            descriptor made{::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)};
            this->watch_descriptor(hub_, std::move(made));
            aio_.emplace(plan.active, hub_.fd);
        }
        for (source_watch& each : this->watches) {
            if constexpr (Way == way::posted) {
                require_registered(this->mechanism.add(each), this->mechanism.describe(), -1);
            } else if constexpr (Way == way::native) {
                require_native(this->mechanism.add_reader(each), this->mechanism.describe(),
                               "reads of files");
            }
        }
        require_registered(this->mechanism.flush(), this->mechanism.describe(), -1);
    }
    read_state(const read_state&) = delete;
    read_state& operator=(const read_state&) = delete;
    ~read_state() {
        aio_.reset();  // before the eventfd it writes to
        this->mechanism.close();
    }

    void on_occurred(adapter::watch& target, int result) noexcept {
        take(static_cast<source_watch&>(target), result);
    }
    void on_data(adapter::watch& target, const std::byte* /*data*/, std::size_t size) noexcept {
        if constexpr (Way == way::posted) {
            this->account(static_cast<source_watch&>(target), size);
            this->work.bytes += size * block_size;
        } else if constexpr (Way == way::descriptor) {
            for (const io_event& each : aio_->take()) {
                take(this->watches[each.data], each.res);
            }
        }
    }

    bool stimulate(std::uint64_t number) noexcept {
        source_watch& chosen = this->next_turn();
        this->stamp(chosen);
        const auto at = static_cast<std::uint32_t>(&chosen - this->watches.data());
        const std::int64_t offset =
            static_cast<std::int64_t>(number % file_blocks) * std::int64_t{block_size};
        if constexpr (Way == way::posted) {
            return this->mechanism.post(chosen, 1);
        } else if constexpr (Way == way::native) {
            return this->mechanism.start_read(chosen,
                                              {file_->get(), block(at), block_size, offset}) == 0;
        } else {
            aio_->prepare(at, file_->get(), block(at), offset);
            return true;
        }
    }
    bool begin_waiting() noexcept {
        if constexpr (Way == way::descriptor) {
            return aio_->submit();
        } else {
            return true;
        }
    }

  private:
    [[nodiscard]] std::byte* block(std::uint32_t at) const noexcept {
        return blocks_.set().base + std::size_t{at} * block_size;
    }
    void take(source_watch& from, std::int64_t result) noexcept {
        if (result != std::int64_t{block_size}) {
            this->give_up();
            return;
        }
        const std::uint64_t before = this->order;
        this->account(from, 1);
        flow_checksum sum;
        const auto at = static_cast<std::uint32_t>(&from - this->watches.data());
        this->order = before + sum.absorb_message(block(at), block_size);
        this->work.bytes += block_size;
    }

    buffer_pool blocks_;
    std::optional<block_file> file_;
    source_watch hub_;
    std::optional<aio_context> aio_;
};

namespace {

workload_info describe() {
    parameter active = burst_parameter(1);
    active.max = 64;
    active.help = "reads under way at once";
    parameter cache;
    cache.name = "cache";
    cache.initial_choice = "on";
    cache.choices = {"on", "off"};
    cache.help = "from the page cache, or from the device (O_DIRECT)";
    return {"aio_notify",
            "reads of a file that end as events: starting one, and being told of its end",
            "read",
            {active, batch_parameter(64), cache, via_parameter()},
            true};
}

std::unique_ptr<cell> make(std::string_view mechanism, std::string_view variant,
                           const parameters& values) {
    read_plan plan;
    plan.active = static_cast<std::uint32_t>(values.number("active"));
    plan.registered = plan.active;
    plan.batch = static_cast<std::uint32_t>(values.number("batch"));
    plan.turns = seeded_permutation(plan.registered);
    plan.direct = values.choice("cache") == "off";
    return dispatch(
        mechanism, variant,
        [&]<class A, class Policy>(
            const typename A::variant_type& chosen) -> std::unique_ptr<cell> {
            return choose_way<A, adapter::file_source<A>>(
                values.choice("via"), [&]<way Way>() -> std::unique_ptr<cell> {
                    return std::make_unique<source_cell<read_state<A, Policy, Way>, read_plan>>(
                        std::move(plan), chosen, name_way(Way, "linux-aio"));
                });
        });
}

}  // namespace

const entry entries::aio_notify{describe, make};

}  // namespace kevbench::workload
