// SPDX-License-Identifier: MIT
//
// Which registration a descriptor number belongs to, for mechanisms that do not keep that in the
// kernel and therefore have to detect double registration themselves.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace kevbench::adapter::detail {

/// Maps descriptor numbers to slots by direct indexing: 4 bytes for every number up to the highest
/// one ever inserted, one load for a look-up. Not thread-safe.
class descriptor_index {
  public:
    [[nodiscard]] bool contains(int fd) const noexcept {
        const auto at = static_cast<std::size_t>(fd);
        return at < slots_.size() && slots_[at] != 0;
    }
    /// Slot of `fd`, which must be contained.
    [[nodiscard]] std::uint32_t slot(int fd) const noexcept {
        return slots_[static_cast<std::size_t>(fd)] - 1;
    }
    /// Makes room for `fd` (not negative). Throws std::bad_alloc.
    void reserve(int fd) {
        const auto at = static_cast<std::size_t>(fd);
        if (at >= slots_.size()) {
            slots_.resize(at + at / 2 + 64);
        }
    }
    /// `fd` must have been reserved.
    void set(int fd, std::uint32_t slot) noexcept {
        slots_[static_cast<std::size_t>(fd)] = slot + 1;
    }
    void erase(int fd) noexcept { slots_[static_cast<std::size_t>(fd)] = 0; }
    void clear() noexcept { slots_.clear(); }

  private:
    std::vector<std::uint32_t> slots_;  // slot + 1; 0 = free
};

}  // namespace kevbench::adapter::detail
