// SPDX-License-Identifier: MIT
//
// kevent as a completion mechanism: NAIO receives and sends, handed over in the call that waits.
//   sockets    a level-triggered kevent tells of data; a NAIO receive takes it inside the next
//              call, together with those of all others that have some
//   sends      a NAIO operation each, one under way per watch, in submission order; what does not
//              fit into the socket at once the kernel sends later, and a record tells of the end
//   listeners  a level-triggered kevent, and accept4() for each of its events
//   others     (eventfd, pipe) a level-triggered POLL, and read() or write(): NAIO is for sockets
//
// A receive starts when there is something to receive, so idle connections hold no buffer, and it
// ends inside the call that starts it: a receive that waits would be finished by a kernel thread,
// which costs two switches more than asking again. Results come back in the array of the call;
// records come by the mapped ring.
//
// Level mode in the traits: completions know no edge and no one-shot, nothing has to be drained or
// re-armed to be told of more data.
#pragma once

#include <sys/types.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "kevbench/adapter/detail/buffer_cycle.hpp"
#include "kevbench/adapter/detail/send_lines.hpp"
#include "kevbench/adapter/kevent_control.hpp"

namespace kevbench::adapter {

class kevent_naio_adapter {
  public:
    using variant_type = kevent_variant;

    explicit kevent_naio_adapter(const kevent_variant& variant) : variant_(variant) {}
    kevent_naio_adapter(const kevent_naio_adapter&) = delete;
    kevent_naio_adapter& operator=(const kevent_naio_adapter&) = delete;
    ~kevent_naio_adapter() { close(); }

    static std::span<const kevent_variant> variants();
    static availability probe(const kevent_variant& variant);

    [[nodiscard]] const traits& describe() const noexcept { return variant_.fixed; }
    int open(const config& settings) noexcept;
    /// Interest is readable, acceptable or nothing (for sending only); writable: -EINVAL.
    int add(watch& target) noexcept;
    /// Starts or stops receiving. A stop takes what has arrived by then, which is still delivered.
    int modify(watch& target) noexcept;
    /// Blocks until the kernel has let go of a send that is under way.
    int remove(watch& target) noexcept;
    /// Sends: `full` while config::ring_entries of them (max_watches + max_batch if that is 0) are
    /// unfinished or not yet reported.
    submission submit(const operation& op) noexcept;
    int flush() noexcept;
    void close() noexcept;

    template <class Sink>
    int wait(std::int64_t timeout, std::uint32_t max, Sink&& sink) {
        const std::uint32_t limit = std::min(max, max_batch_);
        for (const std::uint32_t buffer : held_) {
            buffers_.give_back(buffer);
        }
        held_.clear();
        std::uint32_t delivered = 0;
        while (delivered == 0) {
            const int status = advance(timeout, limit);
            if (status < 0) {
                return status;
            }
            delivered = deliver(limit, sink);
            if (status == 0) {
                break;
            }
        }
        return static_cast<int>(delivered);
    }

  private:
    static constexpr std::uint32_t none = std::numeric_limits<std::uint32_t>::max();

    struct stream {
        bool wanted = false;      ///< receiving or accepting is asked for
        bool over = false;        ///< it has ended: end of stream, or an error
        bool listening = false;   ///< accepting
        bool unpollable = false;  ///< a regular file: always ready
        bool queued = false;      ///< in ready_
        bool sending = false;     ///< the first of `sends` is in the kernel, or a change for it
        std::uint32_t mask = 0;   ///< event bits of its registration, as of the last change
        detail::send_line sends;
    };
    using slot_type = detail::ring_slot<stream>;

    /// Something that is finished and waits for delivery.
    struct finished {
        std::uint64_t user;
        std::uint32_t bits;
        std::int32_t result;
        std::uint32_t buffer;  ///< or none
    };
    /// What of a record matters here.
    struct record {
        std::uint64_t user;
        std::uint32_t ret_flags;
        std::uint32_t fired;   ///< or the low half of the bytes moved
        std::int32_t failure;  ///< with KEVENT_RET_BROKEN, of an operation: -errno
    };

