// SPDX-License-Identifier: MIT
//
// submit() of every readiness adapter: the system call at once, the same one for all mechanisms,
// so that they differ in how they notify and in nothing else.
#pragma once

#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <limits>

#include "kevbench/adapter/contract.hpp"

namespace kevbench::adapter::detail {

/// Accepted sockets are non-blocking and do not leak into programs that are executed; completion
/// adapters ask for the same.
inline constexpr int accept_flags = SOCK_NONBLOCK | SOCK_CLOEXEC;

/// The descriptor cannot do what is asked; trying again would fail again.
[[nodiscard]] inline bool is_permanent(std::int32_t result) noexcept {
    return result == -EBADF || result == -EINVAL || result == -ENOTSOCK || result == -EOPNOTSUPP;
}

/// Performs `op` and answers verdict::done. One system call; no allocation.
[[nodiscard]] inline submission perform(const operation& op) noexcept {
    const int fd = op.target->fd;
    ssize_t moved = -1;
    switch (op.kind) {
        case op_kind::receive:
            moved = op.target->socket ? ::recv(fd, op.buffer, op.size, MSG_DONTWAIT)
                                      : ::read(fd, op.buffer, op.size);
            break;
        case op_kind::send:
            moved = op.target->socket ? ::send(fd, op.buffer, op.size, MSG_NOSIGNAL | MSG_DONTWAIT)
                                      : ::write(fd, op.buffer, op.size);
            break;
        case op_kind::accept:
            moved = ::accept4(fd, nullptr, nullptr, accept_flags);
            break;
    }
    if (moved > std::numeric_limits<std::int32_t>::max()) {
        __builtin_unreachable();  // the kernel moves less than 2 GiB a call; spares extensions
    }
    if (moved > 0) [[likely]] {
        return {verdict::done, static_cast<std::int32_t>(moved)};
    }
    return {verdict::done, moved < 0 ? -errno : 0};
}

}  // namespace kevbench::adapter::detail
