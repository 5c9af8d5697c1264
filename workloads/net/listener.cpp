// SPDX-License-Identifier: MIT
#include "net/listener.hpp"

#include <arpa/inet.h>
#include <errno.h>
#include <fmt/format.h>
#include <netinet/tcp.h>

#include <cstring>
#include <string_view>

#include "kevbench/workload/error.hpp"

namespace kevbench::workload::net {
namespace {

using adapter::detail::descriptor;

[[noreturn]] void fail(std::string_view step) {
    throw fault(fmt::format("{}: {}", step, std::strerror(errno)));
}

void enable(int fd, int level, int option, std::string_view step) {
    const int on = 1;
    if (::setsockopt(fd, level, option, &on, sizeof on) != 0) {
        fail(step);
    }
}

[[noreturn]] void refuse_bind(const std::string& address, std::uint16_t port) {
    switch (errno) {
        case EADDRINUSE:
            throw usage_error(
                fmt::format("port {} on {} is in use: choose another with --port, or --port 0 for "
                            "any free one",
                            port, address));
        case EACCES:
            throw usage_error(fmt::format(
                "port {} on {} needs root: choose one above 1023 with --port", port, address));
        case EADDRNOTAVAIL:
            throw usage_error(fmt::format(
                "{} is not an address of this machine: 'ip -4 addr' lists them", address));
        default:
            fail(fmt::format("binding to port {} on {}", port, address));
    }
}

}  // namespace

sockaddr_in to_address(const std::string& address, std::uint16_t port) {
    sockaddr_in made{};
    made.sin_family = AF_INET;
    made.sin_port = htons(port);
    if (::inet_pton(AF_INET, address.c_str(), &made.sin_addr) != 1) {
        throw usage_error(
            fmt::format("'{}' is not an IPv4 address: use one such as 127.0.0.1", address));
    }
    return made;
}

listener listen_on(const std::string& address, std::uint16_t port, std::uint32_t backlog) {
    sockaddr_in wanted = to_address(address, port);
    listener made;
    made.socket.reset(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    const int fd = made.socket.get();
    if (!made.socket.valid()) {
        fail("creating a listening socket");
    }
    // Connections of an earlier run that linger in TIME_WAIT do not block the port.
    enable(fd, SOL_SOCKET, SO_REUSEADDR, "setting SO_REUSEADDR");
    enable(fd, IPPROTO_TCP, TCP_NODELAY, "setting TCP_NODELAY");
    if (::bind(fd, generic(wanted), sizeof wanted) != 0) {
        refuse_bind(address, port);
    }
    if (::listen(fd, static_cast<int>(backlog)) != 0) {
        refuse_bind(address, port);
    }
    socklen_t length = sizeof wanted;
    if (::getsockname(fd, reinterpret_cast<sockaddr*>(&wanted), &length) != 0) {
        fail("reading the listener's port");
    }
    made.port = ntohs(wanted.sin_port);
    return made;
}

descriptor connect_to(const std::string& address, std::uint16_t port) {
    const sockaddr_in target = to_address(address, port);
    descriptor made{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    if (!made.valid()) {
        fail("creating a socket");
    }
    enable(made.get(), IPPROTO_TCP, TCP_NODELAY, "setting TCP_NODELAY");
    if (::connect(made.get(), generic(target), sizeof target) != 0) {
        fail(fmt::format("connecting to port {} on {}", port, address));
    }
    return made;
}

}  // namespace kevbench::workload::net
