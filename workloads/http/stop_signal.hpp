// SPDX-License-Identifier: MIT
//
// SIGTERM and SIGINT as an event: a signal becomes a byte on a socket that the server's mechanism
// watches like any other, so waits need no timeout and no mechanism needs a signal mask.
#pragma once

#include <signal.h>

#include "kevbench/adapter/detail/descriptor.hpp"

namespace kevbench::workload::http {

/// Catches the two signals while it lives and restores what was before. One at a time in a process.
class stop_signal {
  public:
    /// Throws fault.
    stop_signal();
    stop_signal(const stop_signal&) = delete;
    stop_signal& operator=(const stop_signal&) = delete;
    ~stop_signal();

    /// A stream socket that becomes readable with the first signal; non-blocking.
    [[nodiscard]] int fd() const noexcept { return read_end_.get(); }

  private:
    adapter::detail::descriptor read_end_;
    adapter::detail::descriptor write_end_;
    struct sigaction before_term_ {};
    struct sigaction before_int_ {};
};

}  // namespace kevbench::workload::http
