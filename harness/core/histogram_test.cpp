// SPDX-License-Identifier: MIT
#include "kevbench/harness/histogram.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <numeric>
#include <random>

#include "kevbench/results/error.hpp"

namespace kevbench::harness {
namespace {

constexpr std::int64_t largest = std::numeric_limits<std::int64_t>::max();

/// Values spread evenly over the magnitudes up to 2^bits, which is where a log-linear layout can
/// go wrong, with ties.
std::vector<std::int64_t> spread_values(std::uint32_t seed, std::size_t count, double bits) {
    std::mt19937_64 random{seed};
    std::uniform_real_distribution<double> exponent{0.0, bits};
    std::vector<std::int64_t> values(count);
    for (auto& value : values) value = static_cast<std::int64_t>(std::exp2(exponent(random))) - 1;
    return values;
}

histogram of(const std::vector<std::int64_t>& values) {
    histogram filled;
    for (const auto value : values) filled.record(value);
    return filled;
}

/// The definition, on the sorted values themselves.
std::int64_t exact_quantile(const std::vector<std::int64_t>& sorted, double q) {
    std::size_t rank = 1;
    while (static_cast<double>(rank) / static_cast<double>(sorted.size()) < q) ++rank;
    return sorted[rank - 1];
}

TEST(Histogram, BucketsTileTheWholeRangeWithoutGapOrOverlap) {
    std::uint64_t next = 0;
    for (std::size_t i = 0; i < histogram::bucket_count; ++i) {
        ASSERT_EQ(histogram::lower_bound(i), next) << "bucket " << i;
        ASSERT_EQ(histogram::index_of(next), i);
        next += histogram::width(i);
        ASSERT_EQ(histogram::index_of(next - 1), i);
        if (histogram::width(i) > 1) {
            ASSERT_LE(static_cast<double>(histogram::width(i)),
                      static_cast<double>(histogram::lower_bound(i)) / 1024.0);
        }
    }
    EXPECT_EQ(next, std::uint64_t{1} << 63U);
}

class HistogramOverSeeds : public testing::TestWithParam<std::uint32_t> {};
INSTANTIATE_TEST_SUITE_P(Seeds, HistogramOverSeeds, testing::Range(1U, 13U));

TEST_P(HistogramOverSeeds, QuantilesAreWithinOneInAThousandOfTheSortedArray) {
    const auto seed = GetParam();
    const std::size_t sizes[] = {1, 2, 3, 10, 999, 1000, 20'000};
    for (const auto size : sizes) {
        auto values = spread_values(seed, size, 4.0 * seed);
        const auto filled = of(values);
        std::sort(values.begin(), values.end());
        for (const double q : {0.0, 0.001, 0.07, 0.25, 0.5, 0.9, 0.99, 0.999, 0.9999, 1.0}) {
            const auto exact = static_cast<double>(exact_quantile(values, q));
            const auto answer = filled.quantile(q);
            ASSERT_TRUE(answer.has_value());
            EXPECT_LE(std::abs(static_cast<double>(*answer) - exact),
                      exact * histogram::max_relative_error)
                << "q " << q << " of " << size;
        }
        EXPECT_EQ(filled.min(), values.front());
        EXPECT_EQ(filled.max(), values.back());
        EXPECT_EQ(filled.count(), values.size());
        EXPECT_EQ(filled.sum(), std::accumulate(values.begin(), values.end(), std::uint64_t{0},
                                                [](std::uint64_t sum, std::int64_t value) {
                                                    return sum + static_cast<std::uint64_t>(value);
                                                }));
    }
}

TEST_P(HistogramOverSeeds, MergingIsAssociativeAndEqualsRecordingTogether) {
    const auto seed = GetParam();
    const auto a = spread_values(seed, 500, 20);
    const auto b = spread_values(seed + 100, 700, 40);
    const auto c = spread_values(seed + 200, 1, 60);
    auto left = of(a);
    left.merge(of(b));
    left.merge(of(c));
    auto tail = of(b);
    tail.merge(of(c));
    auto right = of(a);
    right.merge(tail);
    auto all = a;
    all.insert(all.end(), b.begin(), b.end());
    all.insert(all.end(), c.begin(), c.end());
    EXPECT_EQ(left, right);
    EXPECT_EQ(left, of(all));
}

TEST_P(HistogramOverSeeds, JsonKeepsEverything) {
    const auto filled = of(spread_values(GetParam(), 300, 62));
    const auto text = filled.to_json().dump();
    EXPECT_EQ(histogram::from_json(nlohmann::json::parse(text)), filled);
}

TEST(Histogram, MergingWithAnEmptyOneChangesNothing) {
    auto filled = of({5, 7});
    const auto before = filled;
    filled.merge(histogram{});
    EXPECT_EQ(filled, before);
    histogram empty;
    empty.merge(before);
    EXPECT_EQ(empty, before);
}

TEST(Histogram, RecordingManyEqualsRecordingOneByOne) {
    histogram one_by_one;
    for (int i = 0; i < 1000; ++i) one_by_one.record(123'456);
    histogram at_once;
    at_once.record_n(123'456, 1000);
    at_once.record_n(9, 0);
    EXPECT_EQ(one_by_one, at_once);
}

TEST(Histogram, HoldsTheExtremesOfItsRange) {
    const auto filled = of({0, largest});
    EXPECT_EQ(filled.quantile(0.5), 0);
    EXPECT_EQ(filled.quantile(1.0), largest);
    EXPECT_EQ(histogram::from_json(filled.to_json()), filled);
}

TEST(Histogram, SumSaturatesInsteadOfWrapping) {
    histogram filled;
    filled.record_n(largest, 3);
    EXPECT_EQ(filled.sum(), std::numeric_limits<std::uint64_t>::max());
    filled.record(1);
    EXPECT_EQ(filled.sum(), std::numeric_limits<std::uint64_t>::max());
}

TEST(Histogram, NegativeValuesAreCountedAsSuch) {
    const auto filled = of({-5, 10});
    EXPECT_EQ(filled.negatives(), 1U);
    EXPECT_EQ(filled.min(), 0);
    EXPECT_EQ(filled.to_json().at("negatives"), 1);
}

TEST(Histogram, NoValuesMeanNoAnswer) {
    const histogram empty;
    EXPECT_EQ(empty.quantile(0.5), std::nullopt);
    EXPECT_EQ(empty.min(), std::nullopt);
    EXPECT_TRUE(empty.to_json().at("min").is_null());
    EXPECT_EQ(histogram::from_json(empty.to_json()), empty);
}

TEST(Histogram, QuantilesMayBeAskedInAnyOrder) {
    const auto filled = of(spread_values(3, 1000, 30));
    const double ascending[] = {0.1, 0.5, 0.9};
    const double mixed[] = {0.9, 0.1, 0.5};
    const auto up = filled.quantiles(ascending);
    EXPECT_THAT(filled.quantiles(mixed), testing::ElementsAre(up[2], up[0], up[1]));
}

TEST(Histogram, RefusesQuantilesOutsideZeroToOne) {
    EXPECT_THROW(static_cast<void>(histogram{}.quantile(1.5)), std::invalid_argument);
    EXPECT_THROW(static_cast<void>(histogram{}.quantile(std::nan(""))), std::invalid_argument);
}

TEST(Histogram, ClearedIsAsNew) {
    auto filled = of(spread_values(9, 1000, 60));
    filled.clear();
    EXPECT_EQ(filled, histogram{});
}

TEST(Histogram, RefusesDocumentsThatDisagreeWithThemselves) {
    const auto good = of({5, 700, 9000}).to_json();
    const auto broken = [&good](const char* field, nlohmann::json value) {
        auto document = good;
        document[field] = std::move(value);
        return document;
    };
    EXPECT_NO_THROW(static_cast<void>(histogram::from_json(good)));
    for (const auto& document :
         {broken("layout", "loglin2^7"), broken("layout", 3), broken("count", 4),
          broken("count", "3"), broken("min", 6), broken("max", 100'000), broken("sum", nullptr),
          broken("buckets", 3), broken("buckets", {{700, 1}, {5, 1}}),
          broken("buckets", {{histogram::bucket_count, 3}}), broken("buckets", {{5}})})
        EXPECT_THROW(static_cast<void>(histogram::from_json(document)), results::data_error)
            << document;
}

}  // namespace
}  // namespace kevbench::harness
