// SPDX-License-Identifier: MIT
#include "engine/buffers.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <new>

#include "kevbench/workload/error.hpp"

namespace kevbench::workload {
namespace {

constexpr std::align_val_t page{4096};

}  // namespace

void buffer_pool::page_aligned_delete::operator()(std::byte* block) const noexcept {
    ::operator delete[](block, page);
}

buffer_pool::buffer_pool(std::uint32_t count, std::uint32_t size)
    : size_(size), bytes_(std::size_t{count} * size) {
    if (!std::has_single_bit(count) || !std::has_single_bit(size)) {
        throw usage_error(
            fmt::format("buffers={} of {} bytes is not possible: use powers of two", count, size));
    }
    base_.reset(new (page) std::byte[bytes_]);
    next_ = base_.get();
    last_ = next_ + (bytes_ - size_);
    std::fill_n(base_.get(), bytes_, std::byte{0});
}

std::uint32_t default_buffer_count(std::uint64_t outstanding, std::uint64_t batch) {
    constexpr std::uint64_t least = 64;
    constexpr std::uint64_t most = 4096;
    return static_cast<std::uint32_t>(
        std::bit_ceil(std::clamp(std::max(outstanding, batch), least, most)));
}

std::uint32_t default_buffer_size(std::uint64_t payload) {
    constexpr std::uint64_t least = 2048;
    return static_cast<std::uint32_t>(std::bit_ceil(std::max(payload, least)));
}

}  // namespace kevbench::workload
