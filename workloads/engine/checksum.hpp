// SPDX-License-Identifier: MIT
//
// The order check: proves that on every mechanism the same bytes came out of the same flow in the
// same order, and touches every received byte once, in both families alike.
//
// Algorithm. Each flow's bytes are cut into 64-bit words from the start of each message (the last
// word of a message is padded with zeros), and the words enter two running sums modulo 2^64,
// s1 += word and s2 += s1, as in Fletcher's checksum. s2 depends on the order of words and of
// messages; how the kernel cut the stream into reads does not matter. At the end of each message a
// mix of both sums is added to the total. The total is a sum, so flows may interleave as they like.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace kevbench::workload {

/// Running state of one flow. 32 bytes.
class flow_checksum {
  public:
    /// Takes the next bytes of the flow's current message.
    void absorb(const std::byte* data, std::size_t size) noexcept {
        while ((position_ & 7U) != 0 && size != 0) {
            put(*data++);
            --size;
        }
        position_ += size & ~std::size_t{7};
        data = take_words(data, size);
        for (size &= 7U; size != 0; --size) {
            put(*data++);
        }
    }

    /// Closes the current message; the value is what it adds to the total.
    [[nodiscard]] std::uint64_t end_of_message() noexcept {
        if ((position_ & 7U) != 0) {
            close_word(open_);
            open_ = 0;
        }
        position_ = 0;
        return mix();
    }

    /// absorb() and end_of_message() for a message that arrived whole, which is the usual case and
    /// needs no state between the two.
    [[nodiscard]] std::uint64_t absorb_message(const std::byte* data, std::size_t size) noexcept {
        data = take_words(data, size);
        if (std::size_t rest = size & 7U; rest != 0) {
            std::uint64_t word = 0;
            do {
                word = word << 8U | std::to_integer<std::uint64_t>(data[--rest]);
            } while (rest != 0);
            close_word(word);
        }
        return mix();
    }

    void restart() noexcept { *this = flow_checksum{}; }

  private:
    /// Takes the whole words of `size` bytes; where they end.
    const std::byte* take_words(const std::byte* data, std::size_t size) noexcept {
        for (; size >= sizeof(std::uint64_t); size -= sizeof(std::uint64_t)) {
            std::uint64_t word;
            std::memcpy(&word, data, sizeof word);
            data += sizeof word;
            close_word(word);
        }
        return data;
    }
    void put(std::byte value) noexcept {
        open_ |= std::to_integer<std::uint64_t>(value) << (8 * (position_ & 7U));
        if ((++position_ & 7U) == 0) {
            close_word(open_);
            open_ = 0;
        }
    }
    void close_word(std::uint64_t word) noexcept {
        first_ += word;
        second_ += first_;
    }
    [[nodiscard]] std::uint64_t mix() const noexcept {
        // Odd factors keep what different flows add to the total from cancelling out.
        return (first_ * 0x9E37'79B9'7F4A'7C15U) ^ (second_ * 0xC2B2'AE3D'27D4'EB4FU);
    }

    std::uint64_t first_ = 0;
    std::uint64_t second_ = 0;
    std::uint64_t open_ = 0;      // bytes of a word that is not complete
    std::uint64_t position_ = 0;  // bytes of the current message so far
};

}  // namespace kevbench::workload
