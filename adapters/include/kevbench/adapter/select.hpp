// SPDX-License-Identifier: MIT
//
// select and pselect with the C library's fixed bitmaps, and "bigset", the same system call with
// bitmaps as large as the descriptors need. Masters are kept and copied for each call, up to the
// highest registered number, since the call overwrites what it is given.
#pragma once

#include <errno.h>
#include <sys/select.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "kevbench/adapter/contract.hpp"
#include "kevbench/adapter/detail/direct_io.hpp"
#include "kevbench/adapter/detail/timeout.hpp"

namespace kevbench::adapter {

enum class select_call : std::uint8_t { select, pselect, bigset };

struct select_variant {
    traits fixed;
    select_call call = select_call::select;
};

class select_adapter {
  public:
    using variant_type = select_variant;

    explicit select_adapter(const select_variant& variant) : variant_(variant) {}
    select_adapter(const select_adapter&) = delete;
    select_adapter& operator=(const select_adapter&) = delete;
    ~select_adapter() = default;

    static std::span<const select_variant> variants();
    static availability probe(const select_variant& variant);

    [[nodiscard]] const traits& describe() const noexcept { return variant_.fixed; }
    int open(const config& settings) noexcept;
    int add(watch& target) noexcept;
    int modify(watch& target) noexcept;
    int remove(watch& target) noexcept;
    submission submit(const operation& op) noexcept { return detail::perform(op); }
    int flush() noexcept { return 0; }
    void close() noexcept;

    template <class Sink>
    int wait(std::int64_t timeout, std::uint32_t max, Sink&& sink) {
        const std::uint32_t limit = std::min(max, max_batch_);
        int ready = call(timeout);
        if (ready == -EBADF) {
            // The call does not say which descriptor was closed behind our back.
            return report_broken(limit, sink);
        }
        if (ready <= 0) {
            return ready;
        }
        return deliver(limit, sink);
    }

  private:
    using word = unsigned long;
    static constexpr std::size_t word_bits = 8 * sizeof(word);

    /// Scans from where a batch that was too small for all ready watches ended, so that busy low
    /// numbers do not starve high ones; otherwise from zero.
    template <class Sink>
    int deliver(std::uint32_t limit, Sink& sink) {
        const std::size_t words = words_in_use();
        const std::size_t start = resume_ < words * word_bits ? resume_ : 0;
        resume_ = 0;
        std::uint32_t delivered = 0;
        if (scan(start, words * word_bits, limit, delivered, sink)) {
            scan(0, start, limit, delivered, sink);
        }
        return static_cast<int>(delivered);
    }

    /// Delivers ready descriptors in [from, to). False if the batch was full before the last of
    /// them; resume_ is then the next.
    template <class Sink>
    bool scan(std::size_t from, std::size_t to, std::uint32_t limit, std::uint32_t& delivered,
              Sink& sink) {
        for (std::size_t at = from; at < to;) {
            // Read anew after each event: the sink may have removed other watches.
            const std::size_t index = at / word_bits;
            const word pending =
                (reading_.result[index] | writing_.result[index]) >> (at % word_bits);
            if (pending == 0) {
                at = (index + 1) * word_bits;
                continue;
            }
            at += static_cast<std::size_t>(std::countr_zero(pending));
            if (at >= to) {
                break;
            }
            if (delivered == limit) {
                resume_ = at;
                return false;
            }
            const std::uint32_t bits = (test(reading_.result, at) ? bits::readable : 0U) |
                                       (test(writing_.result, at) ? bits::writable : 0U);
            watch* const target = targets_[at];
            ++at;
            ++delivered;
            sink(event{target, bits, 0, nullptr});
        }
        return true;
    }

    template <class Sink>
    int report_broken(std::uint32_t limit, Sink& sink) {
        std::uint32_t delivered = 0;
        while (delivered < limit) {
            watch* const target = next_broken();
            if (target == nullptr) {
                break;
            }
            ++delivered;
            sink(event{target, bits::broken, -EBADF, nullptr});
        }
        return static_cast<int>(delivered);
    }

    struct bitmap {
        std::vector<word> master;
        std::vector<word> result;
        std::uint32_t members = 0;
    };

    [[nodiscard]] static bool test(const std::vector<word>& set, std::size_t at) noexcept {
        return (set[at / word_bits] >> (at % word_bits) & 1) != 0;
    }
    [[nodiscard]] std::size_t words_in_use() const noexcept {
        return (static_cast<std::size_t>(highest_ + 1) + word_bits - 1) / word_bits;
    }
    [[nodiscard]] bool holds(const watch& target) const noexcept;
    int grow(int fd) noexcept;
    void set_interest(const watch& target, std::uint32_t interest) noexcept;
    static void assign(bitmap& set, int fd, bool member) noexcept;
    /// The system call on fresh copies; leaves results. Number of bits, 0, or -errno.
    int call(std::int64_t timeout) noexcept;
    /// Takes a descriptor that is no longer open out of the masters and returns its watch.
    watch* next_broken() noexcept;

    select_variant variant_;
    bitmap reading_;
    bitmap writing_;
    std::vector<watch*> targets_;  // by descriptor number
    int highest_ = -1;             // registered descriptor number
    std::size_t resume_ = 0;
    std::uint32_t registered_ = 0;
    std::uint32_t max_batch_ = 0;
    std::uint32_t max_watches_ = 0;
    const sigset_t* mask_ = nullptr;
};

}  // namespace kevbench::adapter
