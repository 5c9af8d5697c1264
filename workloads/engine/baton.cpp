// SPDX-License-Identifier: MIT
#include "engine/baton.hpp"

#include <errno.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

namespace kevbench::workload {
namespace {

static_assert(sizeof(std::atomic<std::uint32_t>) == sizeof(std::uint32_t) &&
                  std::atomic<std::uint32_t>::is_always_lock_free,
              "the kernel looks at the bare word");

long futex(std::atomic<std::uint32_t>& word, int action, std::uint32_t value,
           const timespec* limit) noexcept {
    return ::syscall(SYS_futex, &word, action, value, limit, nullptr, 0);
}

bool sleep_until_changed(std::atomic<std::uint32_t>& word, std::uint32_t seen,
                         const timespec* limit) noexcept {
    while (word.load(std::memory_order_acquire) == seen) {
        // EAGAIN: it changed between the look and the call.
        if (futex(word, FUTEX_WAIT_PRIVATE, seen, limit) != 0 && errno != EAGAIN) {
            return word.load(std::memory_order_acquire) != seen;
        }
    }
    return true;
}

}  // namespace

void baton::advance() noexcept {
    value_.fetch_add(1, std::memory_order_release);
    futex(value_, FUTEX_WAKE_PRIVATE, 1, nullptr);
}

bool baton::await(std::uint32_t seen) noexcept {
    return sleep_until_changed(value_, seen, nullptr);
}

bool baton::await_for(std::uint32_t seen, std::chrono::nanoseconds limit) noexcept {
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(limit);
    const timespec relative{seconds.count(), (limit - seconds).count()};
    return sleep_until_changed(value_, seen, &relative);
}

}  // namespace kevbench::workload
