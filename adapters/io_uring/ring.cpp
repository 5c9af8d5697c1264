// SPDX-License-Identifier: MIT
#include "kevbench/adapter/detail/ring.hpp"

#include <sched.h>

#include <bit>
#include <cerrno>

#include "kevbench/adapter/detail/timeout.hpp"

namespace kevbench::adapter::detail {
namespace {

/// The kernel's limits for the two queues (IORING_MAX_ENTRIES and twice that).
constexpr std::uint32_t most_submissions = 32768;
constexpr std::uint32_t most_completions = 2 * most_submissions;

/// Enough for a batch that answers and re-arms every watch, without 100,000 registrations asking
/// for a queue of that size: they are submitted in several calls.
constexpr std::uint32_t usual_submissions = 4096;
constexpr std::uint32_t least_submissions = 64;

/// Milliseconds the kernel thread keeps looking for work before it sleeps: long against the gaps in
/// a load that is worth a thread, short enough not to burn a CPU beside an idle ring.
constexpr std::uint32_t thread_idle = 50;

constexpr std::size_t kernel_sigset_size = 8;

}  // namespace

std::string_view mode_feature(ring_mode mode) noexcept {
    switch (mode) {
        case ring_mode::defer:
            return "io_uring with DEFER_TASKRUN and SINGLE_ISSUER";
        case ring_mode::fixed:
            return "io_uring with registered files";
        case ring_mode::sqpoll:
            return "io_uring with SQPOLL";
        default:
            return "io_uring";
    }
}

int ring::open(const config& settings, ring_mode mode) noexcept {
    if (open_ || settings.max_batch == 0) {
        return -EINVAL;
    }
    io_uring_params parameters{};
    parameters.flags = IORING_SETUP_CLAMP | IORING_SETUP_CQSIZE | IORING_SETUP_SUBMIT_ALL;
    std::uint32_t submissions = settings.ring_entries;
    if (submissions != 0) {
        submissions = std::min(submissions, most_submissions);
        parameters.cq_entries = 2 * submissions;
    } else {
        submissions = std::bit_ceil(std::clamp(2 * std::min(settings.max_batch, usual_submissions),
                                               least_submissions, usual_submissions));
        const std::uint64_t completions =
            2 * (std::uint64_t{settings.max_watches} + settings.max_batch);
        parameters.cq_entries = static_cast<std::uint32_t>(std::clamp<std::uint64_t>(
            completions, std::uint64_t{2} * submissions, most_completions));
    }
    if (mode == ring_mode::defer) {
        parameters.flags |=
            IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_TASKRUN_FLAG;
    } else if (mode == ring_mode::sqpoll) {
        parameters.flags |= IORING_SETUP_SQPOLL;
        parameters.sq_thread_idle = thread_idle;
    }
    if (const int status = io_uring_queue_init_params(submissions, &ring_, &parameters);
        status != 0) {
        return status;
    }
    open_ = true;
    mode_ = mode;
    owner_ = ::getpid();
    mask_ = settings.wait_mask;
    // Without these two completions could be lost, or signals and timeouts be late.
    constexpr unsigned needed = IORING_FEAT_NODROP | IORING_FEAT_EXT_ARG;
    int status = (ring_.features & needed) == needed ? 0 : -EOPNOTSUPP;
    if (status == 0 && mode == ring_mode::fixed) {
        status = io_uring_register_files_sparse(&ring_, std::max(settings.max_watches, 1U));
    }
    if (status < 0) {
        close();
    }
    return std::min(status, 0);
}

void ring::close() noexcept {
    if (!open_) {
        return;
    }
    if (owned()) {
        // Freeing the instance would do both, but some time later in a kernel worker, which keeps
        // sockets open and ports in use meanwhile.
        cancel_everything();
        if (mode_ == ring_mode::fixed) {
            io_uring_unregister_files(&ring_);
        }
    }
    io_uring_queue_exit(&ring_);
    open_ = false;
}

void ring::cancel_everything() noexcept {
    if (submit_and_resolve() < 0) {
        return;
    }
    // The kernel does some twenty pieces of deferred work a call, and cancelling everything goes
    // through all requests anew for each it finds, those already cancelled included.
    while ((flags() & IORING_SQ_TASKRUN) != 0 && enter(0, 0) >= 0) {
    }
    io_uring_sync_cancel_reg request{};
    request.fd = -1;
    request.flags = IORING_ASYNC_CANCEL_ANY | IORING_ASYNC_CANCEL_ALL;
    request.timeout = {-1, -1};
    io_uring_register_sync_cancel(&ring_, &request);
    enter(0, 0);  // runs the completions of what was cancelled
}

int ring::cancel_now(std::uint64_t user_data) noexcept {
    io_uring_sync_cancel_reg request{};
    request.addr = user_data;
    request.fd = -1;
    request.timeout = {-1, -1};
    return io_uring_register_sync_cancel(&ring_, &request);
}

void ring::publish() noexcept {
    ring_.sq.sqe_head = ring_.sq.sqe_tail;
    io_uring_smp_store_release(ring_.sq.ktail, ring_.sq.sqe_tail);
}

io_uring_sqe* ring::try_entry() noexcept {
    io_uring_sqe* entry = io_uring_get_sqe(&ring_);
    if (entry == nullptr && submit() == 0) {
        entry = io_uring_get_sqe(&ring_);
    }
    return entry;
}

io_uring_sqe* ring::take_entry() noexcept {
    io_uring_sqe* entry = try_entry();
    while (entry == nullptr && mode_ == ring_mode::sqpoll) {
        if (const int status =
                io_uring_enter(static_cast<unsigned>(ring_.ring_fd), 0, 0,
                               IORING_ENTER_SQ_WAIT | IORING_ENTER_SQ_WAKEUP, nullptr);
            status < 0 && status != -EINTR) {
            break;
        }
        entry = io_uring_get_sqe(&ring_);
    }
    return entry;
}

int ring::bind_file(std::uint32_t slot, int fd) noexcept {
    if (mode_ != ring_mode::fixed) {
        return 0;
    }
    return std::min(io_uring_register_files_update(&ring_, slot, &fd, 1), 0);
}

int ring::submit() noexcept {
    while (entry_count() != 0) {
        publish();
        unsigned mode_flags = 0;
        unsigned count = 0;
        if (mode_ == ring_mode::sqpoll) {
            io_uring_smp_mb();  // the thread's flag must be read after the entries are visible
            if ((flags() & IORING_SQ_NEED_WAKEUP) == 0) {
                return 0;
            }
            mode_flags = IORING_ENTER_SQ_WAKEUP;
        } else {
            count = entry_count();
            if (mode_ == ring_mode::defer) {
                // Runs what was deferred, or a cancelled request would keep its file open.
                mode_flags = IORING_ENTER_GETEVENTS;
            }
        }
        const int status =
            io_uring_enter(static_cast<unsigned>(ring_.ring_fd), count, 0, mode_flags, nullptr);
        if (status < 0 && status != -EINTR) {
            return status;
        }
    }
    return 0;
}

int ring::submit_and_resolve() noexcept {
    const int status = submit();
    if (status < 0 || mode_ != ring_mode::sqpoll) {
        return status;
    }
    while (io_uring_smp_load_acquire(ring_.sq.khead) != ring_.sq.sqe_tail) {
        if ((flags() & IORING_SQ_NEED_WAKEUP) != 0) {
            const int woken = io_uring_enter(static_cast<unsigned>(ring_.ring_fd), 0, 0,
                                             IORING_ENTER_SQ_WAKEUP, nullptr);
            if (woken < 0 && woken != -EINTR) {
                return woken;
            }
        }
        ::sched_yield();
    }
    return 0;
}

int ring::enter(unsigned min_complete, std::int64_t timeout) noexcept {
    publish();
    unsigned enter_flags = IORING_ENTER_GETEVENTS | IORING_ENTER_EXT_ARG;
    unsigned count = 0;
    if (mode_ == ring_mode::sqpoll) {
        io_uring_smp_mb();
        if ((flags() & IORING_SQ_NEED_WAKEUP) != 0) {
            enter_flags |= IORING_ENTER_SQ_WAKEUP;
        }
    } else {
        count = entry_count();
    }
    __kernel_timespec storage;
    io_uring_getevents_arg extra{};
    extra.ts = reinterpret_cast<std::uintptr_t>(to_timespec(timeout, storage));
    extra.sigmask = reinterpret_cast<std::uintptr_t>(mask_);
    extra.sigmask_sz = kernel_sigset_size;
    return io_uring_enter2(static_cast<unsigned>(ring_.ring_fd), count, min_complete, enter_flags,
                           reinterpret_cast<sigset_t*>(&extra), sizeof extra);
}

int ring::settle_slowly(std::int64_t timeout) noexcept {
    for (;;) {
        const unsigned pending = entry_count();
        const bool ready = head() != tail();
        const bool poll_only = ready || timeout == 0;
        if (poll_only || (timeout > 0 && pending != 0)) {
            // Overflown completions and deferred work reach the queue only through the kernel.
            constexpr unsigned hidden = IORING_SQ_CQ_OVERFLOW | IORING_SQ_TASKRUN;
            if (pending != 0 || (flags() & hidden) != 0) {
                const int status = enter(0, 0);
                if (status < 0 && status != -ETIME && head() == tail()) {
                    return status;
                }
            }
            if (head() != tail()) {
                return 1;
            }
            if (poll_only) {
                return 0;
            }
            if (entry_count() != 0 && mode_ != ring_mode::sqpoll) {
                continue;  // taken in part only
            }
        }
        const unsigned left = mode_ == ring_mode::sqpoll ? 0 : entry_count();
        const int status = enter(1, timeout);
        if (head() != tail()) {
            return 1;
        }
        if (status == -ETIME) {
            return 0;
        }
        if (status < 0) {
            return status;
        }
        if (left != 0 && static_cast<unsigned>(status) == left) {
            return -EINTR;  // nothing but a signal ends a wait without a timeout empty-handed
        }
    }
}

}  // namespace kevbench::adapter::detail
