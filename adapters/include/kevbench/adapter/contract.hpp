// SPDX-License-Identifier: MIT
//
// The adapter contract: everything a workload may ask of an event mechanism, and nothing else.
//
// Overview
//   A *watch* is a descriptor, an interest and an identity, owned by the caller. An adapter reports
//   activity on watches through wait(). Two families live under one contract:
//     - readiness adapters (select, poll, epoll, io_uring poll, kevent) report that an operation
//       would not block; submit() then performs it at once and answers `done`;
//     - completion adapters (io_uring recv, kevent NAIO) start receiving (or accepting) in add()
//       and report finished operations with their data; submit() answers `queued`.
//   A workload handles both with the same code, so it is written once.
//
// The nine verbs of an adapter: probe, open, add, modify, remove, submit, flush, wait, close.
// Sources a mechanism may know without a descriptor have verbs of their own, none of them required:
// see native_sources.hpp. So has a queue that several threads wait on: see sharing.hpp.
//
// Errors
//   Verbs never throw once the object is constructed. They return 0 or a count on success and a
//   negative errno value otherwise, as the kernel does: EINTR, EAGAIN and timeouts are ordinary
//   outcomes here, not exceptions, and the same values cross the C boundary of plug-ins.
//   Code above the adapters (workloads, harness) throws; see kevbench/workload/error.hpp.
//
//   Mechanisms that look at descriptors only while they wait (select, poll, io_uring) cannot refuse
//   a bad one in add(): they report it once as an event with bits::broken, result 0 or -errno.
//
// Fairness
//   Adapters never read a clock, never count and never print. Time, counting and checks belong to
//   the harness, so no adapter can measure itself differently from another.
//
// Threads
//   One adapter object is used by one thread at a time. Several objects may be used in parallel.
//   Variants with DEFER_TASKRUN stay with the thread that called open(): the kernel insists.
//
// Fork
//   After fork() the child may only close() an adapter; the parent's stays usable.
#pragma once

#include <poll.h>

#include <concepts>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace kevbench::adapter {

/// Interest and event bits. The low half has the values of poll(2), which epoll and io_uring share,
/// so most mechanisms need no translation on the hot path.
namespace bits {
inline constexpr std::uint32_t readable = POLLIN;
inline constexpr std::uint32_t writable = POLLOUT;
/// Both need no interest. select does not know them; kevent's types of 2006 tell them only while
/// there is nothing to read, and then both.
inline constexpr std::uint32_t error = POLLERR;
inline constexpr std::uint32_t hangup = POLLHUP;
/// Interest too: asked for, it is reported where the mechanism knows it (not select, not epoll's
/// exclusive mode, not completions, which all show end of stream by receiving nothing).
inline constexpr std::uint32_t read_hangup = 0x2000;  // POLLRDHUP, which needs _GNU_SOURCE
/// The descriptor was closed or is otherwise beyond watching; delivered at most once.
inline constexpr std::uint32_t broken = POLLNVAL;
/// Interest only: the descriptor is a listening socket and connections are wanted. Readiness
/// adapters report `readable`; completion adapters report `accepted`.
inline constexpr std::uint32_t acceptable = 1U << 16;
/// Events of completion adapters: `event::result` holds bytes, bytes, or a new descriptor.
inline constexpr std::uint32_t received = 1U << 17;
inline constexpr std::uint32_t sent = 1U << 18;
inline constexpr std::uint32_t accepted = 1U << 19;
inline constexpr std::uint32_t any_completion = received | sent | accepted;
/// Events of native sources (native_sources.hpp), which may have those: something happened, and
/// `event::result` tells what or how often.
inline constexpr std::uint32_t occurred = 1U << 20;
}  // namespace bits

