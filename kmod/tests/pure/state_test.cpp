// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <deque>
#include <set>

#include "pure.hpp"

namespace kevbench::pure {
namespace {

TEST(State, AnIdleKeventIsQueuedByTheFirstFiringOnly) {
    std::uint32_t state = 0;
    EXPECT_TRUE(kevent_st_fire(&state, 0));
    kevent_st_queue(&state);
    EXPECT_FALSE(kevent_st_fire(&state, 0));
    EXPECT_EQ(state, static_cast<std::uint32_t>(KEVENT_ST_QUEUED));
}

TEST(State, FiringDuringAttachOnlyLeavesItsMark) {
    std::uint32_t state = KEVENT_ST_ARMING;
    EXPECT_FALSE(kevent_st_fire(&state, KEVENT_ST_UNSURE));
    EXPECT_EQ(state, static_cast<std::uint32_t>(KEVENT_ST_ARMING | KEVENT_ST_UNSURE));
}

TEST(State, FiringWhileItIsDeliveredQueuesItAgain) {
    std::uint32_t state = KEVENT_ST_QUEUED;
    kevent_st_take(&state);
    EXPECT_FALSE(kevent_st_fire(&state, 0));
    EXPECT_EQ(kevent_st_done(&state, true, false, false, 1), KEVENT_NEXT_QUEUE);
    EXPECT_EQ(state, static_cast<std::uint32_t>(KEVENT_ST_QUEUED));
}

TEST(State, AnEdgeReturnsToIdle) {
    std::uint32_t state = KEVENT_ST_QUEUED;
    kevent_st_take(&state);
    EXPECT_EQ(kevent_st_done(&state, true, false, false, 0), KEVENT_NEXT_IDLE);
    EXPECT_EQ(state, 0U);
}

TEST(State, ALevelIsLookedAtAgain) {
    std::uint32_t state = KEVENT_ST_QUEUED;
    kevent_st_take(&state);
    EXPECT_EQ(kevent_st_done(&state, true, false, true, 0), KEVENT_NEXT_QUEUE);
    EXPECT_NE(kevent_st_take(&state) & KEVENT_ST_UNSURE, 0U);
}

TEST(State, AOneshotThatWasFoundUnreadyStays) {
    std::uint32_t state = KEVENT_ST_QUEUED;
    kevent_st_take(&state);
    EXPECT_EQ(kevent_st_done(&state, false, true, false, 0), KEVENT_NEXT_IDLE);
    EXPECT_EQ(state & KEVENT_ST_DEAD, 0U);
}

TEST(State, ALastReportEndsItEvenIfItFiredMeanwhile) {
    std::uint32_t state = KEVENT_ST_QUEUED;
    kevent_st_take(&state);
    kevent_st_fire(&state, KEVENT_ST_UNSURE);
    EXPECT_EQ(kevent_st_done(&state, true, true, false, 1), KEVENT_NEXT_END);
    EXPECT_NE(state & KEVENT_ST_DEAD, 0U);
    EXPECT_FALSE(kevent_st_fire(&state, KEVENT_ST_BROKEN));
    EXPECT_EQ(state & KEVENT_ST_BROKEN, 0U);
}

TEST(State, ABrokenOneIsReportedAfterTheDeliveryInFlight) {
    std::uint32_t state = KEVENT_ST_QUEUED;
    kevent_st_take(&state);
    kevent_st_fire(&state, KEVENT_ST_BROKEN);
    EXPECT_EQ(kevent_st_done(&state, true, false, false, 0), KEVENT_NEXT_QUEUE);
    EXPECT_NE(kevent_st_take(&state) & KEVENT_ST_BROKEN, 0U);
    EXPECT_EQ(kevent_st_done(&state, true, true, false, 0), KEVENT_NEXT_END);
}

/// Everything that can be reached by allowed steps, each step checked.
class Explorer {
  public:
    void run() {
        reach(0);
        reach(KEVENT_ST_ARMING);
        while (!open_.empty()) {
            const std::uint32_t state = open_.front();
            open_.pop_front();
            fire(state, 0);
            fire(state, KEVENT_ST_UNSURE);
            fire(state, KEVENT_ST_BROKEN);
            attached(state);
            take(state);
            for (unsigned choice = 0; choice < 16; ++choice) done(state, choice);
            reach(state | KEVENT_ST_DEAD);
        }
    }
    [[nodiscard]] std::size_t seen() const { return seen_.size(); }

