// SPDX-License-Identifier: MIT
#include "http/load/connector.hpp"

#include <errno.h>
#include <sys/socket.h>

#include "kevbench/workload/error.hpp"
#include "net/listener.hpp"

namespace kevbench::workload::http {

connector::connector(const std::string& address, std::uint16_t port,
                     const std::vector<std::string>& sources)
    : server_(net::to_address(address, port)) {
    if (port == 0) {
        throw usage_error("no port to connect to: name the server's with --port");
    }
    sources_.reserve(sources.size());
    for (const std::string& each : sources) {
        sources_.push_back(net::to_address(each, 0));
    }
}

connector::attempt connector::open() noexcept {
    attempt made;
    made.socket.reset(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!made.socket.valid()) {
        made.error = errno;
        return made;
    }
    const int fd = made.socket.get();
    if (!sources_.empty()) {
        // Without it bind() would take a port for itself alone, although the other end differs.
        const int on = 1;
        static_cast<void>(::setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on));
        const sockaddr_in& source = sources_[next_];
        next_ = next_ + 1 == sources_.size() ? 0 : next_ + 1;
        if (::bind(fd, net::generic(source), sizeof source) != 0) {
            made.error = errno;
            made.socket.reset();
            return made;
        }
    }
    if (::connect(fd, net::generic(server_), sizeof server_) != 0) {
        made.error = errno;
        if (made.error != EINPROGRESS) {
            made.socket.reset();
        }
    }
    return made;
}

void reset_on_close(int fd) noexcept {
    const linger at_once{1, 0};
    static_cast<void>(::setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once));
}

}  // namespace kevbench::workload::http
