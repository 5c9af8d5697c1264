// SPDX-License-Identifier: MIT
#include "kevbench/adapter/null.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cerrno>
#include <vector>

namespace kevbench::adapter {
namespace {

class NullAdapter : public ::testing::Test {
  protected:
    void SetUp() override {
        config settings;
        settings.max_watches = 4;
        settings.max_batch = 4;
        ASSERT_EQ(adapter.open(settings), 0);
        for (watch& target : targets) {
            ASSERT_EQ(adapter.add(target), 0);
        }
    }
    int collect(std::uint32_t max = 4) {
        return adapter.wait(0, max,
                            [&](const event& delivered) { seen.push_back(delivered.target); });
    }

    null_adapter adapter{null_adapter::variants().front()};
    std::array<watch, 3> targets;
    std::vector<watch*> seen;
};

TEST_F(NullAdapter, ReportsPostsOnceAndInOrder) {
    ASSERT_TRUE(adapter.post(targets[2]));
    ASSERT_TRUE(adapter.post(targets[0]));
    ASSERT_TRUE(adapter.post(targets[2]));
    EXPECT_EQ(collect(2), 2);
    EXPECT_EQ(collect(2), 1);
    EXPECT_EQ(seen, (std::vector{&targets[2], targets.data(), &targets[2]}));
    EXPECT_EQ(collect(), 0);
}

TEST_F(NullAdapter, ReceivesAsManyBytesAsPosted) {
    std::array<std::byte, 64> block{};
    const operation receive{op_kind::receive, targets.data(), block.data(), block.size()};
    EXPECT_EQ(adapter.submit(receive).result, -EAGAIN);
    ASSERT_TRUE(adapter.post(targets[0], 100));
    EXPECT_EQ(adapter.submit(receive).outcome, verdict::done);
    EXPECT_EQ(adapter.submit(receive).result, 36);
    EXPECT_EQ(adapter.submit(receive).result, -EAGAIN);
    EXPECT_EQ(adapter.submit({op_kind::send, targets.data(), block.data(), 17}).result, 17);
}

TEST_F(NullAdapter, RemovalDropsPendingEventsOfThatWatchOnly) {
    for (watch& target : targets) {
        ASSERT_TRUE(adapter.post(target));
    }
    ASSERT_TRUE(adapter.post(targets[1]));
    EXPECT_EQ(adapter.remove(targets[1]), 0);
    EXPECT_EQ(collect(), 2);
    EXPECT_EQ(seen, (std::vector{targets.data(), &targets[2]}));
}

TEST_F(NullAdapter, RemovalInsideDeliveryShortensTheBatch) {
    for (watch& target : targets) {
        ASSERT_TRUE(adapter.post(target));
    }
    int calls = 0;
    const int delivered = adapter.wait(0, 4, [&](const event&) {
        if (calls++ == 0) {
            EXPECT_EQ(adapter.remove(targets[1]), 0);
            EXPECT_EQ(adapter.remove(targets[2]), 0);
        }
    });
    EXPECT_EQ(calls, 1);
    EXPECT_EQ(delivered, 1);
    EXPECT_EQ(collect(), 0);
}

TEST_F(NullAdapter, PostedInsideDeliveryComesWithTheNextWait) {
    ASSERT_TRUE(adapter.post(targets[0]));
    EXPECT_EQ(adapter.wait(0, 4, [&](const event&) { EXPECT_TRUE(adapter.post(targets[1])); }), 1);
    EXPECT_EQ(collect(), 1);
    EXPECT_EQ(seen, (std::vector{&targets[1]}));
}

TEST_F(NullAdapter, RefusesToPostMoreThanItCanHold) {
    for (int at = 0; at < 8; ++at) {
        EXPECT_TRUE(adapter.post(targets[0]));
    }
    EXPECT_FALSE(adapter.post(targets[0]));
    EXPECT_EQ(collect(), 4);
    EXPECT_EQ(collect(), 4);
    EXPECT_TRUE(adapter.post(targets[0]));
}

TEST_F(NullAdapter, WaitingForEverForNothingIsAnError) {
    EXPECT_EQ(adapter.wait(wait_forever, 4, [](const event&) {}), -EDEADLK);
    EXPECT_EQ(adapter.wait(1'000'000, 4, [](const event&) {}), 0);
}

TEST_F(NullAdapter, RefusesWhatOthersRefuse) {
    watch fourth;
    watch fifth;
    EXPECT_EQ(adapter.add(targets[0]), -EEXIST);
    EXPECT_EQ(adapter.add(fourth), 0);
    EXPECT_EQ(adapter.add(fifth), -ENOSPC);
    EXPECT_EQ(adapter.remove(fifth), -ENOENT);
    EXPECT_EQ(adapter.modify(fifth), -ENOENT);
    EXPECT_EQ(adapter.modify(fourth), 0);
}

}  // namespace
}  // namespace kevbench::adapter
