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
};

/// Reads "--mechanism M --variant V --address A --port P --connections N --body BYTES
/// --keepalive on|off --batch N", each optional. Throws usage_error naming what is possible.
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
