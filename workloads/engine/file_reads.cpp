// SPDX-License-Identifier: MIT
#include "engine/file_reads.hpp"

#include <errno.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cstring>

#include "kevbench/workload/error.hpp"

namespace kevbench::workload {

block_file::block_file(bool direct) {
    const std::string name = (folder_.path() / "blocks").string();
    const descriptor writer{
        ::open(name.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, S_IRUSR | S_IWUSR)};
    message content{block_size};
    for (std::uint32_t at = 0; at < file_blocks; ++at) {
        if (::write(writer.get(), content.stamp(at), block_size) !=
            static_cast<ssize_t>(block_size)) {
            throw fault(fmt::format("writing {}: {}", name, std::strerror(errno)));
        }
    }
    file_.reset(::open(name.c_str(), O_RDONLY | O_CLOEXEC | (direct ? O_DIRECT : 0)));
    if (!file_.valid() && direct && errno == EINVAL) {
        throw not_available(fmt::format(
            "not applicable: the file system of {} reads through its cache only; use cache=on, or "
            "another folder for temporary files (TMPDIR)",
            folder_.path().string()));
    }
    if (!file_.valid()) {
        throw fault(fmt::format("opening {}: {}", name, std::strerror(errno)));
    }
}

aio_context::aio_context(std::uint32_t depth, int announced_by)
    : announced_by_(announced_by), blocks_(depth), finished_(depth) {
    prepared_.reserve(depth);
    if (::syscall(SYS_io_setup, depth, &context_) != 0) {
        const int code = errno;
        if (code == ENOSYS) {
            throw not_available("not applicable: this kernel has no Linux AIO (CONFIG_AIO)");
        }
        throw fault(fmt::format("setting up Linux AIO for {} reads: {}; see fs.aio-max-nr", depth,
                                std::strerror(code)));
    }
}

aio_context::~aio_context() {
    ::syscall(SYS_io_destroy, context_);
}

void aio_context::prepare(std::uint32_t number, int fd, std::byte* buffer,
                          std::int64_t offset) noexcept {
    iocb& block = blocks_[number];
    block = iocb{};
    block.aio_data = number;
    block.aio_lio_opcode = IOCB_CMD_PREAD;
    block.aio_fildes = static_cast<std::uint32_t>(fd);
    block.aio_buf = reinterpret_cast<std::uintptr_t>(buffer);
    block.aio_nbytes = block_size;
    block.aio_offset = offset;
    block.aio_flags = IOCB_FLAG_RESFD;
    block.aio_resfd = static_cast<std::uint32_t>(announced_by_);
    prepared_.push_back(&block);  // at most `depth`, for which there is room
}

bool aio_context::submit() noexcept {
    std::size_t done = 0;
    while (done != prepared_.size()) {
        const long accepted =
            ::syscall(SYS_io_submit, context_, prepared_.size() - done, prepared_.data() + done);
        if (accepted <= 0) {
            break;
        }
        done += static_cast<std::size_t>(accepted);
    }
    const bool all = done == prepared_.size();
    prepared_.clear();
    return all;
}

std::span<const io_event> aio_context::take() noexcept {
    timespec no_wait{};
    const long count =
        ::syscall(SYS_io_getevents, context_, 0, finished_.size(), finished_.data(), &no_wait);
    return {finished_.data(), count > 0 ? static_cast<std::size_t>(count) : 0};
}

}  // namespace kevbench::workload
