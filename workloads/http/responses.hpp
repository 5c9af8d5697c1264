// SPDX-License-Identifier: MIT
//
// Every reply the server can give, written out once at start: answering a request then is one send
// from memory that never changes, which completion mechanisms need and readiness mechanisms enjoy.
//
// No Date field: the server reads no clock, and RFC 9110 6.6.1 forbids the field to such a server.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "http/request_scanner.hpp"

namespace kevbench::workload::http {

enum class reply : std::uint8_t {
    ok_keep,           ///< 200, the connection stays open (HTTP/1.1 default)
    ok_keep_explicit,  ///< 200 with "Connection: keep-alive", which HTTP/1.0 clients need
    ok_close,          ///< 200, the connection closes after it
    head_keep,         ///< the same three without body
    head_keep_explicit,
    head_close,
    bad_request,  ///< 400; this and the rest close the connection
    body_refused,
    head_too_large,
    method_unknown,
    version_unknown,
};
inline constexpr std::size_t reply_kinds = 11;

/// Whether the connection ends with this reply.
[[nodiscard]] constexpr bool closes(reply kind) noexcept {
    return kind != reply::ok_keep && kind != reply::ok_keep_explicit && kind != reply::head_keep &&
           kind != reply::head_keep_explicit;
}
/// Whether this reply refuses a request.
[[nodiscard]] constexpr bool refuses(reply kind) noexcept {
    return kind >= reply::bad_request;
}

/// The reply to a scanned request. `outcome` is not `incomplete`. With `keep_alive` false every
/// connection is closed after its first reply, whatever the client asked for.
[[nodiscard]] reply choose_reply(scan_outcome outcome, const request& parsed,
                                 bool keep_alive) noexcept;

/// The body with which a whole 200 reply that closes is `bytes` long, head included. Throws
/// usage_error when no head is that short.
[[nodiscard]] std::uint32_t body_for_reply(std::uint32_t bytes);

/// Immutable after construction and safe to read from any thread.
class responses {
  public:
    explicit responses(std::size_t body_bytes);

    /// The whole reply. Mutable bytes only because adapter::operation has one buffer type.
    [[nodiscard]] std::span<std::byte> bytes(reply kind) noexcept {
        return texts_[static_cast<std::size_t>(kind)];
    }

  private:
    std::array<std::vector<std::byte>, reply_kinds> texts_;
};

}  // namespace kevbench::workload::http
