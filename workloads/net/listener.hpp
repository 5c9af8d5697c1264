// SPDX-License-Identifier: MIT
//
// A listening TCP socket.
#pragma once

#include <cstdint>
#include <string>

#include "kevbench/adapter/detail/descriptor.hpp"

namespace kevbench::workload::net {

/// Accepted connections inherit TCP_NODELAY, so replies never wait for acknowledgements and
/// accepting costs no further call.
struct listener {
    adapter::detail::descriptor socket;  ///< non-blocking
    std::uint16_t port = 0;
};

/// Listens on an IPv4 address of this machine; port 0 = any free one. Throws usage_error naming the
/// remedy when address or port cannot be had, fault when another call fails.
[[nodiscard]] listener listen_on(const std::string& address, std::uint16_t port);

/// A connected socket with TCP_NODELAY, blocking. Throws fault.
[[nodiscard]] adapter::detail::descriptor connect_to(const std::string& address,
                                                     std::uint16_t port);

}  // namespace kevbench::workload::net
