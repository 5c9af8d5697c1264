// SPDX-License-Identifier: MIT
//
// What the readiness adapters of kevent have in common: registration, and what a record becomes.
//
// A socket is registered with type SOCKET, a pipe with PIPE and anything else with POLL, as a
// program of 2006 would. Only POLL tells a hang-up of one direction, so a watch that asks for it is
// a POLL too, and the "poll" variants use nothing else. What SOCKET and PIPE call RECV and SEND has
// the values of POLLIN and POLLOUT, so records need no translation.
//
// Records carry a slot and its generation instead of a pointer: one that was written before its
// watch was removed or re-armed is recognised and dropped.
//
// Every native source of native_sources.hpp is a type of kevent's. They are edge-triggered whatever
// the variant, since the module reports each occurrence once and counts what merges.
#pragma once

#include <kevent.h>

#include <array>
#include <csignal>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "kevbench/adapter/contract.hpp"
#include "kevbench/adapter/detail/direct_io.hpp"
#include "kevbench/adapter/detail/ring_slots.hpp"
#include "kevbench/adapter/native_sources.hpp"

namespace kevbench::adapter {

static_assert(KEVENT_SOCKET_RECV == bits::readable && KEVENT_SOCKET_SEND == bits::writable);
static_assert(KEVENT_PIPE_RECV == bits::readable && KEVENT_PIPE_SEND == bits::writable);
static_assert(KEVENT_POLL_POLLERR == bits::error && KEVENT_POLL_POLLHUP == bits::hangup);
static_assert(KEVENT_POLL_POLLRDHUP == bits::read_hangup);

/// How events come out of the queue.
enum class kevent_way : std::uint8_t {
    get,     ///< copied by get_events
    ring,    ///< written into memory of the program by the call that commits and waits
    mapped,  ///< written by the wake-up itself into a ring shared with the kernel
};

struct kevent_variant {
    traits fixed;
    kevent_way way = kevent_way::get;
    bool only_poll = false;  ///< every watch is of type POLL
    bool tells_one = false;  ///< one of the threads and queues that wait hears of an event, not all
};

class kevent_control {
  public:
    using variant_type = kevent_variant;

    kevent_control(const kevent_control&) = delete;
    kevent_control& operator=(const kevent_control&) = delete;

    [[nodiscard]] const traits& describe() const noexcept { return variant_.fixed; }
    int add(watch& target) noexcept;
    int modify(watch& target) noexcept;
    int remove(watch& target) noexcept;
    submission submit(const operation& op) noexcept { return detail::perform(op); }
    int flush() noexcept;

    int add_timer(watch& target, const timer_plan& plan) noexcept;
    int rearm_timer(watch& target, const timer_plan& plan) noexcept;
    int add_posix_timer(watch& target, int timer, int signal) noexcept;
    int add_signal(watch& target, int number, signal_delivery delivery) noexcept;
    int add_directory(watch& target, int fd, std::uint32_t wanted) noexcept;
    int add_user(watch& target) noexcept;
    int add_reader(watch& target) noexcept;
    int start_read(watch& target, const file_read& read) noexcept;

    class poster_type {
      public:
        int open(kevent_control& adapter) noexcept;
        int post(watch& target) noexcept;

      private:
        kevent_control* adapter_ = nullptr;
    };

  protected:
    /// Bits that need no interest.
    static constexpr std::uint32_t always = bits::error | bits::hangup;

    struct registration {
        std::uint32_t mask = 0;  ///< bits to deliver
        std::uint32_t type = 0;  ///< KEVENT_SOCKET, PIPE or POLL; of a native source any other
        bool armed = false;      ///< in the kernel, or among the changes for it
    };
    using slot_type = detail::ring_slot<registration>;
    using slot_table = detail::ring_slots<registration>;

    explicit kevent_control(const kevent_variant& variant) : variant_(variant) {}
    ~kevent_control() = default;

    /// Checks `settings` and takes memory for the slots. 0 or -errno.
    int open_control(const config& settings) noexcept;
    /// The same with the queue and the slots of `first` (sharing.hpp).
    int attach_control(const kevent_control& first, const config& settings) noexcept;
    void close_control() noexcept;

