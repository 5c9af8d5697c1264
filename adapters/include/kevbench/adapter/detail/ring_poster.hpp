// SPDX-License-Identifier: MIT
//
// Posts to the user watches of an adapter that has a ring: a message from a small ring of the
// posting thread, which makes a completion in the adapter's.
#pragma once

#include <liburing.h>

#include <cstdint>

#include "kevbench/adapter/detail/ring.hpp"
#include "kevbench/adapter/detail/ring_slots.hpp"

namespace kevbench::adapter::detail {

/// Used by the thread that opened it.
class ring_poster {
  public:
    ring_poster() noexcept = default;
    ring_poster(const ring_poster&) = delete;
    ring_poster& operator=(const ring_poster&) = delete;
    ~ring_poster();

    /// `target` outlives this. 0 or -errno.
    int open(ring& target) noexcept;
    /// One system call. 0, -EAGAIN when the other ring has no room, or -errno.
    int post(request_id target) noexcept;

  private:
    io_uring ring_{};
    bool open_ = false;
    int target_ = -1;
};

}  // namespace kevbench::adapter::detail
