// SPDX-License-Identifier: MIT
//
// One io_uring instance: set-up in the modes the variants name, submission, and waiting with the
// contract's timeouts and signals. What the requests mean is the adapters' business.
#pragma once

#include <liburing.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdint>
#include <string_view>

#include "kevbench/adapter/contract.hpp"

namespace kevbench::adapter {

/// The choices behind "+defer", "+fixed" and "+sqpoll".
enum class ring_mode : std::uint8_t {
    plain,
    defer,   ///< DEFER_TASKRUN and SINGLE_ISSUER: every verb from the thread that called open()
    fixed,   ///< registered files
    sqpoll,  ///< a kernel thread takes submissions
};

namespace detail {

/// What modes add to a variant's capability bits.
[[nodiscard]] constexpr std::uint32_t mode_capabilities(ring_mode mode) noexcept {
    switch (mode) {
        case ring_mode::fixed:
            return caps::registered_files;
        case ring_mode::sqpoll:
            return caps::kernel_thread;
        default:
            return 0;
    }
}

/// Names the facility in the reason of a failed probe.
[[nodiscard]] std::string_view mode_feature(ring_mode mode) noexcept;

/// One finished step of a request, copied out of the queue: its entry may be overwritten as soon as
/// it is released, which happens before the event is delivered.
struct completion {
    std::uint64_t user_data;
    std::int32_t result;
    std::uint32_t flags;  ///< IORING_CQE_F_*
};

/// Not thread-safe. No member throws; those that can fail return 0 or -errno.
class ring {
  public:
    ring() noexcept = default;
    ring(const ring&) = delete;
    ring& operator=(const ring&) = delete;
    ~ring() { close(); }

    /// Sizes follow from `settings`; `fixed` mode registers an empty table of max_watches files.
    int open(const config& settings, ring_mode mode) noexcept;
    [[nodiscard]] bool is_open() const noexcept { return open_; }
    /// False in a child after fork(), which must leave the shared requests alone.
    [[nodiscard]] bool owned() const noexcept { return owner_ == ::getpid(); }
    /// Cancels what is still under way (unless not owned()) and frees the instance.
    void close() noexcept;

    /// Next submission entry, zeroed by the io_uring_prep_* that must follow. Makes room by
    /// submitting, and with SQPOLL by waiting for the kernel thread. Null when that failed.
    [[nodiscard]] io_uring_sqe* take_entry() noexcept;
    /// The same without ever waiting.
    [[nodiscard]] io_uring_sqe* try_entry() noexcept;
    /// Points a prepared entry at the watch's file: its descriptor, or its registered slot.
    void aim(io_uring_sqe& entry, const watch& target) const noexcept {
        if (mode_ == ring_mode::fixed) {
            entry.fd = static_cast<std::int32_t>(target.slot);
            entry.flags |= IOSQE_FIXED_FILE;
        } else {
            entry.fd = target.fd;
        }
    }
    /// Only with registered files: put a descriptor into a slot; -1 empties it. One system call.
    int bind_file(std::uint32_t slot, int fd) noexcept;

    /// Hands over all entries taken so far. Does not block.
    int submit() noexcept;
    /// The same, and returns only when the kernel has looked up their descriptors, after which
    /// those may be closed and their numbers reused. With SQPOLL that means waiting for the thread.
    int submit_and_resolve() noexcept;

    /// Submits, then waits for a completion. 1 = there is one, 0 = timeout, or -errno.
    ///
    /// A positive timeout with submissions pending costs a second system call if their results are
    /// not there at once: io_uring_enter reports the number submitted instead of telling a signal
    /// from a timeout.
    int settle(std::int64_t timeout) noexcept {
        if (entry_count() == 0 && head() != tail()) {
            return 1;
        }
        return settle_slowly(timeout);
    }
    /// Blocks until a completion has been posted since the caller emptied the queue, or a signal.
    int await_any(std::int64_t timeout) noexcept { return enter(1, timeout); }

    /// Completion queue: entries from head() up to tail(), which is read from shared memory anew.
    [[nodiscard]] unsigned head() const noexcept { return *ring_.cq.khead; }
    [[nodiscard]] unsigned tail() const noexcept {
        return io_uring_smp_load_acquire(ring_.cq.ktail);
    }
    [[nodiscard]] completion at(unsigned position) const noexcept {
        const io_uring_cqe& entry = ring_.cq.cqes[position & ring_.cq.ring_mask];
        return {entry.user_data, entry.res, entry.flags};
    }
    /// Gives everything before `position` back to the kernel.
    void release_until(unsigned position) noexcept {
        io_uring_smp_store_release(ring_.cq.khead, position);
    }

    /// Cancels every request, wherever it is. May block for their completion.
    void cancel_everything() noexcept;
    /// Cancels the request with this user data and blocks until it is no longer carried out. 0, or
    /// -ENOENT when there was none.
    int cancel_now(std::uint64_t user_data) noexcept;

    [[nodiscard]] io_uring& native() noexcept { return ring_; }

  private:
    /// Entries the kernel has not been told of, or, without SQPOLL, has not taken yet.
    [[nodiscard]] unsigned entry_count() const noexcept {
        return ring_.sq.sqe_tail -
               (mode_ == ring_mode::sqpoll ? ring_.sq.sqe_head : *ring_.sq.khead);
    }
    [[nodiscard]] unsigned flags() const noexcept { return IO_URING_READ_ONCE(*ring_.sq.kflags); }
    void publish() noexcept;
    int settle_slowly(std::int64_t timeout) noexcept;
    /// io_uring_enter that publishes and submits what is pending.
    int enter(unsigned min_complete, std::int64_t timeout) noexcept;

    io_uring ring_{};
    ring_mode mode_ = ring_mode::plain;
    bool open_ = false;
    pid_t owner_ = 0;
    const sigset_t* mask_ = nullptr;
};

}  // namespace detail
}  // namespace kevbench::adapter
