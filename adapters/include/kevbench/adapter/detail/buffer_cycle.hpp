// SPDX-License-Identifier: MIT
//
// The harness's receive buffers where the adapter itself picks the one to fill: in turn, as the
// consumers of readiness adapters and the kernel's provided buffers do.
#pragma once

#include <bit>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <new>
#include <vector>

#include "kevbench/adapter/contract.hpp"

namespace kevbench::adapter::detail {

/// Not thread-safe.
class buffer_cycle {
  public:
    /// Takes a power of two of buffers. 0, -EINVAL or -ENOMEM.
    int open(const buffer_set& buffers) noexcept {
        if (buffers.base == nullptr || buffers.size == 0 || !std::has_single_bit(buffers.count)) {
            return -EINVAL;
        }
        try {
            free_.resize(buffers.count);
        } catch (const std::bad_alloc&) {
            return -ENOMEM;
        }
        buffers_ = buffers;
        head_ = tail_ = 0;
        for (std::uint32_t buffer = 0; buffer < buffers.count; ++buffer) {
            give_back(buffer);
        }
        return 0;
    }

    [[nodiscard]] std::uint32_t available() const noexcept { return tail_ - head_; }
    [[nodiscard]] std::uint32_t count() const noexcept { return buffers_.count; }
    /// Bytes of one buffer.
    [[nodiscard]] std::uint32_t size() const noexcept { return buffers_.size; }
    [[nodiscard]] std::byte* data(std::uint32_t buffer) const noexcept {
        return buffers_.base + std::size_t{buffer} * buffers_.size;
    }
    /// The buffer that begins at `address`.
    [[nodiscard]] std::uint32_t index_of(std::uint64_t address) const noexcept {
        const auto base = reinterpret_cast<std::uintptr_t>(buffers_.base);
        return static_cast<std::uint32_t>((address - base) / buffers_.size);
    }

    /// One must be available.
    [[nodiscard]] std::uint32_t take() noexcept { return free_[head_++ & (buffers_.count - 1)]; }
    void give_back(std::uint32_t buffer) noexcept {
        free_[tail_++ & (buffers_.count - 1)] = buffer;
    }

  private:
    buffer_set buffers_;
    std::vector<std::uint32_t> free_;
    std::uint32_t head_ = 0;
    std::uint32_t tail_ = 0;
};

}  // namespace kevbench::adapter::detail
