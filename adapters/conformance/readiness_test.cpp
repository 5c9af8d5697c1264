// SPDX-License-Identifier: MIT
//
// What is reported, and when first.

#include <poll.h>

#include <cerrno>

#include "fixture.hpp"

namespace kevbench::adapter::conformance {
namespace {

TEST_P(ConformanceTest, ReadinessPresentBeforeRegistrationIsReported) {
    open();
    for (const source kind : every_source) {
        SCOPED_TRACE(name_of(kind));
        const channel link{kind};
        link.fire();
        watch target = link.make_watch();
        ASSERT_EQ(adapter().add(target), 0);
        deliveries.clear();
        ASSERT_TRUE(await_deliveries(1));
        EXPECT_EQ(deliveries.front().target, &target);
        EXPECT_NE(deliveries.front().bits & (completes() ? bits::received : bits::readable), 0U);
        EXPECT_GE(deliveries.front().result, 0);
        EXPECT_EQ(adapter().remove(target), 0);
    }
}

TEST_P(ConformanceTest, ActivityAfterRegistrationIsReported) {
    open();
    for (const source kind : every_source) {
        SCOPED_TRACE(name_of(kind));
        const channel link{kind};
        watch target = link.make_watch();
        ASSERT_EQ(adapter().add(target), 0);
        deliveries.clear();
        settle();
        EXPECT_TRUE(deliveries.empty());
        link.fire();
        ASSERT_TRUE(await_deliveries(1));
        EXPECT_EQ(deliveries.front().target, &target);
        EXPECT_EQ(adapter().remove(target), 0);
    }
}

TEST_P(ConformanceTest, WatchWithoutInterestIsSilent) {
    open();
    const channel link{source::unix_stream};
    link.fire();
    watch target = link.make_watch(0);
    ASSERT_EQ(adapter().add(target), 0);
    settle();
    EXPECT_EQ(deliveries_to(target), 0U);
    EXPECT_EQ(adapter().remove(target), 0);
}

TEST_P(ConformanceTest, ModifyStopsAndStartsReports) {
    if (!has(caps::modify)) {
        open();
        const channel link{source::unix_stream};
        watch target = link.make_watch();
        ASSERT_EQ(adapter().add(target), 0);
        EXPECT_EQ(adapter().modify(target), -EINVAL);
        return;
    }
    open();
    const channel link{source::unix_stream};
    watch target = link.make_watch();
    ASSERT_EQ(adapter().add(target), 0);
    target.interest = 0;
    ASSERT_EQ(adapter().modify(target), 0);
    settle();
    link.fire();
    settle();
    EXPECT_EQ(deliveries_to(target), 0U);
    target.interest = bits::readable;
    ASSERT_EQ(adapter().modify(target), 0);
    EXPECT_TRUE(await_deliveries(1));
    EXPECT_EQ(adapter().remove(target), 0);
}

TEST_P(ConformanceTest, ListeningSocketReportsEveryConnection) {
    open();
    const listener server;
    watch target{server.fd(), bits::acceptable, true};
    ASSERT_EQ(adapter().add(target), 0);
    constexpr std::size_t clients = 5;
    std::vector<detail::descriptor> near;
    std::vector<detail::descriptor> far;
    for (std::size_t at = 0; at < clients; ++at) {
        far.push_back(server.connect());
    }
    const auto take = [&](const event& delivered) {
        ASSERT_EQ(delivered.target, &target);
        if (completes()) {
            EXPECT_EQ(delivered.bits, bits::accepted);
            ASSERT_GE(delivered.result, 0);
            near.emplace_back(delivered.result);
            return;
        }
        EXPECT_NE(delivered.bits & bits::readable, 0U);
        submission accepted{};
        do {
            accepted = adapter().submit({op_kind::accept, &target});
            if (accepted.result >= 0) {
                near.emplace_back(accepted.result);
            }
        } while (accepted.result >= 0 && fixed().mode == trigger::edge);
        if (fixed().mode == trigger::one_shot) {
            EXPECT_EQ(adapter().modify(target), 0);
        }
    };
    EXPECT_TRUE(await([&] { return near.size() == clients; }, take));
    far.push_back(server.connect());
    EXPECT_TRUE(await([&] { return near.size() == clients + 1; }, take));
    EXPECT_EQ(adapter().remove(target), 0);
}

TEST_P(ReadinessTest, WritableInterestFollowsTheRoomInTheBuffer) {
    open();
    const channel link{source::unix_stream};
    watch target = link.make_watch(bits::writable);
    ASSERT_EQ(adapter().add(target), 0);
    ASSERT_TRUE(await_deliveries(1));
    EXPECT_NE(deliveries.front().bits & bits::writable, 0U);
    EXPECT_EQ(deliveries.front().bits & bits::readable, 0U);

    std::vector<std::byte> block(65536);
    submission sent{};
    do {
        sent = adapter().submit({op_kind::send, &target, block.data(), block.size()});
        ASSERT_EQ(sent.outcome, verdict::done);
    } while (sent.result > 0);
    EXPECT_EQ(sent.result, -EAGAIN);
    if (fixed().mode == trigger::one_shot) {
        ASSERT_EQ(adapter().modify(target), 0);
    }
    deliveries.clear();
    settle();
    EXPECT_EQ(deliveries_to(target), 0U);

    EXPECT_FALSE(link.read_far().empty());
    EXPECT_TRUE(await_deliveries(1));
    EXPECT_EQ(adapter().remove(target), 0);
}

TEST_P(ReadinessTest, BothDirectionsCanBeWatchedAtOnce) {
    open();
    const channel link{source::tcp};
    link.fire();
    // On a busy machine the loopback delivers after the write has returned.
    pollfd arrived{link.near(), POLLIN, 0};
    ASSERT_EQ(::poll(&arrived, 1, static_cast<int>(patience.count()) * 1000), 1);
    watch target = link.make_watch(bits::readable | bits::writable);
    ASSERT_EQ(adapter().add(target), 0);
    ASSERT_TRUE(await_deliveries(1));
    EXPECT_EQ(deliveries.front().bits & (bits::readable | bits::writable),
              bits::readable | bits::writable);
    EXPECT_EQ(adapter().remove(target), 0);
}

TEST_P(CompletionTest, WritableInterestIsRefused) {
    open();
    const channel link{source::unix_stream};
    watch target = link.make_watch(bits::readable | bits::writable);
    EXPECT_EQ(adapter().add(target), -EINVAL);
}

}  // namespace
}  // namespace kevbench::adapter::conformance
