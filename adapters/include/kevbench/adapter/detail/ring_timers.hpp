// SPDX-License-Identifier: MIT
//
// Timers of an io_uring instance: the requests of timer watches, whichever adapter has the ring.
//
// Expirations are single requests for a point in time. Adapters whose polls are multishot use a
// multishot request for what follows the first expiration, if the kernel has it: no submission an
// expiration, but its periods begin when the one before is handled, so such a timer drifts.
#pragma once

#include <liburing.h>

#include <cstddef>
#include <cstdint>
#include <vector>

#include "kevbench/adapter/native_sources.hpp"

namespace kevbench::adapter::detail {

/// Plans by slot number. Not thread-safe; nothing throws.
class ring_timers {
  public:
    explicit ring_timers(bool multishot) noexcept : multishot_(multishot) {}

    /// Makes room for slots 0 .. count-1. 0 or -ENOMEM.
    int reserve(std::size_t count) noexcept;
    void plan(std::uint32_t slot, const timer_plan& wanted) noexcept;
    /// The request for the next expiration of `slot`. The time it points to stays where it is until
    /// the slot is planned or prepared anew.
    void prepare(io_uring_sqe& entry, std::uint32_t slot) noexcept;
    /// A completion of such a request, the `last` one or not. `restart()` starts the next one and
    /// returns 0 or -errno. True if `report`, completed here, is to be delivered.
    template <class Restart>
    bool conclude(std::uint32_t slot, bool last, event& report, Restart restart) noexcept {
        outcome result = judge(slot, report.result);
        if (last && result != outcome::failed && entries_[slot].next != 0 && restart() != 0) {
            result = outcome::failed;
        }
        const bool expired = result == outcome::expired;
        report.bits = expired ? bits::occurred : bits::broken;
        report.result = expired ? 1 : report.result;
        return result != outcome::again;
    }

  private:
    enum class outcome : std::uint8_t {
        expired,
        again,  ///< nothing happened, but a request is needed anew
        failed,
    };
    outcome judge(std::uint32_t slot, std::int32_t result) noexcept;

    struct entry_state {
        __kernel_timespec when{};
        std::int64_t next = 0;  ///< CLOCK_MONOTONIC ns; 0 = none
        std::int64_t period = 0;
        bool begun = false;      ///< the first expiration has been
        bool multishot = false;  ///< the request under way
    };
    std::vector<entry_state> entries_;
    bool multishot_;
};

}  // namespace kevbench::adapter::detail
