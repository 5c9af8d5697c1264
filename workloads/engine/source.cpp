// SPDX-License-Identifier: MIT
#include "engine/source.hpp"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "kevbench/workload/error.hpp"

namespace kevbench::workload {
namespace {

struct source_name {
    std::string_view name;
    source_kind kind;
};
constexpr std::array names{
    source_name{"eventfd", source_kind::eventfd},
    source_name{"pipe", source_kind::pipe},
    source_name{"unix", source_kind::unix_stream},
    source_name{"tcp", source_kind::tcp},
};

constexpr std::uint32_t eventfd_payload = 8;
/// Descriptors beside the sources: standard streams, the mechanism's own, counters, a listener.
constexpr std::uint64_t spare_descriptors = 64;
/// Connections to one loopback address; the default range of local ports holds 28,232.
constexpr std::uint32_t connections_per_address = 20'000;

[[noreturn]] void fail(std::string_view step) {
    throw fault(fmt::format("{}: {}", step, std::strerror(errno)));
}

void check(int result, std::string_view step) {
    if (result < 0) {
        fail(step);
    }
}

/// Moves a descriptor to a number at or above `lowest`, out of the way of watched ones.
descriptor move_up(descriptor low, int lowest) {
    descriptor high{::fcntl(low.get(), F_DUPFD_CLOEXEC, lowest)};
    if (!high.valid()) {
        fail("moving a descriptor to a higher number");
    }
    return high;
}

void set_option(int fd, int level, int name, int value, std::string_view step) {
    check(::setsockopt(fd, level, name, &value, sizeof value), step);
}

/// A message of `payload` bytes must fit into the send buffer at once, whatever the system's
/// default, or writers would need write readiness.
void fit_send_buffer(int fd, std::uint32_t payload) {
    constexpr std::uint32_t small = 4096;
    constexpr int overhead_factor = 8;
    if (payload >= small) {
        set_option(fd, SOL_SOCKET, SO_SNDBUF, static_cast<int>(payload) * overhead_factor,
                   "setting the send buffer");
    }
}

sockaddr_in loopback(std::uint32_t block) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK + block);
    return address;
}

// The socket interface takes every address family as a sockaddr.
template <class Address>
const sockaddr* generic(const Address& address) noexcept {
    return reinterpret_cast<const sockaddr*>(&address);
}

descriptor listen_on(sockaddr_in& address) {
    descriptor listener{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    if (!listener.valid()) {
        fail("creating a listener");
    }
    check(::bind(listener.get(), generic(address), sizeof address), "binding to loopback");
    check(::listen(listener.get(), SOMAXCONN), "listening on loopback");
    socklen_t length = sizeof address;
    check(::getsockname(listener.get(), reinterpret_cast<sockaddr*>(&address), &length),
          "reading the listener's port");
    return listener;
}

void make_nonblocking(int fd) {
    const int flags = ::fcntl(fd, F_GETFL);
    check(flags, "reading descriptor flags");
    check(::fcntl(fd, F_SETFL, flags | O_NONBLOCK), "making a descriptor non-blocking");
}

}  // namespace

parameter source_parameter(std::string_view initial) {
    parameter made;
    made.name = "source";
    made.initial_choice = initial;
    for (const source_name& each : names) {
        made.choices.emplace_back(each.name);
    }
    made.help = "what is watched: eventfd, pipe, UNIX stream socket or TCP over loopback";
    return made;
}

source_kind parse_source(std::string_view name) {
    const auto found = std::find_if(names.begin(), names.end(),
                                    [&](const source_name& each) { return each.name == name; });
    if (found == names.end()) {
        throw usage_error(fmt::format("unknown source '{}': use eventfd, pipe, unix or tcp", name));
    }
    return found->kind;
}

bool is_socket(source_kind kind) noexcept {
    return kind == source_kind::unix_stream || kind == source_kind::tcp;
}

std::uint32_t effective_payload(source_kind kind, std::int64_t payload) noexcept {
    return kind == source_kind::eventfd ? eventfd_payload : static_cast<std::uint32_t>(payload);
}

