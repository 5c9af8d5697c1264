// SPDX-License-Identifier: MIT
//
// Registration and removal, above all at awkward moments.
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <deque>

#include "fixture.hpp"

namespace kevbench::adapter::conformance {
namespace {

/// Gives the descriptor number `number`, which must be free, to the near end of `link`'s twin.
void take_number(int number, int fd) {
    ASSERT_EQ(::dup2(fd, number), number);
}

TEST_P(ConformanceTest, RemovedWithAnEventPendingIsNotReported) {
    open();
    for (const source kind : every_source) {
        SCOPED_TRACE(name_of(kind));
        const channel link{kind};
        // On the heap and freed, so that a sanitizer sees any later use.
        auto target = std::make_unique<watch>(link.make_watch());
        ASSERT_EQ(adapter().add(*target), 0);
        link.fire();
        EXPECT_EQ(adapter().flush(), 0);
        EXPECT_EQ(adapter().remove(*target), 0);
        target.reset();
        deliveries.clear();
        settle();
        EXPECT_TRUE(deliveries.empty());
    }
}

TEST_P(ConformanceTest, RemovedInsideDeliveryIsNotReportedFromTheSameBatch) {
    open();
    constexpr std::size_t count = 8;
    std::deque<channel> links;
    std::array<std::unique_ptr<watch>, count> targets;
    for (auto& target : targets) {
        target = std::make_unique<watch>(links.emplace_back(source::unix_stream).make_watch());
        ASSERT_EQ(adapter().add(*target), 0);
        links.back().fire();
    }
    std::size_t delivered = 0;
    const auto remove_the_others = [&](const event& first) {
        ++delivered;
        for (auto& target : targets) {
            if (target && target.get() != first.target) {
                EXPECT_EQ(adapter().remove(*target), 0);
                target.reset();
            }
        }
    };
    ASSERT_TRUE(await([&] { return delivered != 0; }, remove_the_others));
    EXPECT_EQ(delivered, 1U);
}

TEST_P(ConformanceTest, EventsOfOtherWatchesSurviveARemovalInsideDelivery) {
    open();
    constexpr std::size_t count = 8;
    std::deque<channel> links;
    std::array<watch, count> targets;
    for (watch& target : targets) {
        target = links.emplace_back(source::unix_stream).make_watch();
        ASSERT_EQ(adapter().add(target), 0);
        links.back().fire();
    }
    // Each delivery removes its own watch, and the first one another as well.
    std::size_t delivered = 0;
    std::array<bool, count> gone{};
    const auto remove = [&](std::size_t at) {
        EXPECT_FALSE(gone[at]);
        gone[at] = true;
        EXPECT_EQ(adapter().remove(targets[at]), 0);
    };
    const auto sink = [&](const event& one) {
        const auto at = static_cast<std::size_t>(one.target - targets.data());
        remove(at);
        if (delivered++ == 0) {
            remove((at + 1) % count);
        }
    };
    EXPECT_TRUE(await([&] { return delivered == count - 1; }, sink, 3));
}

TEST_P(ConformanceTest, RegisteringAgainInsideDelivery) {
    open();
    const channel link{source::unix_stream};
    watch target = link.make_watch();
    ASSERT_EQ(adapter().add(target), 0);
    for (int round = 0; round < 3; ++round) {
        link.fire();
        bool seen = false;
        std::string received;
        const auto again = [&](const event& delivered) {
            if (!seen) {
                seen = true;
                if (!completes()) {
                    std::array<std::byte, 16> block{};
                    EXPECT_EQ(
                        adapter().submit({op_kind::receive, &target, block.data(), 16}).result, 1);
                }
                EXPECT_EQ(delivered.target, &target);
                EXPECT_EQ(adapter().remove(target), 0);
                EXPECT_EQ(adapter().add(target), 0);
            }
        };
        EXPECT_TRUE(await([&] { return seen; }, again));
    }
    deliveries.clear();
    settle();
    EXPECT_TRUE(deliveries.empty());
    EXPECT_EQ(adapter().remove(target), 0);
}

TEST_P(ConformanceTest, RegisteringOthersInsideDelivery) {
    open();
    const channel first{source::unix_stream};
    std::deque<channel> links;
    std::array<watch, 4> targets;
    watch trigger_watch = first.make_watch();
    ASSERT_EQ(adapter().add(trigger_watch), 0);
    first.fire();
    bool seen = false;
    std::string ignored;
    EXPECT_TRUE(await([&] { return seen; },
                      [&](const event& delivered) {
                          seen = true;
                          consume(delivered, ignored);
                          for (watch& target : targets) {
                              target = links.emplace_back(source::unix_stream).make_watch();
                              links.back().fire();
                              EXPECT_EQ(adapter().add(target), 0);
                          }
                      }));
    deliveries.clear();
    EXPECT_TRUE(await_deliveries(targets.size()));
    for (watch& target : targets) {
        EXPECT_EQ(adapter().remove(target), 0);
    }
    EXPECT_EQ(adapter().remove(trigger_watch), 0);
}

TEST_P(ConformanceTest, ReusedDescriptorNumberGetsNoStaleEvent) {
    open();
    channel old{source::unix_stream};
    watch before = old.make_watch();
    const int number = before.fd;
    ASSERT_EQ(adapter().add(before), 0);
    EXPECT_EQ(adapter().flush(), 0);
    old.fire();
    ASSERT_EQ(adapter().remove(before), 0);
    old.close_near();

    const channel fresh{source::unix_stream};
    if (fresh.near() != number) {
        take_number(number, fresh.near());
    }
    const detail::descriptor copy{fresh.near() != number ? number : -1};
    watch after{number, bits::readable, true};
    ASSERT_EQ(adapter().add(after), 0);
    settle();
    EXPECT_TRUE(deliveries.empty());
    fresh.fire();
    ASSERT_TRUE(await_deliveries(1));
    EXPECT_EQ(deliveries.front().target, &after);
    EXPECT_EQ(adapter().remove(after), 0);
}

TEST_P(ConformanceTest, DescriptorNumberReusedInsideDeliveryGetsNoStaleEvent) {
    open();
    std::deque<channel> links;
    std::array<watch, 2> targets;
    for (watch& target : targets) {
        target = links.emplace_back(source::unix_stream).make_watch();
        ASSERT_EQ(adapter().add(target), 0);
        links.back().fire();
    }
    const channel fresh{source::unix_stream};
    watch after{};
    bool replaced = false;
    std::string ignored;
    const auto replace_other = [&](const event& first) {
        if (replaced) {
            ADD_FAILURE() << "an event of a removed watch";
            return;
        }
        replaced = true;
        consume(first, ignored);
        const auto other = static_cast<std::size_t>(first.target == targets.data() ? 1 : 0);
        const int number = targets[other].fd;
        EXPECT_EQ(adapter().remove(targets[other]), 0);
        links[other].close_near();
        take_number(number, fresh.near());
        after = {number, bits::readable, true};
        EXPECT_EQ(adapter().add(after), 0);
        targets[other].fd = -1;
    };
    EXPECT_TRUE(await([&] { return replaced; }, replace_other));
    const detail::descriptor copy{after.fd};
    settle();
    EXPECT_EQ(deliveries_to(after), 0U);
    fresh.fire();
    deliveries.clear();
    ASSERT_TRUE(await_deliveries(1));
    EXPECT_EQ(deliveries.front().target, &after);
    EXPECT_EQ(adapter().remove(after), 0);
}

TEST_P(ConformanceTest, CloseAfterRemoveReachesThePeer) {
    open();
    channel link{source::tcp};
    watch target = link.make_watch();
    ASSERT_EQ(adapter().add(target), 0);
    ASSERT_EQ(adapter().flush(), 0);
    ASSERT_EQ(adapter().remove(target), 0);
    link.close_near();
    EXPECT_EQ(adapter().flush(), 0);
    pollfd peer{link.far(), POLLIN, 0};
    ASSERT_EQ(::poll(&peer, 1, static_cast<int>(patience.count()) * 1000), 1);
    char byte = 0;
    EXPECT_EQ(::read(link.far(), &byte, 1), 0);
}

TEST_P(ConformanceTest, CloseRemovesEverything) {
    open();
    channel link{source::tcp};
    watch target = link.make_watch();
    ASSERT_EQ(adapter().add(target), 0);
    ASSERT_EQ(adapter().flush(), 0);
    adapter().close();
    adapter().close();
    link.close_near();
    pollfd peer{link.far(), POLLIN, 0};
    ASSERT_EQ(::poll(&peer, 1, static_cast<int>(patience.count()) * 1000), 1);
    char byte = 0;
    EXPECT_EQ(::read(link.far(), &byte, 1), 0);
}

TEST_P(ConformanceTest, RefusesToWatchTwice) {
    open();
    const channel link{source::unix_stream};
    watch target = link.make_watch();
    watch twin = link.make_watch();
    ASSERT_EQ(adapter().add(target), 0);
    EXPECT_EQ(adapter().add(target), -EEXIST);
    EXPECT_EQ(adapter().add(twin), -EEXIST);
    EXPECT_EQ(adapter().remove(target), 0);
    EXPECT_EQ(adapter().add(twin), 0);
    EXPECT_EQ(adapter().remove(twin), 0);
}

TEST_P(ConformanceTest, UnknownWatchesAreRefused) {
    open();
    const channel link{source::unix_stream};
    watch target = link.make_watch();
    EXPECT_EQ(adapter().remove(target), -ENOENT);
    if (has(caps::modify)) {
        EXPECT_EQ(adapter().modify(target), -ENOENT);
    }
    ASSERT_EQ(adapter().add(target), 0);
    EXPECT_EQ(adapter().remove(target), 0);
    EXPECT_EQ(adapter().remove(target), -ENOENT);
}

TEST_P(ConformanceTest, RefusesMoreWatchesThanConfigured) {
    config settings;
    settings.max_watches = 2;
    open(settings);
    std::deque<channel> links;
    std::array<watch, 3> targets;
    for (watch& target : targets) {
        target = links.emplace_back(source::eventfd).make_watch();
    }
    EXPECT_EQ(adapter().add(targets[0]), 0);
    EXPECT_EQ(adapter().add(targets[1]), 0);
    EXPECT_EQ(adapter().add(targets[2]), -ENOSPC);
    EXPECT_EQ(adapter().remove(targets[0]), 0);
    EXPECT_EQ(adapter().add(targets[2]), 0);
    links[2].fire();
    EXPECT_TRUE(await_deliveries(1));
}

TEST_P(ConformanceTest, BadDescriptorIsRefusedOrReportedOnce) {
    open();
    watch negative{-1, bits::readable, false};
    EXPECT_EQ(adapter().add(negative), -EBADF);

    int number = -1;
    {
        const channel closed{source::eventfd};
        number = closed.near();
    }
    watch target{number, bits::readable, false};
    const int status = adapter().add(target);
    if (status != 0) {
        EXPECT_EQ(status, -EBADF);
        return;
    }
    ASSERT_TRUE(await_deliveries(1));
    EXPECT_EQ(deliveries.front().bits, bits::broken);
    // Its number stays unused, else the next descriptor would be taken for it.
    const channel filler{source::eventfd};
    settle();
    EXPECT_EQ(deliveries_to(target), 1U);
    adapter().remove(target);
}

TEST_P(ConformanceTest, RegularFileIsRefusedOrAlwaysReady) {
    open();
    const detail::descriptor file{::open("/proc/self/exe", O_RDONLY | O_CLOEXEC)};
    ASSERT_TRUE(file.valid());
    watch target{file.get(), bits::readable, false};
    const int status = adapter().add(target);
    if (fixed().mechanism == "epoll" || (fixed().mechanism == "kevent" && !completes())) {
        if (has(caps::batched_control)) {
            ASSERT_EQ(status, 0);
            ASSERT_TRUE(await_deliveries(1));
            EXPECT_EQ(deliveries.front().bits, bits::broken);
            EXPECT_EQ(deliveries.front().result, -EPERM);
            EXPECT_EQ(adapter().remove(target), 0);
            return;
        }
        EXPECT_EQ(status, -EPERM);
        return;
    }
    ASSERT_EQ(status, 0);
    ASSERT_TRUE(await_deliveries(1));
    EXPECT_EQ(deliveries.front().target, &target);
    EXPECT_GE(deliveries.front().result, 0);
    EXPECT_EQ(adapter().remove(target), 0);
}

TEST_P(ConformanceTest, DescriptorLimitIsWhatTheTraitsSay) {
    open();
    const channel link{source::eventfd};
    rlimit limit{};
    ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &limit), 0);
    constexpr int high = 1500;
    if (limit.rlim_cur <= high) {
        limit.rlim_cur = std::min<rlim_t>(limit.rlim_max, high + 1);
        ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &limit), 0);
        ASSERT_GT(limit.rlim_cur, static_cast<rlim_t>(high)) << "raise the hard limit (ulimit -Hn)";
    }
    const detail::descriptor copy{::fcntl(link.near(), F_DUPFD_CLOEXEC, high)};
    ASSERT_TRUE(copy.valid());
    watch target{copy.get(), bits::readable, false};
    if (fixed().descriptor_limit != 0) {
        ASSERT_LE(fixed().descriptor_limit, static_cast<std::uint32_t>(high));
        EXPECT_EQ(adapter().add(target), -EMFILE);
        return;
    }
    ASSERT_EQ(adapter().add(target), 0);
    link.fire();
    EXPECT_TRUE(await_deliveries(1));
    EXPECT_EQ(adapter().remove(target), 0);
}

}  // namespace
}  // namespace kevbench::adapter::conformance