  private:
    void reach(std::uint32_t state) {
        // A kevent is with at most one of: the ready list, a consumer, attach.
        const std::uint32_t place = state & (KEVENT_ST_QUEUED | KEVENT_ST_BUSY | KEVENT_ST_ARMING);
        ASSERT_EQ(place & (place - 1), 0U) << state;
        if (seen_.insert(state).second) open_.push_back(state);
    }

    void fire(std::uint32_t state, std::uint32_t how) {
        std::uint32_t after = state;
        const bool idle = kevent_st_fire(&after, how);
        const bool placed = (state & (KEVENT_ST_QUEUED | KEVENT_ST_BUSY | KEVENT_ST_ARMING)) != 0;
        if ((state & KEVENT_ST_DEAD) != 0) {
            EXPECT_EQ(after, state);
            EXPECT_FALSE(idle);
            return;
        }
        EXPECT_EQ(after, state | how);
        EXPECT_EQ(idle, !placed);
        if (idle) kevent_st_queue(&after);
        reach(after);
    }

    void attached(std::uint32_t state) {
        if ((state & KEVENT_ST_ARMING) == 0) return;
        std::uint32_t after = state & ~std::uint32_t{KEVENT_ST_ARMING};
        reach(after);
        kevent_st_queue(&after);
        reach(after);
    }

    void take(std::uint32_t state) {
        if ((state & KEVENT_ST_QUEUED) == 0) return;
        std::uint32_t after = state;
        EXPECT_EQ(kevent_st_take(&after), state);
        EXPECT_EQ(after & (KEVENT_ST_QUEUED | KEVENT_ST_UNSURE), 0U);
        EXPECT_NE(after & KEVENT_ST_BUSY, 0U);
        EXPECT_EQ(after & KEVENT_ST_STALE, state & KEVENT_ST_STALE);
        reach(after);
    }

    void done(std::uint32_t state, unsigned choice) {
        if ((state & KEVENT_ST_BUSY) == 0) return;
        const bool reported = (choice & 1U) != 0;
        const bool last = (choice & 2U) != 0;
        const bool again = (choice & 4U) != 0;
        const std::uint32_t fired = (choice & 8U) != 0 ? 1 : 0;
        std::uint32_t after = state;
        const enum kevent_next next = kevent_st_done(&after, reported, last, again, fired);
        EXPECT_EQ(after & KEVENT_ST_BUSY, 0U);
        EXPECT_EQ(next == KEVENT_NEXT_QUEUE, (after & KEVENT_ST_QUEUED) != 0);
        if ((state & KEVENT_ST_DEAD) != 0) {
            EXPECT_EQ(next, KEVENT_NEXT_GONE);
        } else if (reported && last) {
            EXPECT_EQ(next, KEVENT_NEXT_END);
        } else {
            // Nothing that happened meanwhile is forgotten.
            const bool pending = fired != 0 || (reported && again) ||
                                 (state & (KEVENT_ST_UNSURE | KEVENT_ST_BROKEN)) != 0;
            EXPECT_EQ(next, pending ? KEVENT_NEXT_QUEUE : KEVENT_NEXT_IDLE);
        }
        reach(after);
    }

    std::set<std::uint32_t> seen_;
    std::deque<std::uint32_t> open_;
};

TEST(State, EveryReachableStateKeepsTheRules) {
    Explorer explorer;
    explorer.run();
    EXPECT_GE(explorer.seen(), 16U);
}

}  // namespace
}  // namespace kevbench::pure