    /// Delivers a record; 1 if it had something to say, else 0.
    template <class Sink>
    std::uint32_t deliver(std::uint64_t user, const std::array<std::uint32_t, 2>& ret_data,
                          std::uint32_t ret_flags, Sink& sink) {
        std::uint32_t fired = ret_data[0];
        slot_type* const slot = find(detail::request_id{user});
        if (slot == nullptr) [[unlikely]] {
            return 0;
        }
        if (oneshot_) {
            slot->state.armed = false;
        }
        if ((ret_flags & KEVENT_RET_BROKEN) != 0) [[unlikely]] {
            slot->state.armed = false;
            if (!is_native(slot->state.type)) {
                sink(event{slot->target, after_break(*slot), 0, nullptr});
                return 1;
            }
        }
        fired &= slot->state.mask;
        if (fired == 0) [[unlikely]] {
            event report{slot->target, 0, 0, nullptr};
            if (!is_native(slot->state.type) || !conclude(*slot, ret_data, ret_flags, report)) {
                return 0;
            }
            sink(report);
            return 1;
        }
        sink(event{slot->target, fired, 0, nullptr});
        return 1;
    }
    /// What to report of a descriptor that SOCKET or PIPE calls broken, because it has an error and
    /// nothing to read, or because it was closed. Level mode goes on watching the former.
    [[nodiscard, gnu::cold]] std::uint32_t after_break(slot_type& slot) noexcept;
    /// Reports registrations that the kernel refused when they were flushed.
    template <class Sink>
    std::uint32_t deliver_refused(Sink& sink) {
        std::uint32_t delivered = 0;
        while (!refused_.empty() && delivered < max_batch_) {
            const refusal each = refused_.back();
            refused_.pop_back();
            if (slot_type* const slot = find(detail::request_id{each.user})) {
                // A read that is refused has ended; its place stays.
                const bool read = slot->state.type == KEVENT_AIO;
                slot->state.armed = slot->state.armed && !read;
                sink(event{slot->target, read ? bits::occurred : bits::broken, each.result,
                           nullptr});
                ++delivered;
            }
        }
        return delivered;
    }

    /// The slot a record belongs to, or null when it is outdated.
    [[nodiscard]] slot_type* find(detail::request_id id) const noexcept {
        slot_type& slot = table_[id.slot()];
        return slot.generation == id.generation() ? &slot : nullptr;
    }
    [[nodiscard]] bool batched() const noexcept {
        return (variant_.fixed.capabilities & caps::batched_control) != 0;
    }
    /// Takes the results of changes that the kernel has seen, and forgets the changes.
    void settle_changes(bool any_came_back) noexcept;

    struct refusal {
        std::uint64_t user;
        std::int32_t result;  ///< -errno
    };

    int queue_ = -1;
    std::uint32_t max_batch_ = 0;
    bool oneshot_ = false;
    const sigset_t* mask_ = nullptr;
    slot_type* table_ = nullptr;         ///< the slots of slots_
    std::shared_ptr<slot_table> slots_;  ///< of all objects on one queue
    std::vector<ukevent> changes_;       ///< for the next call; KEVENT_CTL_BATCH
    std::vector<refusal> refused_;
    kevent_variant variant_;

  private:
    /// What both ways to begin have in common.
    int take_settings(const config& settings) noexcept;

    /// What names a native source, and its last plan or read, by slot number.
    struct native_source {
        ukevent entry{};
        kevent_aio operation{};
    };

    [[nodiscard]] static bool is_native(std::uint32_t type) noexcept {
        return type != KEVENT_SOCKET && type != KEVENT_PIPE && type != KEVENT_POLL;
    }
    /// Fills in the event of a native source; false if there is none.
    bool conclude(slot_type& slot, const std::array<std::uint32_t, 2>& ret_data,
                  std::uint32_t ret_flags, event& report) noexcept;
    /// Registers `entry`, whose user this fills in, for `target`.
    int add_native(watch& target, ukevent entry) noexcept;
    int acquire_native(watch& target, std::uint32_t type) noexcept;
    int change_native(const ukevent& entry, std::uint32_t command) noexcept;
    int remove_native(slot_type& slot) noexcept;
    /// Fills in what a watch wants.
    void want(slot_type& slot) noexcept;
    [[nodiscard]] ukevent describe_change(const slot_type& slot,
                                          std::uint32_t command) const noexcept;
    int arm(slot_type& slot) noexcept;
    int disarm(slot_type& slot) noexcept;
    /// Keeps a change for the next call, or makes the call when too many have gathered.
    int postpone(const ukevent& change) noexcept;

    std::vector<native_source> natives_;
};

/// Entries of a mapped ring: every watch has room for one record, so it overflows only beyond its
/// largest size.
[[nodiscard]] unsigned kevent_ring_entries(const config& settings) noexcept;

/// Available, or why not: module missing, device closed to this user, another ABI.
[[nodiscard]] availability probe_kevent_device();

}  // namespace kevbench::adapter
