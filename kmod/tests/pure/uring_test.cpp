// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <random>

#include "model.hpp"

namespace kevbench::pure {
namespace {

constexpr std::uint32_t kSize = 4;

/// A ring brought into the state (kidx, uidx, over) as a program would.
kevent_uring ring_at(std::uint32_t kidx, std::uint32_t uidx, std::uint32_t over,
                     bool full = false) {
    return {.size = kSize, .kidx = kidx, .uidx = uidx, .over = over, .full = full};
}

TEST(Uring, CommitUpToTheWriterFreesAll) {
    kevent_uring ring = ring_at(3, 0, 0);
    EXPECT_EQ(kevent_uring_commit(&ring, 3, 0), 3);
    EXPECT_EQ(ring.uidx, 3U);
}

TEST(Uring, CommitThatWrapsCountsTheLapOnce) {
    kevent_uring ring = ring_at(1, 3, 0);
    EXPECT_EQ(kevent_uring_commit(&ring, 1, 0), 2);
    EXPECT_EQ(ring.uidx, 1U);
    EXPECT_EQ(ring.over, 1U);
    EXPECT_EQ(kevent_uring_commit(&ring, 1, 1), 0);
    EXPECT_EQ(ring.over, 1U);
}

TEST(Uring, CommitBeyondTheWriterIsRefused) {
    kevent_uring ring = ring_at(2, 0, 0);
    EXPECT_EQ(kevent_uring_commit(&ring, 3, 0), -EINVAL);
    EXPECT_EQ(kevent_uring_commit(&ring, kSize, 0), -EINVAL);
    EXPECT_EQ(ring.uidx, 0U);
}

TEST(Uring, CommitOfAnOldLapOverflows) {
    kevent_uring ring = ring_at(2, 0, 5);
    for (std::uint32_t index = 0; index < kSize; ++index) {
        EXPECT_EQ(kevent_uring_commit(&ring, index, 3), -EOVERFLOW);
        EXPECT_EQ(kevent_uring_commit(&ring, index, 6), -EOVERFLOW);
    }
}

TEST(Uring, CommitOfAnEqualIndexLeavesAFullRingFull) {
    kevent_uring ring = ring_at(2, 2, 0, true);
    EXPECT_EQ(kevent_uring_commit(&ring, 2, 0), 0);
    EXPECT_TRUE(ring.full);
    EXPECT_EQ(kevent_uring_room(&ring), 0U);
    EXPECT_EQ(kevent_uring_commit(&ring, 3, 0), 1);
    EXPECT_FALSE(ring.full);
}

TEST(Uring, SlowRepeatDoesNotFreeTwice) {
    kevent_uring ring = ring_at(3, 3, 0);
    EXPECT_EQ(kevent_uring_commit(&ring, 2, 0), 0);
    EXPECT_EQ(ring.uidx, 3U);
    EXPECT_EQ(ring.over, 0U);
}

TEST(Uring, WrappedCommitBeyondTheWriterFreesNothing) {
    kevent_uring ring = ring_at(1, 3, 0);
    EXPECT_EQ(kevent_uring_commit(&ring, 2, 0), 0);
    EXPECT_EQ(ring.uidx, 3U);
}

TEST(Uring, PreviousLapFreesNothing) {
    kevent_uring ring = ring_at(3, 1, 1);
    EXPECT_EQ(kevent_uring_commit(&ring, 0, 0), 0);
    EXPECT_EQ(kevent_uring_commit(&ring, 1, 0), 0);
    EXPECT_EQ(kevent_uring_commit(&ring, 2, 0), -EOVERFLOW);
    EXPECT_EQ(ring.uidx, 1U);
}

TEST(Uring, LapsWrapAtTheEndOfTheirNumbers) {
    kevent_uring ring = ring_at(1, 3, 0xffffffff);
    EXPECT_EQ(kevent_uring_commit(&ring, 1, 0xffffffff), 2);
    EXPECT_EQ(ring.over, 0U);
    EXPECT_EQ(kevent_uring_commit(&ring, 0, 0xffffffff), 0);
}

TEST(Uring, AgreesWithIndicesThatNeverWrap) {
    std::mt19937 random(1);
    for (std::uint32_t size = 2; size < 10; ++size) {
        kevent_uring ring = {.size = size, .kidx = 0, .uidx = 0, .over = 0, .full = false};
        RingModel model(size);
        for (int step = 0; step < 20000; ++step) {
            if (random() % 2 == 0 && !model.full()) {
                kevent_uring_produce(&ring);
                model.produce();
            } else {
                const auto index = static_cast<std::uint32_t>(random() % (size + 1));
                const auto over = static_cast<std::uint32_t>(model.over() + random() % 4 - 2);
                ASSERT_EQ(kevent_uring_commit(&ring, index, over), model.commit(index, over));
            }
            ASSERT_EQ(kevent_uring_used(&ring), model.used());
            ASSERT_EQ(ring.kidx, model.kidx());
            ASSERT_EQ(ring.uidx, model.uidx());
            ASSERT_EQ(ring.over, model.over());
            ASSERT_EQ(ring.full, model.full());
        }
    }
}

}  // namespace
}  // namespace kevbench::pure
