// SPDX-License-Identifier: MIT
#include "kevbench/adapter/detail/buffer_ring.hpp"

#include <errno.h>
#include <sys/mman.h>

#include <bit>

namespace kevbench::adapter::detail {
namespace {

constexpr std::uint32_t most_buffers = 32768;

std::size_t shared_size(const buffer_set& buffers) noexcept {
    return std::size_t{buffers.count} * sizeof(io_uring_buf);
}

}  // namespace

int buffer_ring::open(io_uring& instance, const buffer_set& buffers) noexcept {
    if (shared_ != nullptr || buffers.base == nullptr || buffers.size == 0 ||
        !std::has_single_bit(buffers.count) || buffers.count > most_buffers) {
        return -EINVAL;
    }
    void* const memory = ::mmap(nullptr, shared_size(buffers), PROT_READ | PROT_WRITE,
                                MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    if (memory == MAP_FAILED) {
        return -errno;
    }
    shared_ = static_cast<io_uring_buf_ring*>(memory);
    buffers_ = buffers;
    // A child must not make this page copy-on-write: the kernel would go on reading the old copy
    // while this process writes the new one.
    int status = ::madvise(memory, shared_size(buffers), MADV_DONTFORK) == 0 ? 0 : -errno;
    if (status == 0) {
        io_uring_buf_reg registration{};
        registration.ring_addr = reinterpret_cast<std::uintptr_t>(memory);
        registration.ring_entries = buffers.count;
        registration.bgid = group;
        status = io_uring_register_buf_ring(&instance, &registration, 0);
    }
    if (status != 0) {
        close();
        return status;
    }
    for (std::uint32_t buffer = 0; buffer < buffers.count; ++buffer) {
        give_back(buffer);
    }
    publish();
    return 0;
}

void buffer_ring::close() noexcept {
    if (shared_ != nullptr) {
        // In a forked child nothing is mapped there, which munmap accepts.
        ::munmap(shared_, shared_size(buffers_));
        shared_ = nullptr;
    }
    tail_ = 0;
}

}  // namespace kevbench::adapter::detail
