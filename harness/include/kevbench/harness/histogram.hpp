// SPDX-License-Identifier: MIT
//
// Log-linear histogram of durations.
//
// Layout "loglin2^10"
//   Values below 2^11 ns have a bucket each. Above, every octave [2^k, 2^(k+1)) is cut into 2^10
//   equal buckets, so a bucket is at most 1/1024 of its lower bound wide. With e = the number of
//   bits a value has beyond 11, its index is (e << 10) + (value >> e): one formula, no branch, and
//   the counts lie in one array in order of value.
//   Range 0 .. 2^63-1 ns (292 years), so nothing a 64-bit clock yields can fall outside and there
//   is no overflow bucket to explain. 55,296 buckets of 8 bytes: 432 KiB, of which a run touches
//   the few pages its values fall in.
//
// Error
//   A quantile is the middle of a bucket, so it is off by at most half a bucket: 2^-11 = 0.049 % of
//   the value, within the promised 0.1 %. Count, minimum, maximum and sum are exact (the sum
//   saturates at 2^64-1 ns, 584 years of accumulated latency).
//
// Merging adds counts, hence is commutative and associative, and merging then asking for a quantile
// equals recording everything in one histogram.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace kevbench::harness {

/// Not thread-safe: one writer, and no reader while it writes. Give each thread its own and merge.
class histogram {
  public:
    static constexpr unsigned sub_bucket_bits = 10;
    static constexpr std::string_view layout = "loglin2^10";
    static constexpr std::size_t bucket_count =
        ((63U - sub_bucket_bits - 1U) << sub_bucket_bits) + (2U << sub_bucket_bits);
    static constexpr double max_relative_error = 0.001;

    histogram() : counts_(bucket_count) {}

    /// Adds one value in nanoseconds. A negative value is counted as 0 and in negatives(), so that
    /// a clock that runs backwards shows instead of vanishing.
    void record(std::int64_t value) noexcept { record_n(value, 1); }

    /// Adds `times` equal values at the price of one.
    void record_n(std::int64_t value, std::uint64_t times) noexcept {
        if (value < 0) [[unlikely]] {
            negatives_ += times;
            value = 0;
        }
        if (times == 0) [[unlikely]]
            return;
        const auto magnitude = static_cast<std::uint64_t>(value);
        counts_[index_of(magnitude)] += times;
        count_ += times;
        min_ = std::min(min_, value);
        max_ = std::max(max_, value);
        std::uint64_t product = 0;
        if (__builtin_mul_overflow(magnitude, times, &product) ||
            __builtin_add_overflow(sum_, product, &sum_)) [[unlikely]]
            sum_ = std::numeric_limits<std::uint64_t>::max();
    }

    void merge(const histogram& other) noexcept;
    void clear() noexcept;

    [[nodiscard]] std::uint64_t count() const noexcept { return count_; }
    [[nodiscard]] std::uint64_t sum() const noexcept { return sum_; }
    [[nodiscard]] std::uint64_t negatives() const noexcept { return negatives_; }
    /// Empty without values, as are the quantiles: "no data" is not 0 ns.
    [[nodiscard]] std::optional<std::int64_t> min() const noexcept;
    [[nodiscard]] std::optional<std::int64_t> max() const noexcept;

    /// The value of rank r, r being the smallest rank from 1 with r / count >= q (nearest rank; no
    /// interpolation, so every answer is within the error bound of a recorded value). q = 0 and
    /// q = 1 are the exact minimum and maximum. Throws std::invalid_argument unless 0 <= q <= 1.
    [[nodiscard]] std::optional<std::int64_t> quantile(double q) const;
    /// As quantile() for each of `q`, which may be in any order; one pass when ascending.
    [[nodiscard]] std::vector<std::optional<std::int64_t>> quantiles(
        std::span<const double> q) const;
    /// The same into memory of the caller, `answers` being as long as `q`. Needs a value: throws
    /// std::invalid_argument without one, before anything is written.
    void quantiles_into(std::span<const double> q, std::span<std::int64_t> answers) const;

    /// The counts in order of value, contiguous; valid while the object lives and is not moved.
    [[nodiscard]] std::span<const std::uint64_t> counts() const noexcept { return counts_; }

    [[nodiscard]] static constexpr std::size_t index_of(std::uint64_t value) noexcept {
        const unsigned excess = excess_bits(value);
        return (std::size_t{excess} << sub_bucket_bits) + static_cast<std::size_t>(value >> excess);
    }
    /// Smallest value of a bucket.
    [[nodiscard]] static constexpr std::uint64_t lower_bound(std::size_t index) noexcept {
        const unsigned excess = excess_of_index(index);
        return (std::uint64_t{index} - (std::uint64_t{excess} << sub_bucket_bits)) << excess;
    }
    /// Number of integers a bucket holds.
    [[nodiscard]] static constexpr std::uint64_t width(std::size_t index) noexcept {
        return std::uint64_t{1} << excess_of_index(index);
    }

    /// {"layout","count","min","max","sum","buckets":[[index,count],...]}, "negatives" when there
    /// were any; min and max are null without values.
    [[nodiscard]] nlohmann::json to_json() const;
    /// Throws results::data_error when the document is not a histogram of this layout or does not
    /// agree with itself.
    [[nodiscard]] static histogram from_json(const nlohmann::json& document);

    [[nodiscard]] bool operator==(const histogram&) const = default;

  private:
    static constexpr unsigned excess_bits(std::uint64_t value) noexcept {
        constexpr auto linear = (std::uint64_t{2} << sub_bucket_bits) - 1;
        return static_cast<unsigned>(std::bit_width(value | linear)) - (sub_bucket_bits + 1);
    }
    static constexpr unsigned excess_of_index(std::size_t index) noexcept {
        const auto row = static_cast<unsigned>(index >> sub_bucket_bits);
        return row == 0 ? 0 : row - 1;
    }
    [[nodiscard]] std::uint64_t rank_of(double q) const;
    [[nodiscard]] std::int64_t representative(std::size_t index) const noexcept;

    std::vector<std::uint64_t> counts_;
    std::uint64_t count_ = 0;
    std::uint64_t sum_ = 0;
    std::uint64_t negatives_ = 0;
    std::int64_t min_ = std::numeric_limits<std::int64_t>::max();
    std::int64_t max_ = std::numeric_limits<std::int64_t>::min();
};

}  // namespace kevbench::harness
