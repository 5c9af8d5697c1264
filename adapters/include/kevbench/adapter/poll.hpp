// SPDX-License-Identifier: MIT
//
// poll and ppoll. The array the system call wants is kept between calls, dense, so that its cost is
// that of the call itself; removal leaves a hole that the next wait() fills from the end.
#pragma once

#include <errno.h>
#include <poll.h>

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

#include "kevbench/adapter/contract.hpp"
#include "kevbench/adapter/detail/descriptor_index.hpp"
#include "kevbench/adapter/detail/direct_io.hpp"
#include "kevbench/adapter/detail/timeout.hpp"

namespace kevbench::adapter {

struct poll_variant {
    traits fixed;
    bool precise = false;  ///< ppoll
};

class poll_adapter {
  public:
    using variant_type = poll_variant;

    explicit poll_adapter(const poll_variant& variant) : variant_(variant) {}
    poll_adapter(const poll_adapter&) = delete;
    poll_adapter& operator=(const poll_adapter&) = delete;
    ~poll_adapter() = default;

    static std::span<const poll_variant> variants();
    static availability probe(const poll_variant& variant);

    [[nodiscard]] const traits& describe() const noexcept { return variant_.fixed; }
    int open(const config& settings) noexcept;
    int add(watch& target) noexcept;
    int modify(watch& target) noexcept;
    int remove(watch& target) noexcept;
    submission submit(const operation& op) noexcept { return detail::perform(op); }
    int flush() noexcept { return 0; }
    void close() noexcept;

    template <class Sink>
    int wait(std::int64_t timeout, std::uint32_t max, Sink&& sink) {
        if (!holes_.empty()) {
            fill_holes();
        }
        const auto count = static_cast<std::uint32_t>(entries_.size());
        int ready = 0;
        if (variant_.precise) {
            timespec storage;
            ready = ::ppoll(entries_.data(), count, detail::to_timespec(timeout, storage), mask_);
        } else {
            ready = ::poll(entries_.data(), count, detail::to_milliseconds(timeout));
        }
        if (ready <= 0) {
            return ready == 0 ? 0 : -errno;
        }
        return deliver(static_cast<std::uint32_t>(ready), std::min(max, max_batch_), sink);
    }

  private:
    /// Scans from where a batch that was too small for all ready watches ended, so that busy
    /// watches at the front do not starve those behind them; otherwise from the front.
    template <class Sink>
    int deliver(std::uint32_t ready, std::uint32_t limit, Sink& sink) {
        const auto count = static_cast<std::uint32_t>(entries_.size());
        const std::uint32_t wanted = std::min(ready, limit);
        const std::uint32_t first = resume_ < count ? resume_ : 0;
        std::uint32_t delivered = 0;
        std::uint32_t at = first;
        for (; at < count && delivered < wanted; ++at) {
            delivered += report(at, sink);
        }
        if (delivered < wanted) {
            for (at = 0; at < first && delivered < wanted; ++at) {
                delivered += report(at, sink);
            }
        }
        resume_ = ready > limit ? at : 0;
        return static_cast<int>(delivered);
    }

    template <class Sink>
    std::uint32_t report(std::uint32_t at, Sink& sink) {
        const auto revents = static_cast<std::uint16_t>(entries_[at].revents);
        if (revents == 0) {
            return 0;
        }
        if ((revents & POLLNVAL) != 0) {
            entries_[at].fd = ~entries_[at].fd;  // reported once; poll skips negative numbers
        }
        sink(event{targets_[at], revents, 0, nullptr});
        return 1;
    }

    [[nodiscard]] bool holds(const watch& target) const noexcept {
        return target.slot < targets_.size() && targets_[target.slot] == &target;
    }
    void fill_holes() noexcept;

    poll_variant variant_;
    std::vector<pollfd> entries_;
    std::vector<watch*> targets_;  // by the index of entries_; null = hole
    std::vector<std::uint32_t> holes_;
    std::uint32_t resume_ = 0;
    std::uint32_t max_batch_ = 0;
    std::uint32_t max_watches_ = 0;
    const sigset_t* mask_ = nullptr;
    detail::descriptor_index registered_;
};

}  // namespace kevbench::adapter