/// What an adapter can do beyond the common ground. Absent ability = absent bit, never an empty
/// verb.
namespace caps {
inline constexpr std::uint32_t completion = 1U << 0;     ///< delivers data, not readiness
inline constexpr std::uint32_t sigmask = 1U << 1;        ///< honours config::wait_mask atomically
inline constexpr std::uint32_t fine_timeout = 1U << 2;   ///< timeouts finer than one millisecond
inline constexpr std::uint32_t modify = 1U << 3;         ///< modify() may change the interest
inline constexpr std::uint32_t exclusive = 1U << 4;      ///< wakes one of several waiters
inline constexpr std::uint32_t kernel_thread = 1U << 5;  ///< a kernel thread works for it (SQPOLL)
inline constexpr std::uint32_t registered_files = 1U << 6;  ///< descriptors are registered up front
inline constexpr std::uint32_t synthetic = 1U << 7;  ///< no kernel behind it: the null adapter
inline constexpr std::uint32_t batched_control = 1U << 8;  ///< add/modify take effect at flush/wait
inline constexpr std::uint32_t shared = 1U << 9;  ///< several threads may wait on it: sharing.hpp
}  // namespace caps

/// When a watch that stays ready is reported again.
enum class trigger : std::uint8_t {
    /// On every wait while the condition holds. Completion adapters too: nothing has to be drained
    /// or re-armed to hear of more.
    level,
    edge,      ///< once per activity; the consumer drains until EAGAIN (or reads once by choice)
    one_shot,  ///< once; the consumer re-arms with modify()
};

/// How the consumer reads after an event; compared only within one class (see docs/fairness.md).
enum class read_discipline : std::uint8_t {
    once,   ///< one read per event
    drain,  ///< read until EAGAIN
};

/// Everything fixed about one variant of one mechanism.
struct traits {
    std::string_view mechanism;  ///< "epoll"
    std::string_view variant;    ///< "et"
    trigger mode = trigger::level;
    read_discipline discipline = read_discipline::once;
    std::uint32_t capabilities = 0;  ///< caps bits
    /// One more than the highest descriptor number that can be watched; 0 = no limit of its own.
    std::uint32_t descriptor_limit = 0;
};

/// One registration. Owned by the caller, who keeps it at a fixed address from add() to the return
/// of remove(); embed it in a connection object and recover that from event::target.
struct watch {
    /// Listening sockets, and whatever is not a socket, must be non-blocking (O_NONBLOCK).
    int fd = -1;
    std::uint32_t interest = 0;  ///< bits::readable, writable, acceptable, read_hangup; may be 0
    bool socket = false;         ///< send/recv apply; otherwise write/read are used
    bool pipe = false;           ///< a pipe or FIFO, for mechanisms that know such (kevent)
    std::uint32_t slot = 0;      ///< private to the adapter from add() to remove()
};

/// One delivered event. `data` points into config::buffers and stays valid until the next wait().
struct event {
    watch* target;
    std::uint32_t bits;
    /// Completions: bytes moved (0 = end of stream) or the accepted descriptor, or -errno.
    /// Native sources: see native_sources.hpp. Readiness: 0.
    std::int32_t result;
    const std::byte* data;  ///< only with bits::received and result > 0
};

/// An operation for submit(). `buffer` of a send must stay unchanged until the matching
/// bits::sent event or the return of remove(). Receives take their buffer from the caller in
/// readiness adapters and from config::buffers in completion adapters.
enum class op_kind : std::uint8_t { receive, send, accept };
struct operation {
    op_kind kind;
    watch* target;
    std::byte* buffer = nullptr;
    std::size_t size = 0;  ///< bytes
};

enum class verdict : std::uint8_t {
    done,    ///< performed; `result` is what the system call returned, or -errno (EAGAIN included)
    queued,  ///< a completion event will report it
    full,    ///< no room now: wait() or flush(), then submit again; nothing was started
};
struct submission {
    verdict outcome;
    std::int32_t result;
};

/// A set of equal receive buffers, owned by the harness and the same for every mechanism: readiness
/// adapters' consumers draw from it in turn, completion adapters give it to the kernel.
struct buffer_set {
    std::byte* base = nullptr;  ///< page-aligned, count * size bytes
    std::uint32_t count = 0;    ///< a power of two
    std::uint32_t size = 0;     ///< bytes of one buffer
};

