// SPDX-License-Identifier: MIT
//
// io_uring as a readiness mechanism: poll requests in the ring, reading and writing by ordinary
// system calls. "poll" arms one-shot requests, "multishot" one request that reports every activity.
//
// Registration is an entry in the submission queue, so add, modify and remove cost no system call
// of their own. The kernel lets go of a removed descriptor when the removal is submitted, by
// flush() or the next wait().
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>

#include "kevbench/adapter/contract.hpp"
#include "kevbench/adapter/detail/direct_io.hpp"
#include "kevbench/adapter/detail/ring.hpp"
#include "kevbench/adapter/detail/ring_slots.hpp"

namespace kevbench::adapter {

struct ring_poll_variant {
    traits fixed;
    ring_mode mode = ring_mode::plain;
    bool multishot = false;
};

class ring_poll_adapter {
  public:
    using variant_type = ring_poll_variant;

    explicit ring_poll_adapter(const ring_poll_variant& variant) : variant_(variant) {}
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
                if ((done.flags & IORING_CQE_F_MORE) == 0) {
                    if (!ended(*slot, done.result)) {
                        continue;
                    }
                }
                if (done.result >= 0) [[likely]] {
                    sink(event{slot->target, static_cast<std::uint32_t>(done.result), 0, nullptr});
                } else {
                    sink(event{slot->target, bits::broken, done.result, nullptr});
                }
                ++delivered;
            }
        }
        return static_cast<int>(delivered);
    }

  private:
    struct arming {
        bool armed = false;  ///< a request is in the kernel or the submission queue
    };
    using slot_type = detail::ring_slot<arming>;

    int arm(slot_type& slot) noexcept;
    int disarm(slot_type& slot, std::uint32_t number) noexcept;
    /// A request is finished; true if its result is to be delivered.
    bool ended(slot_type& slot, std::int32_t result) noexcept;

    ring_poll_variant variant_;
    detail::ring_slots<arming> slots_;
    detail::ring ring_;
    std::uint32_t max_batch_ = 0;
};

}  // namespace kevbench::adapter
