// SPDX-License-Identifier: MIT
//
// One client connection and the fixed set of them that a server has.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "http/request_scanner.hpp"
#include "http/responses.hpp"
#include "kevbench/adapter/contract.hpp"

namespace kevbench::workload::http {

/// Replies owed to one client, in order. One byte a reply, and no allocation once the slot has seen
/// its deepest pipeline.
class reply_queue {
  public:
    [[nodiscard]] bool empty() const noexcept { return first_ == kinds_.size(); }
    [[nodiscard]] std::size_t size() const noexcept { return kinds_.size() - first_; }
    [[nodiscard]] reply front() const noexcept { return kinds_[first_]; }
    void push(reply kind) { kinds_.push_back(kind); }
    void pop() noexcept {
        if (++first_ == kinds_.size()) {
            clear();
        }
    }
    void clear() noexcept {
        kinds_.clear();
        first_ = 0;
    }

  private:
    std::vector<reply> kinds_;
    std::size_t first_ = 0;
};

enum class stage : std::uint8_t {
    serving,    ///< requests are read and answered
    finishing,  ///< no further request is read; ends when the replies are sent
    draining,  ///< everything is sent and our side shut; input is discarded until the client closes
};

/// Recover it from event::target by static_cast. Lives in a connection_table, so its address is
/// fixed.
struct connection : adapter::watch {
    stage at = stage::serving;
    bool input_ended = false;  ///< the client has shut its side
    bool unread = false;       ///< the client sent more than was read; a close would reset it
    bool sending = false;      ///< completion: the front reply is with the kernel
    bool stalled = false;      ///< sending is to be tried again after a pause
    bool watched = false;      ///< the mechanism knows it
    std::uint32_t sent = 0;    ///< readiness: bytes of the front reply already sent
    std::size_t discarded = 0;
    request_scanner scanner;
    reply_queue replies;
    std::uint32_t next_free = 0;  // of connection_table
};

/// `size` slots, all allocated up front: accepting never allocates, and adapters hold addresses.
/// Not thread-safe.
class connection_table {
  public:
    explicit connection_table(std::uint32_t size) : slots_(size) {
        for (std::uint32_t at = 0; at < size; ++at) {
            slots_[at].next_free = at + 1;
        }
    }

    /// A slot for a new connection, in its initial state but for the watch; null when all are used.
    [[nodiscard]] connection* acquire() noexcept {
        if (free_ == slots_.size()) {
            return nullptr;
        }
        connection& taken = slots_[free_];
        free_ = taken.next_free;
        taken.at = stage::serving;
        taken.input_ended = taken.unread = taken.sending = taken.stalled = taken.watched = false;
        taken.sent = 0;
        taken.discarded = 0;
        return &taken;
    }
    void release(connection& done) noexcept {
        done.fd = -1;
        done.stalled = false;
        done.scanner.reset();
        done.replies.clear();
        done.next_free = free_;
        free_ = static_cast<std::uint32_t>(&done - slots_.data());
    }
    /// Calls visit(connection&) for every one in use.
    template <class Visit>
    void for_each_open(Visit&& visit) {
        for (connection& each : slots_) {
            if (each.fd >= 0) {
                visit(each);
            }
        }
    }

  private:
    std::vector<connection> slots_;
    std::uint32_t free_ = 0;
};

}  // namespace kevbench::workload::http
