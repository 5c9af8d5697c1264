// SPDX-License-Identifier: MIT
//
// Opens connections to one server from several addresses of this machine.
#pragma once

#include <netinet/in.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "kevbench/adapter/detail/descriptor.hpp"

namespace kevbench::workload::http {

/// Not thread-safe.
class connector {
  public:
    /// Throws usage_error for what is no IPv4 address and for port 0.
    connector(const std::string& address, std::uint16_t port,
              const std::vector<std::string>& sources);

    struct attempt {
        adapter::detail::descriptor socket;  ///< non-blocking; invalid when it failed at once
        int error = 0;                       ///< 0, EINPROGRESS or why it failed
    };
    /// Starts one connection, from the next source in turn.
    [[nodiscard]] attempt open() noexcept;

  private:
    sockaddr_in server_;
    std::vector<sockaddr_in> sources_;
    std::size_t next_ = 0;
};

/// Makes the close of `fd` a reset, so that no port stays occupied.
void reset_on_close(int fd) noexcept;

}  // namespace kevbench::workload::http
