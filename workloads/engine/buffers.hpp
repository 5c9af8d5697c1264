// SPDX-License-Identifier: MIT
//
// Receive buffers, equal for every mechanism in count, size, alignment and distance of re-use:
// completion adapters hand the whole set to the kernel, consumers of readiness take the buffers in
// turn. A single hot buffer would flatter readiness (docs/fairness.md, rule 5).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "kevbench/adapter/contract.hpp"

namespace kevbench::workload {

/// `count` buffers of `size` bytes in one page-aligned block, zeroed, so resident from the start.
/// Not thread-safe.
class buffer_pool {
  public:
    /// Both powers of two. Throws usage_error otherwise and std::bad_alloc when memory is short.
    buffer_pool(std::uint32_t count, std::uint32_t size);

    [[nodiscard]] adapter::buffer_set set() const noexcept {
        return {base_.get(), static_cast<std::uint32_t>(bytes_ / size_),
                static_cast<std::uint32_t>(size_)};
    }
    [[nodiscard]] std::size_t size() const noexcept { return size_; }

    /// The next buffer in turn, size() bytes long.
    [[nodiscard]] std::byte* next() noexcept {
        std::byte* chosen = next_;
        next_ = chosen == last_ ? base_.get() : chosen + size_;
        return chosen;
    }

  private:
    struct page_aligned_delete {
        void operator()(std::byte* block) const noexcept;
    };
    std::unique_ptr<std::byte[], page_aligned_delete> base_;
    std::byte* next_ = nullptr;
    std::byte* last_ = nullptr;  // after which the first follows
    std::size_t size_;
    std::size_t bytes_;
};

/// Buffers for a cell that may have `outstanding` messages under way and takes `batch` a wait:
/// enough that a completion adapter does not run dry at ordinary sizes, bounded so that the set
/// stays a cache footprint a server could have.
[[nodiscard]] std::uint32_t default_buffer_count(std::uint64_t outstanding, std::uint64_t batch);
/// Bytes of one buffer: a whole message, and at least 2048 as servers use for short requests.
[[nodiscard]] std::uint32_t default_buffer_size(std::uint64_t payload);

}  // namespace kevbench::workload
