// SPDX-License-Identifier: MIT
//
// Timers, user events and reads of files as native sources, on every variant that has them.
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <string>
#include <thread>
#include <type_traits>
#include <vector>

#include "kevbench/adapter/detail/descriptor.hpp"
#include "native_fixture.hpp"

namespace kevbench::adapter {
namespace {

constexpr auto has_timers = []<class A>() { return timer_source<A>; };
constexpr auto has_user_events = []<class A>() { return user_source<A>; };
constexpr auto has_file_reads = []<class A>() { return file_source<A>; };

class NativeSources : public testing::TestWithParam<listing> {};

TEST_P(NativeSources, TimerThatIsDueExpiresOnce) {
    with_adapter(GetParam(), has_timers, [](auto& adapter) {
        watch timer;
        ASSERT_EQ(adapter.add_timer(timer, {1, 0}), 0);
        EXPECT_EQ(adapter.add_timer(timer, {1, 0}), -EEXIST);
        const auto seen = collect(adapter, [](const auto& all) { return !all.empty(); });
        EXPECT_EQ(sum(seen), 1U);
        EXPECT_EQ(seen.front().target, &timer);
        EXPECT_EQ(adapter.wait(2 * millisecond, 64, [](const event&) {}), 0);
        EXPECT_EQ(adapter.remove(timer), 0);
        EXPECT_EQ(adapter.remove(timer), -ENOENT);
    });
}

TEST_P(NativeSources, TimerIsNotEarlyAndCanBeArmedAgain) {
    with_adapter(GetParam(), has_timers, [](auto& adapter) {
        watch timer;
        ASSERT_EQ(adapter.add_timer(timer, {1, 0}), 0);
        collect(adapter, [](const auto& all) { return all.size() == 1; });
        for (int round = 0; round < 3; ++round) {
            const std::int64_t due = monotonic_now() + 5 * millisecond;
            ASSERT_EQ(adapter.rearm_timer(timer, {due, 0}), 0);
            collect(adapter, [](const auto& all) { return all.size() == 1; });
            EXPECT_GE(monotonic_now(), due);
        }
        EXPECT_EQ(adapter.remove(timer), 0);
        EXPECT_EQ(adapter.rearm_timer(timer, {1, 0}), -ENOENT);
    });
}

TEST_P(NativeSources, TimerUnderWayTakesAnotherPlan) {
    with_adapter(GetParam(), has_timers, [](auto& adapter) {
        watch timer;
        ASSERT_EQ(adapter.add_timer(timer, {monotonic_now() + 3600'000 * millisecond, 0}), 0);
        EXPECT_EQ(take_nothing(adapter), 0);
        ASSERT_EQ(adapter.rearm_timer(timer, {1, 0}), 0);
        EXPECT_EQ(sum(collect(adapter, [](const auto& all) { return all.size() == 1; })), 1U);
    });
}

TEST_P(NativeSources, PeriodicTimerReportsEveryExpiration) {
    with_adapter(GetParam(), has_timers, [](auto& adapter) {
        constexpr std::int64_t period = 2 * millisecond;
        const std::int64_t start = monotonic_now();
        watch timer;
        watch twin;
        ASSERT_EQ(adapter.add_timer(timer, {start + period, period}), 0);
        ASSERT_EQ(adapter.add_timer(twin, {start + period, period}), 0);
        std::array<std::uint64_t, 2> counts{};
        const auto enough = [&](const std::vector<report>& all) {
            counts = {};
            for (const report& each : all) {
                counts[each.target == &twin ? 1 : 0] += static_cast<std::uint64_t>(each.result);
            }
            return counts[0] >= 10 && counts[1] >= 10;
        };
        sum(collect(adapter, enough));
        const auto passed = static_cast<std::uint64_t>((monotonic_now() - start) / period);
        EXPECT_LE(counts[0], passed);
        EXPECT_LE(counts[1], passed);
        EXPECT_EQ(adapter.remove(timer), 0);
        EXPECT_EQ(adapter.remove(twin), 0);
        EXPECT_EQ(adapter.wait(3 * period, 64, [](const event&) {}), 0) << "removed, yet reported";
    });
}

TEST_P(NativeSources, PostsOfAnotherThreadAreAllCounted) {
    with_adapter(GetParam(), has_user_events, [](auto& adapter) {
        std::array<watch, 3> events{};
        for (watch& each : events) {
            ASSERT_EQ(adapter.add_user(each), 0);
        }
        ASSERT_EQ(adapter.flush(), 0);
        constexpr int posts = 20;
        std::thread other{[&] {
            typename std::remove_reference_t<decltype(adapter)>::poster_type poster;
            ASSERT_EQ(poster.open(adapter), 0);
            for (int at = 0; at < posts; ++at) {
                ASSERT_EQ(poster.post(events[0]), 0);
                ASSERT_EQ(poster.post(events[2]), 0);
            }
        }};
        const auto all_there = [](const std::vector<report>& all) {
            std::uint64_t total = 0;
            for (const report& each : all) {
                total += static_cast<std::uint64_t>(each.result);
            }
            return total >= std::uint64_t{2} * posts;
        };
        const auto seen = collect(adapter, all_there);
        other.join();
        EXPECT_EQ(sum(seen), 2U * posts);
        for (const report& each : seen) {
            EXPECT_NE(each.target, &events[1]);
        }
        EXPECT_EQ(take_nothing(adapter), 0);
    });
}

TEST_P(NativeSources, RemovedUserEventIsNotReported) {
    with_adapter(GetParam(), has_user_events, [](auto& adapter) {
        watch target;
        ASSERT_EQ(adapter.add_user(target), 0);
        ASSERT_EQ(adapter.flush(), 0);
        typename std::remove_reference_t<decltype(adapter)>::poster_type poster;
        ASSERT_EQ(poster.open(adapter), 0);
        ASSERT_EQ(poster.post(target), 0);
        EXPECT_EQ(adapter.remove(target), 0);
        EXPECT_EQ(adapter.wait(2 * millisecond, 64, [](const event&) {}), 0);
    });
}

detail::descriptor make_file(const std::string& content) {
    detail::descriptor file{::memfd_create("native_sources", MFD_CLOEXEC)};
    EXPECT_EQ(::write(file.get(), content.data(), content.size()),
              static_cast<ssize_t>(content.size()));
    return file;
}

TEST_P(NativeSources, ReadsOfAFileEndWithTheirData) {
    with_adapter(GetParam(), has_file_reads, [](auto& adapter) {
        const detail::descriptor file = make_file(std::string(4096, 'a') + std::string(100, 'b'));
        std::array<watch, 2> readers{};
        std::array<std::array<std::byte, 4096>, 2> blocks{};
        for (watch& each : readers) {
            ASSERT_EQ(adapter.add_reader(each), 0);
        }
        for (std::size_t at = 0; at < 2; ++at) {
            ASSERT_EQ(adapter.start_read(readers[at], {file.get(), blocks[at].data(), 4096,
                                                       static_cast<std::int64_t>(at) * 4096}),
                      0);
        }
        const auto seen = collect(adapter, [](const auto& all) { return all.size() == 2; });
        for (const report& each : seen) {
            EXPECT_EQ(each.bits, bits::occurred);
            EXPECT_EQ(each.result, each.target == readers.data() ? 4096 : 100);
        }
        EXPECT_EQ(blocks[0][4095], std::byte{'a'});
        EXPECT_EQ(blocks[1][99], std::byte{'b'});
        ASSERT_EQ(adapter.start_read(readers[0], {file.get(), blocks[0].data(), 4096, 8192}), 0);
        EXPECT_EQ(collect(adapter, [](const auto& all) { return all.size() == 1; }).front().result,
                  0)
            << "the end of the file";
    });
}

TEST_P(NativeSources, AFailedReadSaysWhy) {
    with_adapter(GetParam(), has_file_reads, [](auto& adapter) {
        std::array<std::byte, 16> block{};
        watch reader;
        ASSERT_EQ(adapter.add_reader(reader), 0);
        const int status = adapter.start_read(reader, {-1, block.data(), 16, 0});
        if (status == 0) {
            const auto seen = collect(adapter, [](const auto& all) { return all.size() == 1; });
            EXPECT_EQ(seen.front().bits, bits::occurred);
            EXPECT_EQ(seen.front().result, -EBADF);
        } else {
            EXPECT_EQ(status, -EBADF);
        }
    });
}

TEST_P(NativeSources, AdapterClosesWithSourcesUnderWay) {
    with_adapter(GetParam(), has_timers, [](auto& adapter) {
        std::vector<watch> timers(10);
        for (watch& each : timers) {
            ASSERT_EQ(adapter.add_timer(each, {monotonic_now() + 3600'000 * millisecond, 0}), 0);
        }
        EXPECT_EQ(take_nothing(adapter), 0);
    });
}

INSTANTIATE_TEST_SUITE_P(Variants, NativeSources, testing::ValuesIn(variants_with_sources()),
                         variant_name);
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(NativeSources);

}  // namespace
}  // namespace kevbench::adapter
