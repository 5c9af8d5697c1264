// SPDX-License-Identifier: MIT
#include "kevbench/harness/perf_counter.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <utility>

#include "kevbench/harness/event_counters.hpp"

namespace kevbench::harness {
namespace {

perf_event_attr task_clock() {
    perf_event_attr event{};
    event.type = PERF_TYPE_SOFTWARE;
    event.config = PERF_COUNT_SW_TASK_CLOCK;
    return event;
}

void work() {
    for (int i = 0; i < 1'000'000; ++i) asm volatile("");  // keeps the loop
}

TEST(PerfCounter, NullObjectReadsAsNothingWithItsReasonNeverAsZero) {
    perf_counter absent{"not measured here"};
    absent.start(perf_counter::scope::single);
    absent.stop(perf_counter::scope::group);
    const auto reading = absent.read();
    EXPECT_FALSE(reading.value.has_value());
    EXPECT_EQ(reading.status, "not measured here");
}

TEST(PerfCounter, UnknownEventIsNotSupportedRatherThanAnError) {
    perf_event_attr event{};
    event.type = PERF_TYPE_HARDWARE;
    event.config = 0xff;
    const perf_counter counter{event, 0};
    EXPECT_FALSE(counter.present());
    EXPECT_FALSE(counter.read().value.has_value());
    EXPECT_FALSE(counter.read().status.empty());
}

TEST(PerfCounter, CountsOnlyWhileStarted) {
    perf_counter counter{task_clock(), 0};
    ASSERT_TRUE(counter.present()) << counter.reason();
    EXPECT_FALSE(counter.read().value.has_value());
    counter.start(perf_counter::scope::single);
    work();
    counter.stop(perf_counter::scope::single);
    const auto reading = counter.read();
    ASSERT_TRUE(reading.value.has_value()) << reading.status;
    EXPECT_GT(*reading.value, 0U);
    work();
    EXPECT_EQ(counter.read().value, reading.value);
}

TEST(PerfCounter, MovesWithoutClosingWhatItOwns) {
    perf_counter first{task_clock(), 0};
    ASSERT_TRUE(first.present()) << first.reason();
    perf_counter second{std::move(first)};
    second.start(perf_counter::scope::single);
    work();
    second.stop(perf_counter::scope::single);
    EXPECT_TRUE(second.read().value.has_value());
}

TEST(EventCounters, EveryEventHasAValueOrAReason) {
    event_counters counters;
    counters.start();
    work();
    counters.stop();
    const auto readings = counters.readings();
    EXPECT_THAT(readings, testing::Contains(testing::Key("instructions")));
    for (const auto& [name, reading] : readings) {
        EXPECT_EQ(reading.value.has_value(), reading.status == "counted") << name;
        EXPECT_FALSE(reading.status.empty()) << name;
    }
    EXPECT_GT(readings.at("task-clock").value.value_or(0), 0U);
    EXPECT_EQ(readings.at("cpu-migrations").value.has_value(), true);
}

}  // namespace
}  // namespace kevbench::harness
