// SPDX-License-Identifier: MIT
//
// One watched end of a channel, and the counting of messages that arrive on it.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "engine/checksum.hpp"
#include "kevbench/adapter/contract.hpp"
#include "kevbench/workload/cell.hpp"

namespace kevbench::workload {

/// A watch with the state of its stream. Recover it from event::target by static_cast.
struct flow : adapter::watch {
    int far = -1;                ///< the descriptor whose writes arrive here
    std::uint32_t received = 0;  ///< bytes of the message that is incomplete
    std::uint32_t run = 0;       ///< of message_counter, when `sum` was last used
    flow_checksum sum;
};

/// What the checksum covers: the order of messages within a flow, or, where flows legally get
/// different numbers of equal messages, the content of each message alone.
enum class order_scope : std::uint8_t { flow, message };

/// Cuts chunks into messages of one size, counts them and checks their order. With Checked = false
/// only the counts are kept and no byte is touched: that is what the harness floor is measured
/// with. Used by one thread at a time.
///
/// Flow state is reset lazily, when a flow is first used after begin_run(), so that a run costs the
/// same with 1 and with 100,000 flows and its checksum depends on that run alone.
template <bool Checked, order_scope Scope = order_scope::flow>
class message_counter {
  public:
    /// `payload` in bytes, at least 1.
    explicit message_counter(std::uint32_t payload) noexcept : payload_(payload) {}

    void begin_run() noexcept {
        ++run_;
        messages_ = part_messages_ = part_bytes_ = order_ = 0;
    }

    /// Takes the next bytes of `from`; the number of messages they complete.
    std::uint32_t take(flow& from, const std::byte* data, std::size_t size) noexcept {
        if constexpr (Checked) {
            if (from.run != run_) [[unlikely]] {
                from.run = run_;
                from.sum.restart();
            }
        }
        // In 32 bits, which spares the loop an extension: no buffer is larger.
        if (static_cast<std::uint32_t>(size) != payload_ || from.received != 0) [[unlikely]] {
            return take_parts(from, data, size);
        }
        ++messages_;
        if constexpr (Checked) {
            order_ += from.sum.absorb_message(data, size);
            forget(from);
        }
        return 1;
    }

    [[nodiscard]] std::uint64_t messages() const noexcept { return messages_; }

    void report(tally& work) const noexcept {
        work.messages += messages_;
        work.bytes += (messages_ - part_messages_) * payload_ + part_bytes_;
        work.order += order_;
    }

  private:
    static void forget(flow& from) noexcept {
        if constexpr (Scope == order_scope::message) {
            from.sum.restart();
        }
    }

    /// A chunk that is not exactly one message. Apart, so that take() stays small in every loop.
    [[gnu::noinline]] std::uint32_t take_parts(flow& from, const std::byte* data,
                                               std::size_t size) noexcept {
        std::uint32_t completed = 0;
        part_bytes_ += size;
        while (size != 0) {
            const std::size_t part = std::min<std::size_t>(size, payload_ - from.received);
            if constexpr (Checked) {
                from.sum.absorb(data, part);
            }
            from.received += static_cast<std::uint32_t>(part);
            data += part;
            size -= part;
            if (from.received == payload_) {
                from.received = 0;
                ++completed;
                if constexpr (Checked) {
                    order_ += from.sum.end_of_message();
                    forget(from);
                }
            }
        }
        messages_ += completed;
        part_messages_ += completed;
        return completed;
    }

    std::uint64_t messages_ = 0;
    std::uint64_t part_messages_ = 0;  // of them, those that did not come in one piece of their own
    std::uint64_t part_bytes_ = 0;     // bytes of such pieces
    std::uint64_t order_ = 0;
    std::uint32_t payload_;
    std::uint32_t run_ = 0;
};

}  // namespace kevbench::workload
