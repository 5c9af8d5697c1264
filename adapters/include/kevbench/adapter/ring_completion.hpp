// SPDX-License-Identifier: MIT
//
// io_uring as a completion mechanism: the kernel receives, sends and accepts, and reports the
// result.
//   sockets    one multishot receive per watch, buffers from the provided-buffer ring
//   listeners  one multishot accept per watch
//   others     (eventfd, pipe) a read that is queued anew after each completion
//   sends      one under way per watch, in submission order; the next starts when it is finished
//   native     timers, user events and reads of files: requests of their own
//
// Level mode in the traits: nothing has to be drained or re-armed to be told of more data.
//
// Lifetime. A removed watch is never touched again: completions find slots, not watches (see
// ring_slots.hpp). Received data stays valid until the next wait(), which returns the buffers of
// the last batch. A send buffer belongs to the kernel until its completion has been seen; remove()
// and close() wait for that.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

#include "kevbench/adapter/contract.hpp"
#include "kevbench/adapter/detail/buffer_ring.hpp"
#include "kevbench/adapter/detail/ring.hpp"
#include "kevbench/adapter/detail/ring_poster.hpp"
#include "kevbench/adapter/detail/ring_slots.hpp"
#include "kevbench/adapter/detail/ring_timers.hpp"
#include "kevbench/adapter/detail/send_lines.hpp"
#include "kevbench/adapter/native_sources.hpp"

namespace kevbench::adapter {

struct ring_completion_variant {
    traits fixed;
    ring_mode mode = ring_mode::plain;
};

class ring_completion_adapter {
  public:
    using variant_type = ring_completion_variant;

    explicit ring_completion_adapter(const ring_completion_variant& variant) : variant_(variant) {}
    ring_completion_adapter(const ring_completion_adapter&) = delete;
    ring_completion_adapter& operator=(const ring_completion_adapter&) = delete;
    ~ring_completion_adapter() { close(); }

    static std::span<const ring_completion_variant> variants();
    static availability probe(const ring_completion_variant& variant);

    [[nodiscard]] const traits& describe() const noexcept { return variant_.fixed; }
    int open(const config& settings) noexcept;
    /// Interest is readable, acceptable or nothing (for sending only). Writability is not reported,
    /// the end of a send is: -EINVAL.
    int add(watch& target) noexcept;
    /// Starts or stops receiving. Data that arrived before is still delivered after a stop.
    int modify(watch& target) noexcept;
    int remove(watch& target) noexcept;
    /// Receiving and accepting go on by themselves: `queued`, restarted if it had ended. Sends:
    /// `full` while config::ring_entries of them are unfinished (max_watches + max_batch if that
    /// is 0), or the submission queue has no room.
    submission submit(const operation& op) noexcept;
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
        if (held_count_ != 0 || !starved_.empty()) {
            recycle();
        }
        if (stash_next_ != stash_.size()) [[unlikely]] {
            static_cast<void>(ring_.submit());
            if (const int delivered = deliver_stash(limit, sink); delivered != 0) {
                return delivered;
            }
            if (!starved_.empty()) {
                recycle();
            }
        }
        std::uint32_t delivered = 0;
        while (delivered == 0) {
            const int status = ring_.settle(timeout);
            if (status <= 0) {
                return status;
            }
            batch_tail_ = ring_.tail();
            // Both ends are read from memory: remove() from inside the sink may empty the queue.
            while (ring_.head() != batch_tail_ && delivered < limit) {
                const unsigned head = ring_.head();
                const detail::completion done = ring_.at(head);
                ring_.release_until(head + 1);
                delivered += take(done, sink);
            }
            if (delivered == 0 && !starved_.empty()) {
                recycle();
            }
        }
        return static_cast<int>(delivered);
    }

  private:
    struct stream {
        bool wanted = false;   ///< receiving or accepting is asked for
        bool armed = false;    ///< a request for it is in the kernel or the submission queue
        bool starved = false;  ///< waits in starved_ for a buffer
        detail::request_kind kind = detail::request_kind::receive;  ///< of that request
        detail::send_line sends;
    };
    using slot_type = detail::ring_slot<stream>;

