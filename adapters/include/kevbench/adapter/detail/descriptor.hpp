// SPDX-License-Identifier: MIT
//
// Owner of one file descriptor.
#pragma once

#include <unistd.h>

#include <utility>

namespace kevbench::adapter::detail {

/// Closes its descriptor when destroyed. Movable, not copyable, not thread-safe.
class descriptor {
  public:
    descriptor() noexcept = default;
    explicit descriptor(int number) noexcept : number_(number) {}
    descriptor(descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
    descriptor& operator=(descriptor&& other) noexcept {
        if (this != &other) {
            reset(std::exchange(other.number_, -1));
        }
        return *this;
    }
    descriptor(const descriptor&) = delete;
    descriptor& operator=(const descriptor&) = delete;
    ~descriptor() { reset(); }

    [[nodiscard]] int get() const noexcept { return number_; }
    /// Gives the descriptor away: the caller closes it.
    int release() noexcept { return std::exchange(number_, -1); }
    [[nodiscard]] bool valid() const noexcept { return number_ >= 0; }
    void reset(int number = -1) noexcept {
        if (number_ >= 0) {
            // On Linux the number is free even when close() reports an error.
            ::close(number_);
        }
        number_ = number;
    }

  private:
    int number_ = -1;
};

}  // namespace kevbench::adapter::detail
