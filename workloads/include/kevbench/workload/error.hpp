// SPDX-License-Identifier: MIT
//
// Exceptions of everything above the adapters. Messages are one line and say what to do.
#pragma once

#include <stdexcept>
#include <string>

namespace kevbench::workload {

/// The request is wrong: an unknown name, a value out of range, a limit too low. Exit status 4.
class usage_error : public std::runtime_error {
  public:
    using std::runtime_error::runtime_error;
};

/// The cell cannot run on this machine; the text is the reason shown beside "skipped".
class not_available : public std::runtime_error {
  public:
    using std::runtime_error::runtime_error;
};

/// The run went wrong: unequal work, a system call that failed. Exit status 2.
class fault : public std::runtime_error {
  public:
    using std::runtime_error::runtime_error;
};

}  // namespace kevbench::workload
