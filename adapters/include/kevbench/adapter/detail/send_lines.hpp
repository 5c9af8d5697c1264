// SPDX-License-Identifier: MIT
//
// Sends that wait for their turn: one line a watch, in the order of submission, out of memory that
// is taken once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include "kevbench/adapter/contract.hpp"

namespace kevbench::adapter::detail {

/// Sends that may be unfinished at a time, of all watches.
[[nodiscard]] inline std::size_t send_capacity(const config& settings) noexcept {
    return settings.ring_entries != 0 ? settings.ring_entries
                                      : std::size_t{settings.max_watches} + settings.max_batch;
}

/// The sends of one watch; the first is under way.
struct send_line {
    static constexpr std::uint32_t none = std::numeric_limits<std::uint32_t>::max();
    std::uint32_t first = none;
    std::uint32_t last = none;

    [[nodiscard]] bool empty() const noexcept { return first == none; }
};

struct pending_send {
    std::byte* buffer;
    std::size_t size;
    std::size_t moved;
    std::uint32_t next;  ///< of the same line, or of the free list

    [[nodiscard]] std::byte* rest() const noexcept { return buffer + moved; }
    [[nodiscard]] std::size_t left() const noexcept { return size - moved; }
};

/// The sends of one adapter. Not thread-safe.
class send_lines {
  public:
    /// Room for `count` sends. Throws std::bad_alloc.
    void open(std::size_t count) {
        sends_.resize(count);
        free_ = send_line::none;
        for (std::size_t at = count; at-- != 0;) {
            sends_[at].next = free_;
            free_ = static_cast<std::uint32_t>(at);
        }
    }
    [[nodiscard]] std::size_t capacity() const noexcept { return sends_.size(); }
    [[nodiscard]] bool full() const noexcept { return free_ == send_line::none; }
    [[nodiscard]] pending_send& front(const send_line& line) noexcept { return sends_[line.first]; }

    /// Not when full.
    void push(send_line& line, std::byte* buffer, std::size_t size) noexcept {
        const std::uint32_t at = free_;
        free_ = sends_[at].next;
        sends_[at] = {buffer, size, 0, send_line::none};
        if (line.empty()) {
            line.first = at;
        } else {
            sends_[line.last].next = at;
        }
        line.last = at;
    }
    void pop(send_line& line) noexcept {
        const std::uint32_t at = line.first;
        line.first = sends_[at].next;
        if (line.empty()) {
            line.last = send_line::none;
        }
        sends_[at].next = free_;
        free_ = at;
    }
    /// Empties the line; how many were in it.
    std::uint32_t drop(send_line& line) noexcept {
        std::uint32_t dropped = 0;
        for (; !line.empty(); ++dropped) {
            pop(line);
        }
        return dropped;
    }

  private:
    std::vector<pending_send> sends_;
    std::uint32_t free_ = send_line::none;
};

}  // namespace kevbench::adapter::detail
