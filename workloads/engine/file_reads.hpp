// SPDX-License-Identifier: MIT
//
// A file of known content to read, and Linux AIO, whose completions an eventfd announces.
#pragma once

#include <linux/aio_abi.h>

#include <cstdint>
#include <span>
#include <vector>

#include "engine/folder.hpp"
#include "engine/source.hpp"

namespace kevbench::workload {

inline constexpr std::uint32_t block_size = 4096;
inline constexpr std::uint32_t file_blocks = 256;

/// Filled with blocks that differ from each other.
class block_file {
  public:
    /// Past the page cache if `direct`. Throws fault, and not_available where the file system
    /// cannot do that.
    explicit block_file(bool direct);
    [[nodiscard]] int get() const noexcept { return file_.get(); }

  private:
    scratch_folder folder_;
    descriptor file_;
};

/// One context of the AIO system calls. Not thread-safe.
class aio_context {
  public:
    /// For `depth` reads at once. Throws fault.
    aio_context(std::uint32_t depth, int announced_by);
    aio_context(const aio_context&) = delete;
    aio_context& operator=(const aio_context&) = delete;
    /// Waits for what is under way.
    ~aio_context();

    /// Queues one read for submit(); `number` comes back in io_event::data.
    void prepare(std::uint32_t number, int fd, std::byte* buffer, std::int64_t offset) noexcept;
    /// One system call for all that were prepared. False when not all were accepted.
    bool submit() noexcept;
    /// What has finished, without waiting.
    std::span<const io_event> take() noexcept;

  private:
    aio_context_t context_ = 0;
    int announced_by_;
    std::vector<iocb> blocks_;
    std::vector<iocb*> prepared_;
    std::vector<io_event> finished_;
};

}  // namespace kevbench::workload
