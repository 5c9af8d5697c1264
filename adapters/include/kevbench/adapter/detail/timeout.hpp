// SPDX-License-Identifier: MIT
//
// The contract's timeouts in the units of each system call. Zero and wait_forever are by far the
// most frequent, so they are told apart first and cost no division.
#pragma once

#include <time.h>

#include <algorithm>
#include <cstdint>
#include <limits>

namespace kevbench::adapter::detail {

/// Longest relative timeout handed to the kernel, in nanoseconds: 146 years. Some calls add the
/// current time to it in 64 bits, which a larger value would overflow into the past.
inline constexpr std::int64_t longest_timeout = std::int64_t{1} << 62;

/// Milliseconds, rounded up and limited to what an int holds (24 days); negative = for ever.
[[nodiscard]] inline int to_milliseconds(std::int64_t timeout) noexcept {
    if (timeout <= 0) {
        return timeout == 0 ? 0 : -1;
    }
    constexpr std::int64_t unit = 1'000'000;
    const std::int64_t rounded = timeout / unit + (timeout % unit != 0 ? 1 : 0);
    return static_cast<int>(std::min<std::int64_t>(rounded, std::numeric_limits<int>::max()));
}

/// A relative timespec in `storage`, or null for ever. `storage` must outlive the call it is for.
template <class Timespec>
[[nodiscard]] inline Timespec* to_timespec(std::int64_t timeout, Timespec& storage) noexcept {
    if (timeout < 0) {
        return nullptr;
    }
    if (timeout == 0) {
        storage = Timespec{};
        return &storage;
    }
    constexpr std::int64_t unit = 1'000'000'000;
    const std::int64_t limited = std::min(timeout, longest_timeout);
    storage.tv_sec = limited / unit;
    storage.tv_nsec = limited % unit;
    return &storage;
}

}  // namespace kevbench::adapter::detail