    /// Delivers at most one event for one completion; returns how many.
    template <class Sink>
    std::uint32_t take(const detail::completion& done, Sink& sink) {
        const detail::request_id id{done.user_data};
        const bool last = (done.flags & IORING_CQE_F_MORE) == 0;
        if (last && is_own(id)) {
            --in_flight_;
        }
        slot_type* const slot = slots_.find(id);
        if (slot == nullptr) [[unlikely]] {
            discard(done);
            return 0;
        }
        if (id.kind() == detail::request_kind::receive && done.result > 0) [[likely]] {
            const std::uint32_t buffer = done.flags >> IORING_CQE_BUFFER_SHIFT;
            held_[held_count_++] = static_cast<std::uint16_t>(buffer);
            if (last) {
                rearm(*slot);
            }
            sink(event{slot->target, bits::received, done.result, buffers_.data(buffer)});
            return 1;
        }
        event other{slot->target, 0, done.result, nullptr};
        if (!conclude(*slot, id.kind(), last, done.flags, other)) {
            return 0;
        }
        sink(other);
        return 1;
    }

    template <class Sink>
    int deliver_stash(std::uint32_t limit, Sink& sink) {
        std::uint32_t delivered = 0;
        while (stash_next_ != stash_.size() && delivered < limit) {
            const detail::completion done = stash_[stash_next_++];
            delivered += take(done, sink);
        }
        if (stash_next_ == stash_.size()) {
            stash_.clear();
            stash_next_ = 0;
        }
        return static_cast<int>(delivered);
    }

    /// Counted in in_flight_.
    [[nodiscard]] static bool is_own(detail::request_id id) noexcept {
        return id.kind() != detail::request_kind::control &&
               id.kind() != detail::request_kind::post;
    }

    int start_receive(slot_type& slot) noexcept;
    int start_timer(slot_type& slot) noexcept;
    int start_send(slot_type& slot) noexcept;
    int cancel_receive(const slot_type& slot, std::uint32_t number) noexcept;
    void rearm(slot_type& slot) noexcept;
    /// Everything but received data. True if `report`, completed here, is to be delivered.
    bool conclude(slot_type& slot, detail::request_kind kind, bool last, std::uint32_t flags,
                  event& report) noexcept;
    bool conclude_send(slot_type& slot, event& report) noexcept;
    bool conclude_receive(slot_type& slot, bool last, event& report) noexcept;
    bool conclude_accept(slot_type& slot, bool last, event& report) noexcept;
    bool conclude_timer(slot_type& slot, bool last, event& report) noexcept;
    static bool conclude_read(slot_type& slot, event& report) noexcept;
    /// Takes back what a completion nobody waits for carries: a buffer or a connection.
    void discard(const detail::completion& done) noexcept;
    /// Returns the last batch's buffers and restarts receives that ran out of buffers: all of them
    /// unless there are completions, so that a wait may sleep.
    void recycle() noexcept;
    void restart(std::size_t most) noexcept;
    void starve(slot_type& slot) noexcept;
    /// Cancels the request of this kind under way and blocks until its completion has been seen.
    int await_end(const slot_type& slot, detail::request_kind kind) noexcept;
    int stash_completions() noexcept;
    void quiesce() noexcept;

    ring_completion_variant variant_;
    detail::ring_slots<stream> slots_;
    detail::ring_timers timers_{false};
    std::vector<std::uint16_t> held_;  // buffers of the batch being delivered
    std::uint32_t held_count_ = 0;
    std::uint32_t max_batch_ = 0;
    unsigned batch_tail_ = 0;
    std::vector<detail::completion> stash_;  // completions taken early, older than the queue's
    std::size_t stash_next_ = 0;
    std::vector<std::uint64_t> starved_;  // packed request_id
    detail::send_lines sends_;
    std::uint64_t in_flight_ = 0;  // requests whose last completion has not been handled
    detail::buffer_ring buffers_;  // outlives ring_
    detail::ring ring_;
};

class ring_completion_adapter::poster_type {
  public:
    int open(ring_completion_adapter& adapter) noexcept;
    int post(watch& target) noexcept;

  private:
    ring_completion_adapter* adapter_ = nullptr;
    detail::ring_poster ring_;
};

}  // namespace kevbench::adapter
