// SPDX-License-Identifier: MIT
#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <cstddef>
#include <string>
#include <utility>

#include "fault.hpp"

namespace kevbench::guest {

/// Owns a file descriptor; closes it when it goes.
class File {
  public:
    File() = default;
    explicit File(int descriptor) : descriptor_(descriptor) {}
    File(const std::string& path, int flags, mode_t mode = 0)
        : descriptor_(::open(path.c_str(), flags | O_CLOEXEC, mode)) {
        if (descriptor_ < 0) throw_errno("cannot open " + path);
    }
    File(File&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
    File& operator=(File&& other) noexcept {
        std::swap(descriptor_, other.descriptor_);
        return *this;
    }
    File(const File&) = delete;
    File& operator=(const File&) = delete;
    ~File() { close(); }

    [[nodiscard]] int get() const { return descriptor_; }
    [[nodiscard]] bool is_open() const { return descriptor_ >= 0; }
    void close() {
        if (descriptor_ >= 0) ::close(std::exchange(descriptor_, -1));
    }

    /// Up to `size` bytes; 0 at the end, -1 when a non-blocking descriptor has none.
    ssize_t read(char* into, std::size_t size) const {
        for (;;) {
            const ssize_t got = ::read(descriptor_, into, size);
            if (got >= 0) return got;
            if (errno == EAGAIN) return -1;
            if (errno != EINTR) throw_errno("cannot read");
        }
    }

  private:
    int descriptor_ = -1;
};

/// The whole content; works for files of /proc and /sys, which claim to be empty.
inline std::string read_all(const std::string& path) {
    const File file(path, O_RDONLY);
    std::string all;
    char piece[65536];
    for (ssize_t got = 0; (got = file.read(piece, sizeof piece)) > 0;) {
        all.append(piece, static_cast<std::size_t>(got));
    }
    return all;
}

}  // namespace kevbench::guest
