// SPDX-License-Identifier: MIT
//
// More ready than fits: nothing lost, nothing out of turn, nobody starved.
#include <algorithm>
#include <deque>
#include <set>

#include "fixture.hpp"

namespace kevbench::adapter::conformance {
namespace {

/// Watches on channels of their own, all registered.
struct crowd {
    crowd(subject& adapter, source kind, std::size_t count) : targets(count) {
        for (watch& target : targets) {
            target = links.emplace_back(kind).make_watch();
            EXPECT_EQ(adapter.add(target), 0);
        }
    }
    std::size_t index(const watch* target) const {
        return static_cast<std::size_t>(target - targets.data());
    }
    std::deque<channel> links;
    std::vector<watch> targets;
};

TEST_P(ConformanceTest, ManyReadyAtOnceWithASmallBatch) {
    config settings;
    settings.max_watches = 64;
    open(settings);
    crowd all{adapter(), source::unix_stream, 64};
    for (const channel& link : all.links) {
        link.fire();
    }
    while (deliveries.size() < 64) {
        const std::size_t before = deliveries.size();
        ASSERT_TRUE(await_deliveries(before + 1, 3));
        ASSERT_LE(deliveries.size() - before, 3U);
    }
    // Unread all the while: level mode must still get to everyone before it repeats anyone.
    std::set<const watch*> first_round;
    for (std::size_t at = 0; at < 64; ++at) {
        EXPECT_TRUE(first_round.insert(deliveries[at].target).second) << "twice out of turn";
    }
}

TEST_P(ConformanceTest, ConfiguredBatchLimitsEveryWait) {
    config settings;
    settings.max_batch = 2;
    open(settings);
    crowd all{adapter(), source::unix_stream, 8};
    for (const channel& link : all.links) {
        link.fire();
    }
    for (int round = 0; round < 4; ++round) {
        const std::size_t before = deliveries.size();
        ASSERT_TRUE(await_deliveries(before + 1, 1000));
        EXPECT_LE(deliveries.size() - before, 2U);
    }
}

TEST_P(ConformanceTest, AlwaysReadyWatchDoesNotStarveOthers) {
    open();
    crowd all{adapter(), source::unix_stream, 9};
    const watch* const hot = all.targets.data();
    for (const channel& link : all.links) {
        link.fire();
    }
    std::set<const watch*> served;
    std::string ignored;
    std::size_t rounds = 0;
    const auto sink = [&](const event& delivered) {
        if (delivered.target != hot) {
            served.insert(delivered.target);
            consume(delivered, ignored);
            return;
        }
        // The hot one is ready again before the next wait.
        consume(delivered, ignored);
        all.links.front().fire();
        if (fixed().mode == trigger::level && !completes()) {
            all.links.front().fire();
        }
    };
    EXPECT_TRUE(await(
        [&] {
            ++rounds;
            return served.size() == 8;
        },
        sink, 1));
    EXPECT_LE(rounds, 64U) << "others had to wait out of proportion";
}

TEST_P(ConformanceTest, WatchesAboveEachOtherAreToldApart) {
    open();
    crowd all{adapter(), source::eventfd, 40};
    for (const std::size_t at : {std::size_t{39}, std::size_t{0}, std::size_t{17}}) {
        deliveries.clear();
        all.links[at].fire();
        ASSERT_TRUE(await_deliveries(1));
        EXPECT_EQ(all.index(deliveries.front().target), at);
        if (!completes()) {
            std::string ignored;
            consume({deliveries.front().target, deliveries.front().bits, 0, nullptr}, ignored);
        }
    }
}

TEST_P(ConformanceTest, MoreEventsThanRingEntriesLoseNothing) {
    config settings;
    settings.max_watches = 128;
    settings.max_batch = 16;
    settings.ring_entries = 4;
    open(settings);
    crowd all{adapter(), source::unix_stream, 100};
    std::vector<std::string> received(all.targets.size());
    for (std::size_t round = 1; round <= 3; ++round) {
        ASSERT_EQ(adapter().flush(), 0);
        for (const channel& link : all.links) {
            ASSERT_EQ(link.write("message"), 7U);
        }
        EXPECT_TRUE(await(
            [&] {
                return std::all_of(received.begin(), received.end(),
                                   [&](const std::string& one) { return one.size() == 7 * round; });
            },
            [&](const event& delivered) {
                consume(delivered, received[all.index(delivered.target)]);
            }));
    }
    EXPECT_EQ(error, 0);
}

}  // namespace
}  // namespace kevbench::adapter::conformance
