// SPDX-License-Identifier: MIT
//
// The event sources of the tests: a near end to watch and a far end to stimulate it with. All ends
// are non-blocking.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "kevbench/adapter/contract.hpp"
#include "kevbench/adapter/detail/descriptor.hpp"

namespace kevbench::adapter::conformance {

enum class source : std::uint8_t { eventfd, pipe, unix_stream, tcp };

inline constexpr source every_source[] = {source::eventfd, source::pipe, source::unix_stream,
                                          source::tcp};
inline constexpr source every_stream[] = {source::pipe, source::unix_stream, source::tcp};

[[nodiscard]] std::string_view name_of(source kind);

class channel {
  public:
    /// Throws std::system_error.
    explicit channel(source kind);

    [[nodiscard]] source kind() const { return kind_; }
    [[nodiscard]] bool is_socket() const {
        return kind_ == source::unix_stream || kind_ == source::tcp;
    }
    [[nodiscard]] int near() const { return near_.get(); }
    [[nodiscard]] int far() const { return kind_ == source::eventfd ? near_.get() : far_.get(); }
    [[nodiscard]] watch make_watch(std::uint32_t interest = bits::readable) const {
        return {near(), interest, is_socket(), kind_ == source::pipe};
    }

    /// Makes the near end readable: one byte, or one count of an eventfd. Throws if refused.
    void fire() const;
    /// Bytes written, 0 if the far end is full. Not for eventfds. Throws on errors.
    [[nodiscard]] std::size_t write(std::string_view bytes) const;
    /// Everything that can be read from the far end at present. Not for eventfds.
    [[nodiscard]] std::string read_far() const;

    /// The next `size` bytes of the far end, or as many as come within seconds: loopback TCP may
    /// deliver after the sender has gone on.
    [[nodiscard]] std::string read_far(std::size_t size) const;

    void close_near() { near_.reset(); }
    void close_far() { far_.reset(); }
    /// Closes the far end so that a TCP peer is told by a reset.
    void reset_far();

  private:
    source kind_;
    detail::descriptor near_;
    detail::descriptor far_;
};

/// A listening TCP socket on loopback, and connections to it.
class listener {
  public:
    listener();
    [[nodiscard]] int fd() const { return socket_.get(); }
    /// A new client, connected as far as it knows itself. Throws std::system_error.
    [[nodiscard]] detail::descriptor connect() const;
    /// The next connection, awaited for seconds. Throws std::system_error.
    [[nodiscard]] detail::descriptor accept() const;

  private:
    detail::descriptor socket_;
};

}  // namespace kevbench::adapter::conformance
