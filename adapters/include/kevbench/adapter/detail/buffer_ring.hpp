// SPDX-License-Identifier: MIT
//
// The harness's receive buffers as a provided-buffer ring: the kernel picks one when data has
// arrived, so idle connections hold none.
#pragma once

#include <liburing.h>

#include <cstddef>
#include <cstdint>

#include "kevbench/adapter/contract.hpp"

namespace kevbench::adapter::detail {

/// Not thread-safe. Must outlive the kernel's use of it: the io_uring instance closes first.
class buffer_ring {
  public:
    /// The only buffer group of an instance.
    static constexpr std::uint16_t group = 0;

    buffer_ring() noexcept = default;
    buffer_ring(const buffer_ring&) = delete;
    buffer_ring& operator=(const buffer_ring&) = delete;
    ~buffer_ring() { close(); }

    /// Registers `buffers` (a power of two of them, at most 32768) with `instance` and hands all
    /// to the kernel. 0 or -errno.
    int open(io_uring& instance, const buffer_set& buffers) noexcept;
    void close() noexcept;

    [[nodiscard]] std::byte* data(std::uint32_t buffer) const noexcept {
        return buffers_.base + std::size_t{buffer} * buffers_.size;
    }
    [[nodiscard]] std::uint32_t count() const noexcept { return buffers_.count; }
    /// Bytes of one buffer.
    [[nodiscard]] std::uint32_t size() const noexcept { return buffers_.size; }

    /// Puts a buffer behind those the kernel may pick; publish() makes it visible.
    void give_back(std::uint32_t buffer) noexcept {
        io_uring_buf& entry = shared_->bufs[tail_++ & (buffers_.count - 1)];
        entry.addr = reinterpret_cast<std::uintptr_t>(data(buffer));
        entry.len = buffers_.size;
        entry.bid = static_cast<std::uint16_t>(buffer);
    }
    void publish() noexcept { io_uring_smp_store_release(&shared_->tail, tail_); }

  private:
    io_uring_buf_ring* shared_ = nullptr;
    std::uint16_t tail_ = 0;
    buffer_set buffers_;
};

}  // namespace kevbench::adapter::detail
