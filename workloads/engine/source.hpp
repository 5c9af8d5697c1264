// SPDX-License-Identifier: MIT
//
// Event sources: connected pairs of non-blocking descriptors, one end to watch and one to write to.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <vector>

#include "kevbench/adapter/contract.hpp"
#include "kevbench/adapter/detail/descriptor.hpp"
#include "kevbench/workload/catalogue.hpp"

namespace kevbench::workload {

using adapter::detail::descriptor;

enum class source_kind : std::uint8_t { eventfd, pipe, unix_stream, tcp };

/// The `source` parameter of workloads that use this file.
[[nodiscard]] parameter source_parameter(std::string_view initial);
[[nodiscard]] source_kind parse_source(std::string_view name);
/// send() and recv() apply.
[[nodiscard]] bool is_socket(source_kind kind) noexcept;
/// Bytes one message has: an eventfd moves 8, whatever was asked for.
[[nodiscard]] std::uint32_t effective_payload(source_kind kind, std::int64_t payload) noexcept;

/// `count` connected pairs. TCP connections go over loopback with NODELAY, from one listener for
/// each block of connections that the range of local ports can hold, and end in a reset, so that no
/// port stays occupied after a run.
///
/// Watched ends get the lowest free numbers, without gaps, for every mechanism: select cannot name
/// more than 1024, and its cost depends on how dense the numbers are.
class channel_set {
  public:
    /// No channels, for adapters without a kernel behind them.
    channel_set() = default;
    /// Raises the soft descriptor limit up to the hard one as needed. Throws usage_error naming the
    /// limit when that is not enough, fault when a system call fails.
    channel_set(source_kind kind, std::uint32_t count, std::uint32_t payload);

    [[nodiscard]] std::uint32_t size() const noexcept {
        return static_cast<std::uint32_t>(watched_.size());
    }
    /// The end to watch and to receive from.
    [[nodiscard]] int watched(std::uint32_t at) const noexcept { return watched_[at].get(); }
    /// The end to write to; the same descriptor with an eventfd.
    [[nodiscard]] int far(std::uint32_t at) const noexcept {
        return far_.empty() ? watched_[at].get() : far_[at].get();
    }

  private:
    void connect_tcp(std::uint32_t count, std::uint32_t payload);

    std::vector<descriptor> watched_;
    std::vector<descriptor> far_;  // destroyed first: its reset must find the peer still open
};

/// Throws usage_error, which begins with `what`, unless `count` descriptors beside a few dozen may
/// be open; raises the soft limit if needed.
void require_descriptors(std::uint64_t count, std::string_view what);

/// What is sent: bytes that tell messages apart and reveal parts of one that change places.
class message {
  public:
    explicit message(std::uint32_t payload);
    /// Makes this message `number` (from 0), in one store.
    const std::byte* stamp(std::uint64_t number) noexcept {
        const std::uint64_t word = number + 1;  // an eventfd is not readable at 0
        std::memcpy(bytes_.data(), &word, sizeof word);
        return bytes_.data();
    }
    [[nodiscard]] const std::byte* data() const noexcept { return bytes_.data(); }
    /// For adapter::operation, which has one buffer field for sends and receives.
    [[nodiscard]] std::byte* mutable_data() noexcept { return bytes_.data(); }
    [[nodiscard]] std::size_t size() const noexcept { return payload_; }

  private:
    std::vector<std::byte> bytes_;
    std::size_t payload_;
};

}  // namespace kevbench::workload
