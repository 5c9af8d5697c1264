// SPDX-License-Identifier: MIT
//
// The null adapter: no kernel behind it. A workload that posts events itself and runs its usual
// loop over this adapter costs what the harness costs, so its figure is the floor below every
// other one and is printed in every report.
#pragma once

#include <errno.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "kevbench/adapter/contract.hpp"

namespace kevbench::adapter {

struct null_variant {
    traits fixed;
};

/// Every post() is reported once, in order. Nothing is ever received into the caller's buffer: the
/// byte counts are right, the bytes are whatever the buffer held.
class null_adapter {
  public:
    using variant_type = null_variant;
    /// Lets a workload replace its stimulus (a write to a descriptor) by post() at compile time.
    static constexpr bool synthetic = true;

    explicit null_adapter(const null_variant& variant) : variant_(variant) {}
    null_adapter(const null_adapter&) = delete;
    null_adapter& operator=(const null_adapter&) = delete;
    ~null_adapter() = default;

    static std::span<const null_variant> variants();
    static availability probe(const null_variant&) { return {}; }

    [[nodiscard]] const traits& describe() const noexcept { return variant_.fixed; }
    int open(const config& settings) noexcept;
    /// The descriptor is not looked at; any number will do, also for several watches.
    int add(watch& target) noexcept;
    int modify(watch& target) noexcept;
    int remove(watch& target) noexcept;
    int flush() noexcept { return 0; }
    void close() noexcept;

    /// Makes `target`, which must be registered, ready for `ready` with `bytes` to receive. Does
    /// not block or allocate. False, and nothing posted, when as many events are pending as
    /// max_watches + max_batch rounded up to a power of two.
    bool post(watch& target, std::uint32_t bytes = 1,
              std::uint32_t ready = bits::readable) noexcept {
        if (tail_ - head_ > mask_) {
            return false;
        }
        pending_[tail_++ & mask_] = {&target, ready, 0, nullptr};
        unread_[target.slot] += bytes;
        return true;
    }

    submission submit(const operation& op) noexcept {
        std::size_t moved = op.size;
        if (op.kind != op_kind::send) {
            std::uint64_t& unread = unread_[op.target->slot];
            moved = std::min<std::uint64_t>(unread, op.size);
            unread -= moved;
            if (moved == 0 || op.kind == op_kind::accept) {
                return {verdict::done, -EAGAIN};
            }
        }
        return {verdict::done, static_cast<std::int32_t>(moved)};
    }

    /// Never blocks: 0 when nothing is posted, as after a timeout; -EDEADLK instead when asked to
    /// wait for ever, since only the calling thread could post.
    template <class Sink>
    int wait(std::int64_t timeout, std::uint32_t max, Sink&& sink) {
        const std::uint32_t limit = std::min(max, max_batch_);
        const std::uint32_t count = std::min(tail_ - head_, limit);
        if (count == 0) {
            return timeout < 0 && limit != 0 ? -EDEADLK : 0;
        }
        const std::uint32_t first = head_;
        end_ = first + count;
        while (head_ != end_) {
            const event delivered = pending_[head_++ & mask_];
            sink(delivered);
        }
        return static_cast<int>(end_ - first);
    }

  private:
    null_variant variant_;
    std::vector<event> pending_;         // ring, indexed modulo its size
    std::vector<std::uint64_t> unread_;  // bytes by slot
    std::vector<watch*> slots_;
    std::vector<std::uint32_t> free_;
    std::uint32_t head_ = 0;
    std::uint32_t tail_ = 0;
    std::uint32_t end_ = 0;  // of the batch being delivered
    std::uint32_t mask_ = 0;
    std::uint32_t max_batch_ = 0;
};

}  // namespace kevbench::adapter
