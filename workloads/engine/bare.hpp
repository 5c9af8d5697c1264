// SPDX-License-Identifier: MIT
//
// The adapter behind "null+bare" and "null+bare-drain". Where the workload's own thread makes
// descriptors readable it says which (note()), and these are delivered in that order; nothing
// waits. Where another thread does, every watch is delivered in turn and the receive itself blocks,
// which is enough for traffic that comes on all watches equally often.
#pragma once

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <new>
#include <vector>

#include "kevbench/adapter/contract.hpp"
#include "kevbench/adapter/detail/direct_io.hpp"
#include "kevbench/workload/bare.hpp"

namespace kevbench::workload {

struct bare_variant {
    adapter::traits fixed;
};

/// An event_adapter of sorts: it never reports what nobody noted, and sends and receives block.
class bare_adapter {
  public:
    using variant_type = bare_variant;

    explicit bare_adapter(const bare_variant& variant) : fixed_(variant.fixed) {}
    bare_adapter(const bare_adapter&) = delete;
    bare_adapter& operator=(const bare_adapter&) = delete;
    ~bare_adapter() = default;

    [[nodiscard]] const adapter::traits& describe() const noexcept { return fixed_; }

    int open(const adapter::config& settings) noexcept {
        try {
            noted_.resize(settings.max_watches);
            turns_.reserve(settings.max_watches);
        } catch (const std::bad_alloc&) {
            return -ENOMEM;
        }
        first_ = tail_ = noted_.data();
        return 0;
    }
    /// Makes the descriptor blocking, which it stays; not one that is no socket and is drained,
    /// since only noted descriptors can be.
    int add(adapter::watch& target) noexcept {
        const int flags = ::fcntl(target.fd, F_GETFL);
        const bool blocks = target.socket || !drains();
        if (flags < 0 || (blocks && ::fcntl(target.fd, F_SETFL, flags & ~O_NONBLOCK) != 0)) {
            return -errno;
        }
        if (target.interest != 0) {
            turns_.push_back(&target);
        }
        return 0;
    }
    int flush() noexcept { return 0; }
    void close() noexcept { turns_.clear(); }

    /// `target` has something to receive. At most max_watches may be noted and not delivered.
    void note(adapter::watch& target) noexcept { *tail_++ = &target; }

    adapter::submission submit(const adapter::operation& op) noexcept {
        if (op.kind != adapter::op_kind::receive || !op.target->socket) {
            return adapter::detail::perform(op);
        }
        const ssize_t moved =
            ::recv(op.target->fd, op.buffer, op.size, op.target == fresh_ ? 0 : MSG_DONTWAIT);
        fresh_ = nullptr;
        return {adapter::verdict::done, moved < 0 ? -errno : static_cast<std::int32_t>(moved)};
    }

    template <class Sink>
    int wait(std::int64_t /*timeout*/, std::uint32_t max, Sink&& sink) {
        if (tail_ == first_) {
            adapter::watch* const each = turns_[turn_];
            turn_ = turn_ + 1 == turns_.size() ? 0 : turn_ + 1;
            fresh_ = each;
            sink(adapter::event{each, adapter::bits::readable, 0, nullptr});
            return 1;
        }
        adapter::watch** const last = first_ + std::min<std::ptrdiff_t>(tail_ - first_, max);
        for (adapter::watch** at = first_; at != last; ++at) {
            sink(adapter::event{*at, adapter::bits::readable, 0, nullptr});
        }
        tail_ = std::copy(last, tail_, first_);
        return static_cast<int>(last - first_);
    }

  private:
    [[nodiscard]] bool drains() const noexcept {
        return fixed_.discipline == adapter::read_discipline::drain;
    }

    adapter::traits fixed_;
    const adapter::watch* fresh_ = nullptr;  // its first receive is to wait, further ones are not
    std::vector<adapter::watch*> noted_;     // [first_, tail_) is to be delivered
    adapter::watch** first_ = nullptr;
    adapter::watch** tail_ = nullptr;
    std::vector<adapter::watch*> turns_;  // those with an interest, as they were added
    std::size_t turn_ = 0;
};

}  // namespace kevbench::workload