    template <class Sink>
    std::uint32_t deliver(std::uint32_t limit, Sink& sink) {
        std::uint32_t delivered = 0;
        while (finished_next_ != finished_.size() && delivered < limit) {
            const finished done = finished_[finished_next_++];
            slot_type* const slot = slots_.find(detail::request_id{done.user});
            if (slot == nullptr) [[unlikely]] {
                discard(done);
                continue;
            }
            const std::byte* data = nullptr;
            if (done.buffer != none) [[likely]] {
                held_.push_back(done.buffer);  // within the reserve: one an event
                data = buffers_.data(done.buffer);
            }
            account(done);
            sink(event{slot->target, done.bits, done.result, data});
            ++delivered;
        }
        return delivered;
    }

    /// Reads records, hands over changes and waits. 1 = something may be finished, 0 = timeout, or
    /// -errno.
    int advance(std::int64_t timeout, std::uint32_t limit) noexcept;
    int enter(std::int64_t timeout) noexcept;
    void start_ready() noexcept;
    std::uint32_t take_records(std::uint32_t limit) noexcept;
    void handle(const record& each) noexcept;

    /// Brings the registration in line with what is wanted.
    int register_interest(slot_type& slot) noexcept;
    /// Keeps a change for the next call, or makes the call when too many have gathered.
    int postpone(const ukevent& change, const kevent_aio& parameters) noexcept;
    int postpone_removal(const slot_type& slot, std::uint32_t number) noexcept;
    /// Tells the kernel where the parameters of each change are.
    void place_parameters() noexcept;
    /// Takes the results of changes that the kernel has seen.
    void settle(bool any_came_back) noexcept;
    void settle_operation(const ukevent& change, const kevent_aio& parameters) noexcept;
    void settle_registration(const ukevent& change) noexcept;

    void start_receive(slot_type& slot) noexcept;
    void start_send(slot_type& slot) noexcept;
    void accept_one(slot_type& slot) noexcept;
    void write_on(slot_type& slot) noexcept;
    void receive_later(slot_type& slot) noexcept;
    void conclude_receive(slot_type& slot, std::int32_t result, std::uint32_t buffer) noexcept;
    void conclude_send(slot_type& slot, std::int32_t result) noexcept;
    void report(const slot_type& slot, std::uint32_t what, std::int32_t result,
                std::uint32_t buffer) noexcept;
    /// Takes back what an event nobody waits for carries: a buffer or a connection.
    void discard(const finished& done) noexcept;
    void account(const finished& done) noexcept {
        if (done.bits == bits::sent) {
            --unreported_sends_;
        } else {
            --unreported_others_;
        }
    }
    /// With the socket it names an operation: generations and kinds are told apart.
    [[nodiscard]] static std::uint32_t operation_number(detail::request_id id) noexcept {
        return (id.generation() << 2) | static_cast<std::uint32_t>(id.kind());
    }
    [[nodiscard]] detail::request_id identify(const slot_type& slot,
                                              detail::request_kind kind) const noexcept {
        return {slot.generation, slot.target->slot, kind};
    }

    kevent_variant variant_;
    kevent_mapped mapped_{};
    int queue_ = -1;
    pid_t owner_ = 0;  ///< a child has no mapping
    const sigset_t* mask_ = nullptr;
    std::uint32_t max_batch_ = 0;
    std::uint32_t since_call_ = 0;  ///< records taken since the last call
    std::uint32_t round_ = 0;
    detail::ring_slots<stream> slots_;
    detail::buffer_cycle buffers_;
    detail::send_lines sends_;
    std::vector<ukevent> changes_;        // for the next call; KEVENT_CTL_BATCH
    std::vector<kevent_aio> parameters_;  // of each change
    std::vector<ukevent> handed_over_;    // changes of the last call, while they are settled
    std::vector<kevent_aio> handed_parameters_;
    std::vector<record> batch_;
    std::vector<finished> finished_;
    std::size_t finished_next_ = 0;
    std::size_t unreported_sends_ = 0;   // under way, waiting their turn, or finished
    std::size_t unreported_others_ = 0;  // in finished_
    std::vector<std::uint64_t> ready_;   // to receive from, without a record that says so
    std::vector<std::uint32_t> held_;    // buffers of the batch being delivered
};

}  // namespace kevbench::adapter
