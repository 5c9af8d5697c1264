// SPDX-License-Identifier: MIT
//
// When a watch is reported again.
#include "fixture.hpp"

namespace kevbench::adapter::conformance {
namespace {

TEST_P(LevelTest, ReportedOnEveryWaitWhileUnread) {
    open();
    for (const source kind : every_source) {
        SCOPED_TRACE(name_of(kind));
        const channel link{kind};
        watch target = link.make_watch();
        ASSERT_EQ(adapter().add(target), 0);
        link.fire();
        std::string received;
        deliveries.clear();
        for (int round = 0; round < 3; ++round) {
            ASSERT_EQ(collect(patience.count() * 1000 * millisecond), 1);
        }
        ASSERT_EQ(adapter().wait(patience.count() * 1000 * millisecond, 1,
                                 [&](const event& delivered) { consume(delivered, received); }),
                  1);
        EXPECT_FALSE(received.empty());
        deliveries.clear();
        settle();
        EXPECT_EQ(deliveries_to(target), 0U);
        EXPECT_EQ(adapter().remove(target), 0);
    }
}

TEST_P(LevelTest, HangUpIsReportedOnEveryWait) {
    open();
    for (const source kind : every_stream) {
        SCOPED_TRACE(name_of(kind));
        channel link{kind};
        watch target = link.make_watch();
        ASSERT_EQ(adapter().add(target), 0);
        link.close_far();
        for (int round = 0; round < 3; ++round) {
            deliveries.clear();
            ASSERT_TRUE(await_deliveries(1));
            EXPECT_EQ(deliveries.front().target, &target);
        }
        deliveries.clear();
        EXPECT_EQ(adapter().remove(target), 0);
    }
}

TEST_P(EdgeTest, NotReportedAgainUntilNewActivity) {
    open();
    for (const source kind : every_source) {
        SCOPED_TRACE(name_of(kind));
        const channel link{kind};
        watch target = link.make_watch();
        ASSERT_EQ(adapter().add(target), 0);
        link.fire();
        deliveries.clear();
        ASSERT_TRUE(await_deliveries(1));
        settle();
        EXPECT_EQ(deliveries_to(target), 1U) << "reported again although nothing happened";
        link.fire();
        EXPECT_TRUE(await_deliveries(2)) << "new activity while unread was not reported";
        EXPECT_EQ(adapter().remove(target), 0);
    }
}

TEST_P(EdgeTest, ModifyReportsAConditionThatHoldsAgain) {
    open();
    const channel link{source::unix_stream};
    watch target = link.make_watch();
    ASSERT_EQ(adapter().add(target), 0);
    link.fire();
    ASSERT_TRUE(await_deliveries(1));
    ASSERT_EQ(adapter().modify(target), 0);
    EXPECT_TRUE(await_deliveries(2));
    EXPECT_EQ(adapter().remove(target), 0);
}

TEST_P(OneShotTest, NotReportedAgainUntilRearmed) {
    open();
    for (const source kind : every_source) {
        SCOPED_TRACE(name_of(kind));
        const channel link{kind};
        watch target = link.make_watch();
        ASSERT_EQ(adapter().add(target), 0);
        link.fire();
        deliveries.clear();
        ASSERT_TRUE(await_deliveries(1));
        link.fire();
        settle();
        EXPECT_EQ(deliveries_to(target), 1U) << "reported again without modify()";
        ASSERT_EQ(adapter().modify(target), 0);
        EXPECT_TRUE(await_deliveries(2)) << "a condition that held was not reported on re-arming";
        EXPECT_EQ(adapter().remove(target), 0);
    }
}

TEST_P(OneShotTest, RearmingTwiceReportsOnce) {
    open();
    const channel link{source::unix_stream};
    watch target = link.make_watch();
    ASSERT_EQ(adapter().add(target), 0);
    ASSERT_EQ(adapter().modify(target), 0);
    ASSERT_EQ(adapter().modify(target), 0);
    link.fire();
    ASSERT_TRUE(await_deliveries(1));
    settle();
    EXPECT_EQ(deliveries_to(target), 1U);
    EXPECT_EQ(adapter().remove(target), 0);
}

TEST_P(CompletionTest, DataIsDeliveredOnceAndReceivingGoesOn) {
    open();
    for (const source kind : every_source) {
        SCOPED_TRACE(name_of(kind));
        const channel link{kind};
        watch target = link.make_watch();
        ASSERT_EQ(adapter().add(target), 0);
        deliveries.clear();
        for (std::size_t round = 1; round <= 3; ++round) {
            link.fire();
            ASSERT_TRUE(await_deliveries(round));
            settle();
            EXPECT_EQ(deliveries_to(target), round);
            EXPECT_EQ(deliveries.back().data.size(), kind == source::eventfd ? 8U : 1U);
        }
        EXPECT_EQ(adapter().remove(target), 0);
    }
}

}  // namespace
}  // namespace kevbench::adapter::conformance
