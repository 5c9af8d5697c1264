// SPDX-License-Identifier: MIT
//
// kevent as it was in 2006: a call for each batch of events, which get_events copies to the caller
// ("get") or which go into a ring in memory of the program ("ring"). The ring is committed and
// waited for in one call.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "kevbench/adapter/kevent_control.hpp"

namespace kevbench::adapter {

class kevent_queue_adapter : public kevent_control {
  public:
    explicit kevent_queue_adapter(const kevent_variant& variant) : kevent_control(variant) {}
    ~kevent_queue_adapter() { close(); }

    static std::span<const kevent_variant> variants();
    static availability probe(const kevent_variant& variant);

    int open(const config& settings) noexcept;
    /// See sharing.hpp: the same queue by a descriptor of its own. Not with the ring of 2006.
    int attach(const kevent_queue_adapter& first, const config& settings) noexcept;
    void close() noexcept;

    template <class Sink>
    int wait(std::int64_t timeout, std::uint32_t max, Sink&& sink) {
        const std::uint32_t limit = std::min(max, max_batch_);
        std::uint32_t delivered = 0;
        // A batch can consist of records of removed watches alone, hence the loop.
        do {
            const int count = fetch(timeout, limit);
            if (count <= 0) {
                return count;
            }
            const ukevent* const end = batch_ + count;
            for (const ukevent* at = batch_; at != end; ++at) {
                delivered +=
                    deliver(at->user_u64, {at->ret_data[0], at->ret_data[1]}, at->ret_flags, sink);
            }
        } while (delivered == 0);
        return static_cast<int>(delivered);
    }

  private:
    struct release_ring {
        void operator()(std::byte* memory) const noexcept;
    };

    int open_ring(std::uint32_t entries) noexcept;
    /// Lets `batch_` begin at up to `limit` new records and returns how many; 0 or -errno.
    int fetch(std::int64_t timeout, std::uint32_t limit) noexcept;
    int fetch_from_ring(std::int64_t timeout, std::uint32_t limit) noexcept;

    const ukevent* batch_ = nullptr;
    std::vector<ukevent> storage_;                       // get
    std::unique_ptr<std::byte[], release_ring> memory_;  // ring
    kevent_ring* ring_ = nullptr;
    std::uint32_t ring_size_ = 0;
    std::uint32_t next_ = 0;  ///< the slot after the last that was delivered
    std::uint32_t laps_ = 0;  ///< ring_over as of the last commit
    std::uint32_t held_ = 0;  ///< delivered slots that are not committed yet
};

}  // namespace kevbench::adapter
