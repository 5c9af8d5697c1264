// SPDX-License-Identifier: MIT
//
// Native sources: what a mechanism may watch by itself, where others need a descriptor of the
// kernel's in between (timerfd, signalfd, inotify, eventfd). An extension of the contract: an
// adapter has the verbs of the sources it knows and none of the others, and workloads ask by the
// concepts below, at compile time. Adapters without any need not know this header.
//
// Watches
//   A native watch is a `watch` like any other: owned by the caller, at a fixed address until
//   remove() returns, counted in config::max_watches. Its fd is -1 and stays so; interest and
//   socket are not looked at. It is registered by its own verb instead of add(), and taken back by
//   remove(), which may block as it may for descriptors, and after which no event for it comes.
//   modify() and submit() do not apply: -EINVAL, or whatever the mechanism answers.
//
// Events
//   bits::occurred, with event::result as each verb says. They are the same in every trigger mode
//   and in both families: each occurrence is reported, nothing is to be read, drained or re-armed,
//   and what happens before a report is taken may be merged into it, as the verb says.
//   bits::broken with result 0 or -errno: the source is gone or failed; nothing more will come.
//
// Errors
//   Verbs return 0 or -errno and never throw, as all do. -EOPNOTSUPP: this kernel, or the way this
//   variant was set up, has no such source, although the adapter knows the verb. -EEXIST: the watch
//   is registered. -ENOSPC: beyond config::max_watches. Registration may be queued like add()'s;
//   what is refused only then is reported by bits::broken.
//
// Threads
//   As for the other verbs: the adapter's thread. Posters alone are made to be used by others.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>

#include "kevbench/adapter/contract.hpp"

namespace kevbench::adapter {

/// When a timer expires: at `first` on CLOCK_MONOTONIC, in nanoseconds, at once if that is past,
/// but at least 1; then every `period` nanoseconds, or not again when that is 0.
struct timer_plan {
    std::int64_t first = 1;
    std::int64_t period = 0;
};

/// What a signal does besides making an event.
enum class signal_delivery : std::uint8_t {
    event_only,   ///< nothing: no handler runs, no call is interrupted
    and_handler,  ///< what it would do without the watch
};

/// Changes in a directory. Also the bits of event::result.
namespace changes {
inline constexpr std::uint32_t created = 1U << 0;   ///< a name was made
inline constexpr std::uint32_t removed = 1U << 1;   ///< a name was removed
inline constexpr std::uint32_t modified = 1U << 2;  ///< a file in it was written
}  // namespace changes

/// One read of a file. `buffer` belongs to the kernel until the event or the return of remove().
struct file_read {
    int fd = -1;
    std::byte* buffer = nullptr;
    std::uint32_t size = 0;   ///< bytes
    std::int64_t offset = 0;  ///< bytes from the start of the file
};

// Version 14 of the formatter tears "noexcept -> type" apart.
// clang-format off

/// add_timer(watch, plan)     may allocate. Starts a timer. result = expirations since the last
///                            report, at least 1. A mechanism may merge them, or report each, and
///                            may let a periodic timer drift by the time its events wait.
/// rearm_timer(watch, plan)   gives a registered timer another plan, whether it has expired or not.
///                            What had expired and was not reported may be forgotten. A timer that
///                            expired for the last time stays registered, and is re-armed or
///                            removed. -ENOENT.
template <class A>
concept timer_source = requires(A a, watch& w, const timer_plan& plan) {
    { a.add_timer(w, plan) } noexcept -> std::same_as<int>;
    { a.rearm_timer(w, plan) } noexcept -> std::same_as<int>;
};

/// add_posix_timer(watch, timer, signal)
///                            `timer` is the kernel's number, as the timer_create system call gave
///                            it to this process, made with SIGEV_SIGNAL and `signal`, which the
///                            process ignores and does not block. The timer stays the caller's, who
///                            sets it, and deletes it after remove(). result as of add_timer.
template <class A>
concept posix_timer_source = requires(A a, watch& w, int number) {
    { a.add_posix_timer(w, number, number) } noexcept -> std::same_as<int>;
};

/// add_signal(watch, number, delivery)
///                            Signals sent to the process. result = the number that came with it
///                            (sigqueue), 0 without one. Real-time signals: one event each, in
///                            order, within the limits of RLIMIT_SIGPENDING; others merge as
///                            pending ones do. With and_handler, which handlers run and what is
///                            interrupted is not the adapter's business. -EINVAL (SIGKILL, SIGSTOP,
///                            no signal).
template <class A>
concept signal_source = requires(A a, watch& w, int number, signal_delivery delivery) {
    { a.add_signal(w, number, delivery) } noexcept -> std::same_as<int>;
};

/// add_directory(watch, fd, wanted)
///                            `fd` is an open directory, the caller's, which stays open until
///                            remove() returns; `wanted` are bits of namespace changes. result =
///                            those that happened since the last report, merged.
template <class A>
concept change_source = requires(A a, watch& w, int fd, std::uint32_t wanted) {
    { a.add_directory(w, fd, wanted) } noexcept -> std::same_as<int>;
};

/// add_user(watch)            An event that the program makes. result = posts since the last
///                            report, at least 1.
/// poster_type                Posts to user watches of one adapter; default-constructible. Made and
///                            used by one thread, any one. Its adapter stays open as long.
///   open(adapter)            may block, may allocate. Once.
///   post(watch)              makes the event of `watch`, which is registered; wakes the adapter's
///                            thread if that waits. Does not block. -EAGAIN: no room, and nothing
///                            was posted; there is always room for config::max_watches +
///                            config::max_batch posts not yet delivered.
template <class A>
concept user_source =
    std::default_initializable<typename A::poster_type> &&
    requires(A a, watch& w, typename A::poster_type poster) {
        { a.add_user(w) } noexcept -> std::same_as<int>;
        { poster.open(a) } noexcept -> std::same_as<int>;
        { poster.post(w) } noexcept -> std::same_as<int>;
    };

/// add_reader(watch)          A place for one read of a file at a time.
/// start_read(watch, read)    never waits for the file where the mechanism can help it. -EBUSY: the
///                            one before has not been reported. result = bytes read, 0 at the end
///                            of the file, or -errno; bits::occurred in every case. May be queued
///                            until the next flush() or wait().
template <class A>
concept file_source = requires(A a, watch& w, const file_read& read) {
    { a.add_reader(w) } noexcept -> std::same_as<int>;
    { a.start_read(w, read) } noexcept -> std::same_as<int>;
};
// clang-format on

}  // namespace kevbench::adapter
