// SPDX-License-Identifier: MIT
#pragma once

#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <string>

namespace kevbench::guest {

/// The init could not do its job; the text reaches the launcher and its user.
class Fault : public std::runtime_error {
  public:
    using std::runtime_error::runtime_error;
};

/// Throws a Fault that ends in the text of errno.
[[noreturn]] inline void throw_errno(const std::string& what) {
    const int error = errno;
    throw Fault(what + ": " + std::strerror(error));
}

}  // namespace kevbench::guest