void require_descriptors(std::uint64_t count, std::string_view what) {
    rlimit limit{};
    check(::getrlimit(RLIMIT_NOFILE, &limit), "reading the descriptor limit");
    const rlim_t needed = count + spare_descriptors;
    if (needed <= limit.rlim_cur) {
        return;
    }
    if (needed > limit.rlim_max) {
        throw usage_error(fmt::format(
            "{} needs {} descriptors but RLIMIT_NOFILE allows {}: lower it, or raise the hard "
            "limit (as root 'ulimit -Hn {}', or LimitNOFILE= of the service)",
            what, needed, limit.rlim_max, needed));
    }
    limit.rlim_cur = needed;
    check(::setrlimit(RLIMIT_NOFILE, &limit), "raising the descriptor limit");
}

channel_set::channel_set(source_kind kind, std::uint32_t count, std::uint32_t payload) {
    const std::uint64_t descriptors = kind == source_kind::eventfd ? count : 2ULL * count;
    // Far ends start above the watched ones, with room for what the process has open already.
    constexpr std::uint32_t gap = 64;
    require_descriptors(descriptors + gap, fmt::format("registered={} of source={}", count,
                                                       names[static_cast<std::size_t>(kind)].name));
    const int above = static_cast<int>(count + gap);
    watched_.reserve(count);
    far_.reserve(kind == source_kind::eventfd ? 0 : count);
    if (kind == source_kind::tcp) {
        connect_tcp(count, payload);
        return;
    }
    for (std::uint32_t at = 0; at < count; ++at) {
        std::array<int, 2> ends{-1, -1};
        switch (kind) {
            case source_kind::eventfd:
                ends[0] = ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
                check(ends[0], "creating an eventfd");
                break;
            case source_kind::pipe:
                check(::pipe2(ends.data(), O_NONBLOCK | O_CLOEXEC), "creating a pipe");
                break;
            default:
                check(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0,
                                   ends.data()),
                      "creating a UNIX socket pair");
                break;
        }
        watched_.emplace_back(ends[0]);
        if (ends[1] >= 0) {
            far_.push_back(move_up(descriptor{ends[1]}, above));
            if (kind == source_kind::unix_stream) {
                fit_send_buffer(ends[0], payload);
                fit_send_buffer(far_.back().get(), payload);
            }
        }
    }
}

void channel_set::connect_tcp(std::uint32_t count, std::uint32_t payload) {
    constexpr std::uint32_t gap = 64;
    const int above = static_cast<int>(count + gap);
    sockaddr_in address{};
    descriptor listener;
    for (std::uint32_t at = 0; at < count; ++at) {
        if (at % connections_per_address == 0) {
            address = loopback(at / connections_per_address);
            listener = move_up(listen_on(address), above);
        }
        descriptor client{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
        if (!client.valid()) {
            fail("creating a socket");
        }
        client = move_up(std::move(client), above);
        check(::connect(client.get(), generic(address), sizeof address), "connecting to loopback");
        descriptor server{::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC)};
        if (!server.valid()) {
            fail("accepting on loopback");
        }
        for (const int fd : {client.get(), server.get()}) {
            set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1, "setting TCP_NODELAY");
            fit_send_buffer(fd, payload);
            make_nonblocking(fd);
        }
        const linger reset_on_close{1, 0};
        check(::setsockopt(client.get(), SOL_SOCKET, SO_LINGER, &reset_on_close,
                           sizeof reset_on_close),
              "setting SO_LINGER");
        watched_.push_back(std::move(server));
        far_.push_back(std::move(client));
    }
}

message::message(std::uint32_t payload)
    : bytes_(std::max<std::size_t>(payload, sizeof(std::uint64_t))), payload_(payload) {
    // Words that differ from each other, so that parts that change places change the checksum.
    constexpr std::uint32_t step = 151;
    for (std::size_t at = 0; at < bytes_.size(); ++at) {
        bytes_[at] = static_cast<std::byte>((at * step + at / 8) & 0xFFU);
    }
}

}  // namespace kevbench::workload
