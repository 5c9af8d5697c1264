// SPDX-License-Identifier: MIT
#include "channel.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <system_error>

namespace kevbench::adapter::conformance {
namespace {

constexpr int patience_ms = 10'000;

int checked(int result, const char* call) {
    if (result < 0) {
        throw std::system_error(errno, std::generic_category(), call);
    }
    return result;
}

}  // namespace

std::string_view name_of(source kind) {
    switch (kind) {
        case source::eventfd:
            return "eventfd";
        case source::pipe:
            return "pipe";
        case source::unix_stream:
            return "unix_stream";
        default:
            return "tcp";
    }
}

channel::channel(source kind) : kind_(kind) {
    std::array<int, 2> ends{-1, -1};
    switch (kind) {
        case source::eventfd:
            near_.reset(checked(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), "eventfd"));
            return;
        case source::pipe:
            checked(::pipe2(ends.data(), O_CLOEXEC | O_NONBLOCK), "pipe2");
            break;
        case source::unix_stream:
            checked(
                ::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends.data()),
                "socketpair");
            break;
        case source::tcp: {
            const listener server;
            far_ = server.connect();
            near_ = server.accept();
            return;
        }
    }
    near_.reset(ends[0]);
    far_.reset(ends[1]);
}

void channel::fire() const {
    const std::uint64_t one = 1;
    const std::size_t size = kind_ == source::eventfd ? sizeof one : 1;
    checked(static_cast<int>(::write(far(), &one, size)), "write");
}

std::size_t channel::write(std::string_view bytes) const {
    const ssize_t written = ::write(far(), bytes.data(), bytes.size());
    if (written < 0 && errno == EAGAIN) {
        return 0;
    }
    return static_cast<std::size_t>(checked(static_cast<int>(written), "write"));
}

std::string channel::read_far() const {
    std::string all;
    std::array<char, 16384> block{};
    ssize_t count = 0;
    while ((count = ::read(far(), block.data(), block.size())) > 0) {
        all.append(block.data(), static_cast<std::size_t>(count));
    }
    return all;
}

std::string channel::read_far(std::size_t size) const {
    std::string all = read_far();
    pollfd state{far(), POLLIN, 0};
    while (all.size() < size && ::poll(&state, 1, patience_ms) == 1) {
        const std::string more = read_far();
        if (more.empty()) {
            break;  // the end of the stream
        }
        all += more;
    }
    return all;
}

void channel::reset_far() {
    const linger at_once{1, 0};
    checked(::setsockopt(far_.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once),
            "setsockopt");
    far_.reset();
}

listener::listener()
    : socket_(checked(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), "socket")) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    checked(::bind(socket_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address),
            "bind");
    checked(::listen(socket_.get(), 64), "listen");
}

detail::descriptor listener::connect() const {
    sockaddr_in address{};
    socklen_t size = sizeof address;
    checked(::getsockname(socket_.get(), reinterpret_cast<sockaddr*>(&address), &size),
            "getsockname");
    detail::descriptor client{checked(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket")};
    checked(::connect(client.get(), reinterpret_cast<const sockaddr*>(&address), size), "connect");
    checked(::fcntl(client.get(), F_SETFL, O_NONBLOCK), "fcntl");
    return client;
}

detail::descriptor listener::accept() const {
    // connect() returns when the client has its answer; the listener may yet have to hear of that.
    pollfd state{fd(), POLLIN, 0};
    if (checked(::poll(&state, 1, patience_ms), "poll") == 0) {
        throw std::system_error(ETIMEDOUT, std::generic_category(), "accept4");
    }
    return detail::descriptor{
        checked(::accept4(fd(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK), "accept4")};
}

}  // namespace kevbench::adapter::conformance
