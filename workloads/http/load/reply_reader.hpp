// SPDX-License-Identifier: MIT
//
// Finds the end of an HTTP/1.x reply in a byte stream that arrives in arbitrary pieces.
//
// A reply ends after Content-Length bytes of body or, where that field is absent, with the
// connection. Chunked bodies are not read: no server of ours sends them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace kevbench::workload::http {

/// One per connection; allocates only when a head is cut. Not thread-safe.
class reply_reader {
  public:
    enum class progress : std::uint8_t { incomplete, complete, malformed };

    struct step {
        progress at = progress::incomplete;
        std::size_t used = 0;  ///< bytes of the input that belong to this reply
    };

    /// Call until complete or malformed, then reset().
    [[nodiscard]] step take(std::string_view input);
    /// The connection has ended: complete only for a reply that ends so.
    [[nodiscard]] progress end() const noexcept;
    /// Whether anything of a reply has arrived.
    [[nodiscard]] bool begun() const noexcept { return in_body_ || !head_.empty(); }
    /// Known once the head is read, e.g. 200.
    [[nodiscard]] int status() const noexcept { return status_; }
    void reset() noexcept;

  private:
    [[nodiscard]] bool read_head(std::string_view head) noexcept;

    std::string head_;        // start of a head whose end has not arrived
    std::uint64_t left_ = 0;  // bytes of the body still to come
    int status_ = 0;
    bool in_body_ = false;
    bool until_end_ = false;  // the body ends with the connection
};

}  // namespace kevbench::workload::http
