// SPDX-License-Identifier: MIT
#include "http/stop_signal.hpp"

#include <errno.h>
#include <fmt/format.h>
#include <sys/socket.h>

#include <array>
#include <atomic>
#include <cstring>

#include "kevbench/workload/error.hpp"

namespace kevbench::workload::http {
namespace {

// A signal handler can reach nothing but what is static.
std::atomic<int> write_to{-1};
static_assert(std::atomic<int>::is_always_lock_free);

void tell(int /*signal*/) {
    const int saved = errno;
    const char byte = 1;
    // Without MSG_DONTWAIT a storm of signals could block here; one byte is enough.
    static_cast<void>(::send(write_to.load(), &byte, 1, MSG_DONTWAIT | MSG_NOSIGNAL));
    errno = saved;
}

}  // namespace

stop_signal::stop_signal() {
    std::array<int, 2> ends{-1, -1};
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends.data()) != 0) {
        throw fault(fmt::format("creating the stop socket: {}", std::strerror(errno)));
    }
    read_end_.reset(ends[0]);
    write_end_.reset(ends[1]);
    write_to.store(ends[1]);
    struct sigaction action {};
    action.sa_handler = tell;
    action.sa_flags = SA_RESTART;
    sigemptyset(&action.sa_mask);
    ::sigaction(SIGTERM, &action, &before_term_);
    ::sigaction(SIGINT, &action, &before_int_);
}

stop_signal::~stop_signal() {
    ::sigaction(SIGTERM, &before_term_, nullptr);
    ::sigaction(SIGINT, &before_int_, nullptr);
    write_to.store(-1);
}

}  // namespace kevbench::workload::http
