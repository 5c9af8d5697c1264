// SPDX-License-Identifier: MIT
//
// The null adapter: no kernel behind it. A workload that posts events itself and runs its usual
// loop over this adapter costs what the harness costs, so its figure is the floor below every
// other one and is printed in every report.
#pragma once

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <span>
#include <unordered_set>
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

    /// Makes `target`, which must be registered, readable with `bytes` to receive. Does not block
    /// or allocate. False, and nothing posted, when as many events are pending as max_watches +
    /// max_batch rounded up to a power of two; those being delivered are pending until wait()
    /// returns.
    bool post(watch& target, std::uint32_t bytes = 1) noexcept {
        if (tail_ == limit_) [[unlikely]] {
            return false;
        }
        *tail_++ = &target;
        target.slot += bytes;
        return true;
    }

    submission submit(const operation& op) noexcept {
        if (op.kind == op_kind::send) {
            return {verdict::done, static_cast<std::int32_t>(op.size)};
        }
        const auto unread = static_cast<std::int32_t>(op.target->slot);
        if (unread <= 0 || op.kind == op_kind::accept) [[unlikely]] {
            return {verdict::done, -EAGAIN};
        }
        if (static_cast<std::size_t>(unread) <= op.size) [[likely]] {
            op.target->slot = 0;
            return {verdict::done, unread};
        }
        op.target->slot -= static_cast<std::uint32_t>(op.size);
        return {verdict::done, static_cast<std::int32_t>(op.size)};
    }

    /// Never blocks: 0 when nothing is posted, as after a timeout; -EDEADLK instead when asked to
    /// wait for ever, since only the calling thread could post.
    template <class Sink>
    int wait(std::int64_t timeout, std::uint32_t max, Sink&& sink) {
        const auto limit = static_cast<std::ptrdiff_t>(std::min(max, max_batch_));
        std::ptrdiff_t count = std::min(tail_ - head_, limit);
        if (count == 0) {
            return timeout < 0 && limit != 0 ? -EDEADLK : 0;
        }
        watch** at = head_;
        last_ = end_ = at + count;
        do {
            do {
                sink(event{*at, bits::readable, 0, nullptr});
                ++at;
            } while (at < end_);
            if (at != last_) [[unlikely]] {
                const std::ptrdiff_t withdrawn = count_withdrawn(at);
                count -= withdrawn;
                at += withdrawn;
            }
        } while (at != last_);
        finish();
        return static_cast<int>(count);
    }

  private:
    /// How many entries from `at` on have been blanked, one after another.
    [[nodiscard, gnu::cold]] std::ptrdiff_t count_withdrawn(watch* const* at) const noexcept;

    /// Takes the delivered batch off the queue, which is moved back to the start of its memory when
    /// it is empty, or when the room behind it is less than it may grow to.
    void finish() noexcept {
        head_ = last_;
        if (head_ == tail_) [[likely]] {
            head_ = tail_ = first_;
        } else if (head_ > middle_) {
            tail_ = std::copy(head_, tail_, first_);
            head_ = first_;
        }
        limit_ = head_ + (middle_ - first_);
        last_ = end_ = head_;
    }

    null_variant variant_;
    // The queue: [head_, tail_) is pending, [head_, last_) being delivered. Entries are blanked on
    // removal. A watch's slot holds its bytes unread.
    std::vector<watch*> memory_;  // twice as many as may be pending
    watch** head_ = nullptr;
    watch** tail_ = nullptr;
    watch** limit_ = nullptr;   // tail_ of a full queue
    watch** last_ = nullptr;    // one past the batch
    watch** end_ = nullptr;     // the same, or head_ once an entry has been blanked
    watch** first_ = nullptr;   // of the memory
    watch** middle_ = nullptr;  // of the memory
    std::unordered_set<const watch*> registered_;
    std::uint32_t max_watches_ = 0;
    std::uint32_t max_batch_ = 0;
};

}  // namespace kevbench::adapter
