// SPDX-License-Identifier: MIT
#include "kevbench/harness/load_recorder.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "kevbench/harness/percentile_text.hpp"

namespace kevbench::harness {
namespace {

using testing::HasSubstr;

TEST(LoadRecorder, SecondsHoldWhatEndedInThem) {
    load_recorder recorder;
    const auto start = recorder.now();
    constexpr auto second = nanoseconds_per_second;
    recorder.replied(start, start + 10, start + 1000);
    recorder.failed(workload::load_error::timeout, start + second / 2);
    // Nothing in the second second; the third has one reply.
    recorder.replied(start + second, start + second, start + 2 * second + second / 2);
    const auto all = recorder.seconds();
    ASSERT_EQ(all.size(), 3U);
    EXPECT_EQ(all[0].replies, 1U);
    EXPECT_EQ(all[0].errors, 1U);
    EXPECT_EQ(all[0].max_ns, 1000);
    EXPECT_EQ(all[1].replies + all[1].errors, 0U);
    EXPECT_EQ(all[2].replies, 1U);
    EXPECT_EQ(all[2].max_ns, second + second / 2);
    EXPECT_EQ(recorder.corrected.count(), 2U);
    EXPECT_EQ(recorder.uncorrected.min(), 990);
}

workload::load_outcome kept_pace() {
    workload::load_outcome outcome;
    outcome.planned = outcome.replies = 10;
    outcome.pace = {1.0, 1.0};
    return outcome;
}

TEST(LoadDocument, NamesTheClientsOwnLimits) {
    const load_recorder recorder;
    const auto limited = [&recorder](const workload::load_outcome& outcome) {
        return load_document({}, outcome, recorder, {}).at("client_limited").get<bool>();
    };
    EXPECT_FALSE(limited(kept_pace()));
    auto late = kept_pace();
    late.pace.share_in_time = 0.98;
    EXPECT_TRUE(limited(late));
    auto refused = kept_pace();
    refused.errors[static_cast<std::size_t>(workload::load_error::refused)] = 5;
    EXPECT_FALSE(limited(refused)) << "the server's doing";
    auto ports = kept_pace();
    ports.errors[static_cast<std::size_t>(workload::load_error::no_address)] = 1;
    EXPECT_TRUE(limited(ports));
}

TEST(PercentileText, HasTheColumnsAndTheEndThatPlottersRead) {
    histogram values;
    for (std::int64_t each = 1; each <= 1000; ++each) values.record(each * 1'000'000);
    const auto text = percentile_text(values);
    EXPECT_THAT(text, HasSubstr("Value     Percentile TotalCount 1/(1-Percentile)\n\n"));
    EXPECT_THAT(text, HasSubstr("1000.000 1.000000000000       1000\n"));
    EXPECT_THAT(text, HasSubstr("#[Mean    =      500.500, StdDeviation   =      288.67"));
    EXPECT_THAT(text, HasSubstr("#[Max     =     1000.000, Total count    =         1000]\n"));
    EXPECT_LT(std::count(text.begin(), text.end(), '\n'), 80);
}

TEST(PercentileText, EmptyHistogramIsNoError) {
    EXPECT_THAT(percentile_text(histogram{}), HasSubstr("Total count    =            0]"));
}

}  // namespace
}  // namespace kevbench::harness
