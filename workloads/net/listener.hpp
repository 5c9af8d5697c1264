// SPDX-License-Identifier: MIT
//
// A listening TCP socket.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

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

/// Listens on an IPv4 address of this machine; port 0 = any free one. `backlog` connections wait to
/// be accepted, at most; the kernel lowers it to net.core.somaxconn. Throws usage_error naming the
/// remedy when address or port cannot be had, fault when another call fails.
[[nodiscard]] listener listen_on(const std::string& address, std::uint16_t port,
                                 std::uint32_t backlog = 65'535);

/// The socket address of an IPv4 address in digits. Throws usage_error for anything else.
[[nodiscard]] sockaddr_in to_address(const std::string& address, std::uint16_t port);

/// The socket interface takes every address family as a sockaddr.
[[nodiscard]] inline const sockaddr* generic(const sockaddr_in& address) noexcept {
    return reinterpret_cast<const sockaddr*>(&address);
}

/// A connected socket with TCP_NODELAY, blocking. Throws fault.
[[nodiscard]] adapter::detail::descriptor connect_to(const std::string& address,
                                                     std::uint16_t port);

}  // namespace kevbench::workload::net