struct config {
    std::uint32_t max_watches = 64;  ///< registered at once, at most
    std::uint32_t max_batch = 64;    ///< events one wait() delivers, at most; at least 1
    buffer_set buffers;              ///< needed by completion adapters; outlives the adapter
    /// Signal mask during wait(), applied atomically. Null = unchanged. Without caps::sigmask
    /// open() answers -EINVAL to any other value.
    const sigset_t* wait_mask = nullptr;
    /// Entries of rings that have a size; 0 = derived from max_watches and max_batch.
    std::uint32_t ring_entries = 0;
};

/// Answer of probe(): available, or one line that says why not and what would help.
struct availability {
    bool available = true;
    std::string reason;
};

inline constexpr std::int64_t wait_forever = -1;

/// A stand-in for the caller's sink, used by the concept only.
struct sink_archetype {
    void operator()(const event&) const {}
};

/// What every adapter type provides. `A` is constructed from one of its own variants, which does
/// not touch the kernel; open() does.
///
/// probe(variant)         may block, may allocate. Tries the mechanism for real on this kernel (no
///                        version checks), leaves nothing behind.
/// open(config)           may block, may allocate. Once per object. 0 or -errno.
/// add(watch)             may allocate. A condition that holds already is reported by the next
///                        wait(). Completion adapters start receiving or accepting. 0 or -errno
///                        (EEXIST same watch or descriptor, EBADF, EPERM not watchable, EMFILE
///                        descriptor number beyond traits::descriptor_limit, ENOSPC beyond
///                        config::max_watches, EINVAL writable interest in a completion adapter).
/// modify(watch)          re-reads watch::interest and re-arms a one-shot watch; a condition that
///                        holds is reported again, also in edge mode. Completion adapters start or
///                        stop receiving; what had arrived before is still delivered. 0 or -errno
///                        (ENOENT, EINVAL where the mechanism cannot).
/// remove(watch)          may block until operations in flight no longer touch caller memory.
///                        Allowed from inside delivery. Once it returns, no event for the watch is
///                        delivered, not even one of the batch being delivered. The descriptor
///                        must still be open, and may be closed and its number reused afterwards;
///                        with caps::batched_control the kernel may hold on to the file until the
///                        next flush() or wait(). 0 or -errno (ENOENT).
/// submit(operation)      never blocks. See verdict. Readiness adapters make one system call, which
///                        may move less than asked; a completion adapter's send moves everything
///                        before it is reported. Sends of one watch are done in order.
/// flush()                makes queued registrations and operations take effect. 0 or -errno.
/// wait(timeout, max, sink)
///                        timeout in nanoseconds: 0 = do not block, wait_forever, else relative and
///                        rounded up to the mechanism's resolution; any positive value is valid.
///                        Flushes first. With a kernel thread (caps::kernel_thread) what was just
///                        registered may be reported by a later call than the next. Calls
///                        sink(event) for at most min(max, config::max_batch) events; max is at
///                        least 1. When more are ready, later calls get to them all in turn. The
///                        sink may call any verb except wait and close. Returns the number of
///                        events delivered, 0 on timeout, -EINTR if a signal handler ran first, or
///                        another -errno.
/// close()                removes everything; idempotent; the destructor calls it.
//
// Version 14 of the formatter tears "noexcept -> type" apart.
// clang-format off
template <class A>
concept event_adapter =
    std::constructible_from<A, const typename A::variant_type&> &&
    requires(A a, const A ca, watch& w, const operation& op, const config& c,
             const typename A::variant_type& v, sink_archetype sink) {
        { A::variants() } -> std::convertible_to<std::span<const typename A::variant_type>>;
        { v.fixed } -> std::convertible_to<const traits&>;
        { A::probe(v) } -> std::same_as<availability>;
        { ca.describe() } noexcept -> std::same_as<const traits&>;
        { a.open(c) } noexcept -> std::same_as<int>;
        { a.add(w) } noexcept -> std::same_as<int>;
        { a.modify(w) } noexcept -> std::same_as<int>;
        { a.remove(w) } noexcept -> std::same_as<int>;
        { a.submit(op) } noexcept -> std::same_as<submission>;
        { a.flush() } noexcept -> std::same_as<int>;
        { a.wait(std::int64_t{}, std::uint32_t{}, sink) } -> std::same_as<int>;
        { a.close() } noexcept;
    };
// clang-format on

}  // namespace kevbench::adapter
