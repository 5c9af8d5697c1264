// SPDX-License-Identifier: MIT
#include "kevbench/harness/histogram.hpp"

#include <fmt/format.h>

#include <cmath>
#include <functional>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "kevbench/results/error.hpp"

namespace kevbench::harness {

using results::data_error;

void histogram::merge(const histogram& other) noexcept {
    std::transform(counts_.begin(), counts_.end(), other.counts_.begin(), counts_.begin(),
                   std::plus<>{});
    count_ += other.count_;
    negatives_ += other.negatives_;
    min_ = std::min(min_, other.min_);
    max_ = std::max(max_, other.max_);
    if (__builtin_add_overflow(sum_, other.sum_, &sum_))
        sum_ = std::numeric_limits<std::uint64_t>::max();
}

void histogram::clear() noexcept {
    // Only what was touched: clearing all 432 KiB between slices would evict the workload's cache.
    if (count_ != 0) {
        const auto first = index_of(static_cast<std::uint64_t>(min_));
        const auto last = index_of(static_cast<std::uint64_t>(max_));
        std::fill_n(counts_.begin() + static_cast<std::ptrdiff_t>(first), last - first + 1, 0);
    }
    count_ = 0;
    sum_ = 0;
    negatives_ = 0;
    min_ = std::numeric_limits<std::int64_t>::max();
    max_ = std::numeric_limits<std::int64_t>::min();
}

std::optional<std::int64_t> histogram::min() const noexcept {
    return count_ == 0 ? std::nullopt : std::optional{min_};
}

std::optional<std::int64_t> histogram::max() const noexcept {
    return count_ == 0 ? std::nullopt : std::optional{max_};
}

std::uint64_t histogram::rank_of(double q) const {
    if (!(q >= 0.0 && q <= 1.0))
        throw std::invalid_argument(fmt::format("quantile {} is outside 0 to 1", q));
    if (count_ == 0) return 0;
    const auto total = static_cast<double>(count_);
    auto rank = static_cast<std::uint64_t>(std::ceil(q * total));
    // q * total is rounded, so 0.07 * 100 comes out above 7; the definition is by division.
    if (rank > 1 && static_cast<double>(rank - 1) / total >= q) --rank;
    return std::clamp<std::uint64_t>(rank, 1, count_);
}

std::int64_t histogram::representative(std::size_t index) const noexcept {
    const auto middle = lower_bound(index) + (width(index) - 1) / 2;
    return std::clamp(static_cast<std::int64_t>(middle), min_, max_);
}

std::optional<std::int64_t> histogram::quantile(double q) const {
    return quantiles(std::span{&q, 1}).front();
}

std::vector<std::optional<std::int64_t>> histogram::quantiles(std::span<const double> q) const {
    if (count_ == 0) {
        for (const double each : q) static_cast<void>(rank_of(each));
        return std::vector<std::optional<std::int64_t>>(q.size());
    }
    std::vector<std::int64_t> answers(q.size());
    quantiles_into(q, answers);
    return {answers.begin(), answers.end()};
}

void histogram::quantiles_into(std::span<const double> q, std::span<std::int64_t> answers) const {
    if (count_ == 0) throw std::invalid_argument("a histogram without values has no quantiles");
    for (const double each : q) static_cast<void>(rank_of(each));
    std::size_t index = 0;
    std::uint64_t up_to_index = 0;  // values in the buckets before `index`
    for (std::size_t i = 0; i < q.size(); ++i) {
        const auto rank = rank_of(q[i]);
        if (rank == 1) {
            answers[i] = min_;
        } else if (rank == count_) {
            answers[i] = max_;
        } else {
            if (rank <= up_to_index) {
                index = 0;
                up_to_index = 0;
            }
            while (up_to_index + counts_[index] < rank) up_to_index += counts_[index++];
            answers[i] = representative(index);
        }
    }
}

nlohmann::json histogram::to_json() const {
    auto buckets = nlohmann::json::array();
    if (count_ != 0) {
        const auto last = index_of(static_cast<std::uint64_t>(max_));
        for (auto i = index_of(static_cast<std::uint64_t>(min_)); i <= last; ++i)
            if (counts_[i] != 0) buckets.push_back({i, counts_[i]});
    }
    nlohmann::json document{{"layout", layout}, {"count", count_}, {"sum", sum_},
                            {"min", nullptr},   {"max", nullptr},  {"buckets", std::move(buckets)}};
    if (count_ != 0) {
        document["min"] = static_cast<std::uint64_t>(min_);
        document["max"] = static_cast<std::uint64_t>(max_);
    }
    if (negatives_ != 0) document["negatives"] = negatives_;
    return document;
}

namespace {

std::uint64_t unsigned_at(const nlohmann::json& object, const char* name) {
    const auto found = object.find(name);
    if (found == object.end() || !found->is_number_unsigned())
        throw data_error(fmt::format("histogram: '{}' is missing or not a count", name));
    return found->get<std::uint64_t>();
}

std::pair<std::size_t, std::uint64_t> bucket_at(const nlohmann::json& bucket) {
    if (!bucket.is_array() || bucket.size() != 2 || !bucket[0].is_number_unsigned() ||
        !bucket[1].is_number_unsigned())
        throw data_error("histogram: a bucket is not an [index, count] pair");
    const auto index = bucket[0].get<std::size_t>();
    if (index >= histogram::bucket_count)
        throw data_error(fmt::format("histogram: bucket {} is beyond the layout's {}", index,
                                     histogram::bucket_count));
    return {index, bucket[1].get<std::uint64_t>()};
}

}  // namespace

histogram histogram::from_json(const nlohmann::json& document) {
    if (!document.is_object() || !document.contains("layout") || document["layout"] != layout)
        throw data_error(fmt::format("histogram: layout is not '{}'", layout));
    histogram built;
    const auto buckets = document.find("buckets");
    if (buckets == document.end() || !buckets->is_array())
        throw data_error("histogram: 'buckets' is missing or not an array");
    std::optional<std::size_t> first;
    std::optional<std::size_t> last;
    for (const auto& bucket : *buckets) {
        const auto [index, times] = bucket_at(bucket);
        if (last && index <= *last) throw data_error("histogram: buckets are not in order");
        if (times == 0) continue;
        if (!first) first = index;
        last = index;
        built.counts_[index] = times;
        built.count_ += times;
    }
    if (built.count_ != unsigned_at(document, "count"))
        throw data_error("histogram: 'count' is not the sum of its buckets");
    built.sum_ = unsigned_at(document, "sum");
    if (document.contains("negatives")) built.negatives_ = unsigned_at(document, "negatives");
    if (first) {
        const auto low = unsigned_at(document, "min");
        const auto high = unsigned_at(document, "max");
        if (low > high ||
            high > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()) ||
            index_of(low) != *first || index_of(high) != *last)
            throw data_error("histogram: 'min' or 'max' is not in its outermost bucket");
        built.min_ = static_cast<std::int64_t>(low);
        built.max_ = static_cast<std::int64_t>(high);
    }
    return built;
}

}  // namespace kevbench::harness
