// SPDX-License-Identifier: MIT
//
// io_uring as a readiness mechanism: poll requests in the ring, reading and writing by ordinary
// system calls. "poll" arms one-shot requests, "multishot" one request that reports every activity.
//
// Registration is an entry in the submission queue, so add, modify and remove cost no system call
// of their own. The kernel lets go of a removed descriptor when the removal is submitted, by
// flush() or the next wait(). Timers, user events and reads of files are native sources: requests
// of their own.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>

#include "kevbench/adapter/contract.hpp"
#include "kevbench/adapter/detail/direct_io.hpp"
#include "kevbench/adapter/detail/ring.hpp"
#include "kevbench/adapter/detail/ring_poster.hpp"
#include "kevbench/adapter/detail/ring_slots.hpp"
#include "kevbench/adapter/detail/ring_timers.hpp"
#include "kevbench/adapter/native_sources.hpp"

namespace kevbench::adapter {

struct ring_poll_variant {
    traits fixed;
    ring_mode mode = ring_mode::plain;
    bool multishot = false;
};

class ring_poll_adapter {
  public:
    using variant_type = ring_poll_variant;

    explicit ring_poll_adapter(const ring_poll_variant& variant)
        : variant_(variant), timers_(variant.multishot) {}
    ring_poll_adapter(const ring_poll_adapter&) = delete;
    ring_poll_adapter& operator=(const ring_poll_adapter&) = delete;
    ~ring_poll_adapter() = default;

    static std::span<const ring_poll_variant> variants();
    static availability probe(const ring_poll_variant& variant);

    [[nodiscard]] const traits& describe() const noexcept { return variant_.fixed; }
    int open(const config& settings) noexcept;
    int add(watch& target) noexcept;
    int modify(watch& target) noexcept;
    int remove(watch& target) noexcept;
    submission submit(const operation& op) noexcept { return detail::perform(op); }
    int flush() noexcept { return ring_.submit(); }
    void close() noexcept;

    int add_timer(watch& target, const timer_plan& plan) noexcept;
    int rearm_timer(watch& target, const timer_plan& plan) noexcept;
    int add_user(watch& target) noexcept { return slots_.acquire_native(target); }
    int add_reader(watch& target) noexcept { return slots_.acquire_native(target); }
    int start_read(watch& target, const file_read& read) noexcept;
    class poster_type;

    template <class Sink>
    int wait(std::int64_t timeout, std::uint32_t max, Sink&& sink) {
        const std::uint32_t limit = std::min(max, max_batch_);
        std::uint32_t delivered = 0;
        // Left-overs of removed watches deliver nothing, hence the loop.
        while (delivered == 0) {
            const int status = ring_.settle(timeout);
            if (status <= 0) {
                return status;
            }
            const unsigned tail = ring_.tail();
            for (unsigned head = ring_.head(); head != tail && delivered < limit;) {
                const detail::completion done = ring_.at(head);
                ring_.release_until(++head);
                slot_type* const slot = slots_.find(detail::request_id{done.user_data});
                if (slot == nullptr) {
                    continue;
                }
                event report{slot->target, static_cast<std::uint32_t>(done.result), 0, nullptr};
                if ((done.flags & IORING_CQE_F_MORE) == 0 || done.result < 0) {
                    if (!conclude(*slot, done, report)) {
                        continue;
                    }
                }
                sink(report);
                ++delivered;
            }
        }
        return static_cast<int>(delivered);
    }

  private:
    struct arming {
        bool armed = false;  ///< a request is in the kernel or the submission queue
        detail::request_kind kind = detail::request_kind::receive;  ///< of that request
    };
    using slot_type = detail::ring_slot<arming>;

    int arm(slot_type& slot) noexcept;
    int disarm(slot_type& slot, std::uint32_t number) noexcept;
    int start_timer(slot_type& slot) noexcept;
    /// Blocks until the kernel no longer writes to the buffer of the read under way.
    int abandon_read(const slot_type& slot, std::uint32_t number) noexcept;
    /// A request is finished or failed; true if `report`, completed here, is to be delivered.
    bool conclude(slot_type& slot, const detail::completion& done, event& report) noexcept;
    bool conclude_poll(slot_type& slot, bool last, event& report) noexcept;
    bool conclude_timer(slot_type& slot, bool last, event& report) noexcept;
    bool conclude_read(slot_type& slot, event& report) noexcept;

    ring_poll_variant variant_;
    detail::ring_slots<arming> slots_;
    detail::ring_timers timers_;
    detail::ring ring_;
    std::uint32_t max_batch_ = 0;
};

class ring_poll_adapter::poster_type {
  public:
    int open(ring_poll_adapter& adapter) noexcept;
    int post(watch& target) noexcept;

  private:
    ring_poll_adapter* adapter_ = nullptr;
    detail::ring_poster ring_;
};

}  // namespace kevbench::adapter
