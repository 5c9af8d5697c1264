// SPDX-License-Identifier: MIT
//
// No event mechanism at all: every watch is reported readable on every wait, and the consumer finds
// out by trying. It makes the null server, which calibrates load generators (what do they reach
// alone?) and is never a contestant: it spins, and its cost grows with the number of connections.
//
// Why not blocking calls: more than one kept-open connection would need a thread each, and at a
// request per thread switch such a server is slower than those it is to be an upper bound for.
#pragma once

#include <errno.h>
#include <sched.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <new>
#include <span>
#include <vector>

#include "kevbench/adapter/contract.hpp"
#include "kevbench/adapter/detail/direct_io.hpp"

namespace kevbench::workload::http {

struct sweep_variant {
    adapter::traits fixed;
};

/// An event_adapter for sockets whose descriptors are all tried in turn. wait() never blocks,
/// whatever its timeout; it yields the processor after a round in which no operation succeeded.
class sweep_adapter {
  public:
    using variant_type = sweep_variant;

    static std::span<const sweep_variant> variants() noexcept {
        static constexpr std::array all{
            sweep_variant{{"null", "null", adapter::trigger::level, adapter::read_discipline::once,
                           adapter::caps::modify, 0}}};
        return all;
    }
    static adapter::availability probe(const sweep_variant& /*variant*/) { return {}; }

    explicit sweep_adapter(const sweep_variant& variant) : fixed_(variant.fixed) {}

    [[nodiscard]] const adapter::traits& describe() const noexcept { return fixed_; }

    int open(const adapter::config& settings) noexcept {
        try {
            watches_.resize(settings.max_watches);
            free_.reserve(settings.max_watches);
        } catch (const std::bad_alloc&) {
            return -ENOMEM;
        }
        for (std::uint32_t at = settings.max_watches; at != 0; --at) {
            free_.push_back(at - 1);
        }
        return 0;
    }
    int add(adapter::watch& target) noexcept {
        if (free_.empty()) {
            return -ENOSPC;
        }
        target.slot = free_.back();
        free_.pop_back();
        watches_[target.slot] = &target;
        used_ = std::max(used_, target.slot + 1);
        return 0;
    }
    /// The interest is read anew on every round.
    int modify(adapter::watch& /*target*/) noexcept { return 0; }
    int remove(adapter::watch& target) noexcept {
        watches_[target.slot] = nullptr;
        free_.push_back(target.slot);
        return 0;
    }
    adapter::submission submit(const adapter::operation& op) noexcept {
        const adapter::submission answer = adapter::detail::perform(op);
        productive_ = productive_ || answer.result >= 0;
        return answer;
    }
    int flush() noexcept { return 0; }

    template <class Sink>
    int wait(std::int64_t /*timeout*/, std::uint32_t max, Sink&& sink) {
        if (next_ >= used_) {
            if (!productive_) {
                ::sched_yield();
            }
            productive_ = false;
            next_ = 0;
        }
        int delivered = 0;
        for (const std::uint32_t end = std::min(next_ + max, used_); next_ < end;) {
            adapter::watch* const each = watches_[next_++];
            if (each != nullptr && each->interest != 0) {
                sink(adapter::event{each, each->interest, 0, nullptr});
                ++delivered;
            }
        }
        return delivered;
    }
    void close() noexcept { used_ = next_ = 0; }

  private:
    adapter::traits fixed_;
    std::vector<adapter::watch*> watches_;  // by slot; null = free
    std::vector<std::uint32_t> free_;
    std::uint32_t used_ = 0;  // one more than the highest slot ever used
    std::uint32_t next_ = 0;
    bool productive_ = true;  // an operation of this round did something
};
static_assert(adapter::event_adapter<sweep_adapter>);

}  // namespace kevbench::workload::http
