// SPDX-License-Identifier: MIT
#include "kevbench/adapter/detail/ring_timers.hpp"

#include <cerrno>
#include <new>

namespace kevbench::adapter::detail {
namespace {

constexpr std::int64_t second = 1'000'000'000;
/// IORING_TIMEOUT_MULTISHOT of Linux 6.4, which liburing 2.3 does not name.
constexpr unsigned timeout_multishot = 1U << 6;

__kernel_timespec split(std::int64_t nanoseconds) noexcept {
    return {nanoseconds / second, nanoseconds % second};
}

}  // namespace

int ring_timers::reserve(std::size_t count) noexcept {
    try {
        if (entries_.size() < count) {
            entries_.resize(count);
        }
    } catch (const std::bad_alloc&) {
        return -ENOMEM;
    }
    return 0;
}

void ring_timers::plan(std::uint32_t slot, const timer_plan& wanted) noexcept {
    entries_[slot] = {{}, wanted.first, wanted.period, false, false};
}

void ring_timers::prepare(io_uring_sqe& entry, std::uint32_t slot) noexcept {
    entry_state& timer = entries_[slot];
    const bool repeats = multishot_ && timer.begun && timer.period != 0;
    timer.multishot = repeats;
    timer.when = split(repeats ? timer.period : timer.next);
    io_uring_prep_timeout(&entry, &timer.when, 0, repeats ? timeout_multishot : IORING_TIMEOUT_ABS);
}

ring_timers::outcome ring_timers::judge(std::uint32_t slot, std::int32_t result) noexcept {
    entry_state& timer = entries_[slot];
    if (result == -ETIME) {
        timer.begun = true;
        timer.next = timer.period != 0 ? timer.next + timer.period : 0;
        return outcome::expired;
    }
    if (result == -ECANCELED) {
        // The thread that submitted it has exited, which cancels its requests, not the timer.
        return outcome::again;
    }
    if (result == -EINVAL && timer.multishot) {
        multishot_ = false;  // this kernel has none, so single requests from now on
        return outcome::again;
    }
    return outcome::failed;
}

}  // namespace kevbench::adapter::detail
