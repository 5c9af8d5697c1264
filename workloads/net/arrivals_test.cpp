// SPDX-License-Identifier: MIT
#include "net/arrivals.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

namespace kevbench::workload::net {
namespace {

std::vector<std::int64_t> drawn(arrival_process process, double rate, std::uint64_t seed,
                                std::size_t count) {
    std::vector<std::int64_t> plan(count);
    draw_arrivals(process, rate, seed, plan);
    return plan;
}

TEST(Arrivals, SameSeedSamePlanOtherSeedOtherPlan) {
    const auto first = drawn(arrival_process::poisson, 1000, 1, 100);
    EXPECT_EQ(first, drawn(arrival_process::poisson, 1000, 1, 100));
    EXPECT_NE(first, drawn(arrival_process::poisson, 1000, 2, 100));
}

TEST(Arrivals, FixedGapsDoNotDrift) {
    const auto plan = drawn(arrival_process::fixed, 3000, 0, 3'000'000);
    EXPECT_EQ(plan.front(), 333'333);
    EXPECT_EQ(plan.back(), 1'000'000'000'000);
}

TEST(Arrivals, PlanNeverGoesBack) {
    const auto plan = drawn(arrival_process::poisson, 1e8, 9, 10'000);
    EXPECT_TRUE(std::is_sorted(plan.begin(), plan.end()));
    EXPECT_GE(plan.front(), 0);
}

// Kolmogorov-Smirnov distance of the gaps from the exponential distribution. The limit is the one
// of 0.1 % significance for a known distribution; the seeds are fixed, so this cannot flicker.
TEST(Arrivals, PoissonGapsAreExponential) {
    constexpr double rate = 20'000;
    constexpr std::size_t count = 20'000;
    for (std::uint64_t seed = 0; seed < 5; ++seed) {
        const auto plan = drawn(arrival_process::poisson, rate, seed, count);
        std::vector<double> gaps{static_cast<double>(plan[0])};
        for (std::size_t i = 1; i < count; ++i) {
            gaps.push_back(static_cast<double>(plan[i] - plan[i - 1]));
        }
        std::sort(gaps.begin(), gaps.end());
        double distance = 0.0;
        for (std::size_t i = 0; i < count; ++i) {
            const double expected = 1.0 - std::exp(-gaps[i] * rate / 1e9);
            const double below = static_cast<double>(i) / count;
            distance = std::max({distance, expected - below, below + 1.0 / count - expected});
        }
        EXPECT_LT(distance, 1.95 / std::sqrt(static_cast<double>(count))) << "seed " << seed;
    }
}

TEST(Punctuality, ClientOnTimeKeptPace) {
    const auto plan = drawn(arrival_process::fixed, 1000, 0, 1000);
    const std::vector<std::int64_t> late(1000, 20'000);
    EXPECT_TRUE(judge_punctuality(plan, late).kept_pace());
}

TEST(Punctuality, TooManyLateSendsOrTooLowARateIsSaturation) {
    const auto plan = drawn(arrival_process::fixed, 1000, 0, 1000);
    std::vector<std::int64_t> late(1000, 0);
    std::fill_n(late.begin() + 100, 11, lateness_tolerance + 1);
    EXPECT_FALSE(judge_punctuality(plan, late).kept_pace());
    std::fill(late.begin(), late.end(), 0);
    late.back() = 12'000'000;  // 1.1 % of the second that the plan takes, beyond the tolerance
    EXPECT_LT(judge_punctuality(plan, late).achieved_of_intended, 0.99);
    EXPECT_FALSE(judge_punctuality(plan, late).kept_pace());
}

}  // namespace
}  // namespace kevbench::workload::net
