// SPDX-License-Identifier: MIT
#include "kevbench/adapter/detail/timeout.hpp"

#include <gtest/gtest.h>

namespace kevbench::adapter::detail {
namespace {

constexpr std::int64_t largest = std::numeric_limits<std::int64_t>::max();

TEST(Timeout, MillisecondsAreRoundedUpAndLimited) {
    EXPECT_EQ(to_milliseconds(-1), -1);
    EXPECT_EQ(to_milliseconds(std::numeric_limits<std::int64_t>::min()), -1);
    EXPECT_EQ(to_milliseconds(0), 0);
    EXPECT_EQ(to_milliseconds(1), 1);
    EXPECT_EQ(to_milliseconds(1'000'000), 1);
    EXPECT_EQ(to_milliseconds(1'000'001), 2);
    EXPECT_EQ(to_milliseconds(largest), std::numeric_limits<int>::max());
}

TEST(Timeout, TimespecsAreExactAndLimited) {
    timespec storage{-1, -1};
    EXPECT_EQ(to_timespec(-1, storage), nullptr);
    ASSERT_EQ(to_timespec(0, storage), &storage);
    EXPECT_EQ(storage.tv_sec, 0);
    EXPECT_EQ(storage.tv_nsec, 0);
    ASSERT_EQ(to_timespec(2'000'000'001, storage), &storage);
    EXPECT_EQ(storage.tv_sec, 2);
    EXPECT_EQ(storage.tv_nsec, 1);
    ASSERT_EQ(to_timespec(largest, storage), &storage);
    EXPECT_EQ(storage.tv_sec * 1'000'000'000 + storage.tv_nsec, longest_timeout);
}

}  // namespace
}  // namespace kevbench::adapter::detail
