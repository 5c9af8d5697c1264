// SPDX-License-Identifier: MIT
//
// kevent through the mapped ring: records are there when the event happens, so a consumer that
// finds some makes no call. Calls are made when the ring is empty, when the kernel asks for one
// (level-triggered watches are looked at again inside calls only), and for registrations; the
// "+batch" variants hand those over in the call that waits.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "kevbench/adapter/kevent_control.hpp"

namespace kevbench::adapter {

class kevent_mapped_adapter : public kevent_control {
  public:
    explicit kevent_mapped_adapter(const kevent_variant& variant) : kevent_control(variant) {}
    ~kevent_mapped_adapter() { close(); }

    static std::span<const kevent_variant> variants();
    static availability probe(const kevent_variant& variant);

    int open(const config& settings) noexcept;
    void close() noexcept;

    template <class Sink>
    int wait(std::int64_t timeout, std::uint32_t max, Sink&& sink) {
        const std::uint32_t limit = std::min(max, max_batch_);
        std::uint32_t delivered = 0;
        // A batch can consist of records of removed watches alone, hence the loop.
        do {
            std::uint32_t count = changes_.empty() ? kevent_mapped_count(&mapped_) : 0;
            // Watches that the kernel has to look at again get their turn after one round of the
            // others, at the latest.
            if (count == 0 || (since_call_ >= round_ && kevent_mapped_flags(&mapped_) != 0)) {
                const int status = enter(timeout);
                if (status < 0) {
                    return status;
                }
                if (!refused_.empty()) [[unlikely]] {
                    delivered = deliver_refused(sink);
                    continue;
                }
                count = static_cast<std::uint32_t>(status);
                if (count == 0) {
                    return 0;
                }
            }
            count = take(std::min(count, limit));
            for (const record *at = batch_.data(), *const end = at + count; at != end; ++at) {
                delivered += deliver(at->user, at->ret_data, at->ret_flags, sink);
            }
        } while (delivered == 0);
        return static_cast<int>(delivered);
    }

  private:
    /// What of a record matters here.
    struct record {
        std::uint64_t user;
        std::array<std::uint32_t, 2> ret_data;
        std::uint32_t ret_flags;
    };

    /// Copies records and gives their slots back; they may be acted on afterwards.
    std::uint32_t take(std::uint32_t count) noexcept {
        const ukevent* const events = mapped_.ring->event;
        for (std::uint32_t at = 0; at < count; ++at) {
            const ukevent& each = events[(mapped_.head + at) & mapped_.mask];
            batch_[at] = {each.user_u64, {each.ret_data[0], each.ret_data[1]}, each.ret_flags};
        }
        kevent_mapped_release(&mapped_, count);
        since_call_ += count;
        return count;
    }
    /// Hands over changes and waits for a record. How many there are, 0 at the timeout, or -errno.
    int enter(std::int64_t timeout) noexcept;

    kevent_mapped mapped_{};
    std::vector<record> batch_;
    std::uint32_t since_call_ = 0;  ///< records taken since the last call
    std::uint32_t round_ = 0;
    pid_t owner_ = 0;  ///< a child has no mapping
};

}  // namespace kevbench::adapter
