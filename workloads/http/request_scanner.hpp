// SPDX-License-Identifier: MIT
//
// Finds HTTP/1.x requests in a byte stream that arrives in arbitrary pieces.
//
// The server answers every acceptable request with the same static body, so all it needs to know
// of a request is where it ends, which method it is and whether the connection stays open. A
// request that lies whole in the receive buffer, by far the most frequent case, is judged in place;
// only what is left over at the end of a buffer is copied. The outcome never depends on where the
// stream was cut.
//
// Deliberately strict (RFC 9112 leaves room to be lenient): lines end in CR LF, a request has no
// body, header lines are not folded. A server that guesses does unequal work.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace kevbench::workload::http {

/// Longest request head accepted, in bytes, the empty line included. Longer ones are answered 431.
inline constexpr std::size_t head_limit = 8192;

enum class scan_outcome : std::uint8_t {
    incomplete,       ///< everything was taken; more input is needed
    request,          ///< an acceptable request
    malformed,        ///< 400
    body_refused,     ///< 413: the request announces a body
    head_too_large,   ///< 431
    method_unknown,   ///< 501: neither GET nor HEAD
    version_unknown,  ///< 505: neither HTTP/1.0 nor HTTP/1.1
};

struct request {
    bool head = false;        ///< HEAD: no body in the reply
    bool keep_alive = false;  ///< the client wants to keep the connection
    bool http_1_0 = false;    ///< the reply must say "keep-alive" when the connection is kept
};

/// Judges one complete head, which ends in the empty line. Never answers `incomplete` nor
/// `head_too_large`. `parsed` is written only with scan_outcome::request.
[[nodiscard]] scan_outcome parse_head(std::string_view head, request& parsed) noexcept;

/// One per connection; about 40 bytes as long as requests arrive whole. Not thread-safe.
class request_scanner {
  public:
    struct step {
        scan_outcome outcome = scan_outcome::incomplete;
        std::size_t used = 0;  ///< bytes of the input taken, at most all
        request parsed;        ///< with scan_outcome::request
    };

    /// Takes input up to the end of the next request. Call again with the rest until the answer is
    /// `incomplete`. After any other outcome than these two the stream has no defined continuation:
    /// reset() or close. Allocates only when a request is cut by the end of `input`.
    [[nodiscard]] step next(std::string_view input);

    /// True between the first byte of a request and its end.
    [[nodiscard]] bool inside_request() const noexcept { return !carried_.empty(); }
    void reset() noexcept { carried_.clear(); }

  private:
    [[nodiscard]] step next_carried(std::string_view input);

    std::string carried_;  // start of a request whose end has not arrived
};

}  // namespace kevbench::workload::http
