// SPDX-License-Identifier: MIT
//
// The HTTP server under test: one thread, one static reply, any mechanism of the registry.
//
// It serves HTTP/1.0 and 1.1 GET and HEAD with the same body for every target, keep-alive or one
// reply a connection, pipelined or not. Loaded from outside (httperf, wrk). The same source runs on
// every mechanism and variant; what differs is the adapter and the consume policy of its traits.
#pragma once

#include <cstdint>
#include <iosfwd>
#include <span>
#include <string>
#include <string_view>

namespace kevbench::workload {

/// What the server does between a request and its reply.
enum class http_style : std::uint8_t {
    /// Registers a connection once, when it is accepted, and sends at once: our server as it is.
    plain,
    /// Level-triggered state machine by the book: the interest follows every state, so a request
    /// costs a wait for room to send and two changes of the interest more.
    naive,
    /// Tries to read from a connection as soon as it is accepted and registers it only when nothing
    /// is there: a request that has arrived by then needs no registration at all.
    optimistic,
};

struct http_options {
    /// "null" is the null server: no event mechanism, every socket is tried in turn. It spins, so
    /// give it a processor of its own. It shows what a load generator reaches alone and is never
    /// compared with anything.
    std::string mechanism = "epoll";
    std::string variant = "lt";
    std::string address = "127.0.0.1";  ///< IPv4, of this machine
    std::uint16_t port = 0;             ///< 0 = any free one
    /// Open at once, at most; further ones are accepted and closed at once, and counted.
    std::uint32_t connections = 1024;
    std::uint32_t body = 1;    ///< bytes, the same for every reply
    bool keep_alive = true;    ///< false = every reply closes its connection
    std::uint32_t batch = 64;  ///< events one wait delivers, at most
    /// Bytes of a whole reply that closes, head included; sets `body`. 0 = as `body` says.
    std::uint32_t reply = 0;
    http_style style = http_style::plain;  ///< others than plain are for readiness mechanisms
    bool accept_all = true;  ///< accept until there are no more, or one connection an event
    /// Registrations at once, listener included, of which the last is refused, as kevent did in
    /// 2006 with 4096: connections beyond are accepted and then never looked at. 0 = no such limit.
    std::uint32_t watch_limit = 0;
    std::uint32_t backlog = 65'535;  ///< connections that wait to be accepted, at most
};

/// Reads "--mechanism M --variant V --address A --port P --connections N --body BYTES
/// --keepalive on|off --batch N --reply BYTES --style plain|naive|optimistic --accept all|one
/// --watch-limit N --backlog N", each optional. Throws usage_error naming what is possible.
[[nodiscard]] http_options parse_http_options(std::span<const std::string_view> arguments);

/// Serves until SIGTERM or SIGINT, both of which it handles meanwhile; SIGPIPE is ignored from then
/// on. Prints two JSON lines to `announce`: the port once connections are accepted, and the
/// counters at the end (fields: see docs/architecture.md). Returns 0.
///
/// Throws usage_error (unknown name, port in use, descriptor limit too low), not_available (the
/// mechanism does not work here) and fault; nothing has been announced then, unless it is a fault
/// while serving. One call at a time in a process.
int serve_http(const http_options& options, std::ostream& announce);

}  // namespace kevbench::workload
