// SPDX-License-Identifier: MIT
//
// Several threads on one queue (sharing.hpp).
#include "kevbench/adapter/sharing.hpp"

#include <unistd.h>

#include <array>
#include <atomic>
#include <deque>
#include <thread>
#include <vector>

#include "fixture.hpp"

namespace kevbench::adapter::conformance {
namespace {

/// Threads that wait on one queue, each with an object of its own, the test's object excepted: it
/// registers and never waits while they do.
class crowd {
  public:
    static constexpr std::size_t size = 4;

    explicit crowd(subject& first, const traits& fixed) : fixed_(fixed) {
        first_ = &first;
        for (std::size_t at = 0; at < size; ++at) {
            member& made = members_.emplace_back();
            made.object = make_subject(fixed.mechanism, fixed.variant);
            config settings;
            settings.buffers = pool_.set();
            EXPECT_EQ(made.object->attach(first, settings), 0);
        }
        leave_ = quit_.make_watch();
        EXPECT_EQ(first.add(leave_), 0);
        EXPECT_EQ(first.flush(), 0);
    }
    crowd(const crowd&) = delete;
    crowd& operator=(const crowd&) = delete;
    ~crowd() { EXPECT_EQ(first_->remove(leave_), 0); }

    /// Lets all wait. `act` is called with each event but the one that ends them, on the thread
    /// that got it.
    void begin(const std::function<void(subject&, const event&)>& act) {
        for (member& each : members_) {
            each.thread = std::thread([this, &each, act] { serve(each, act); });
        }
    }

    /// True once all sleep in the kernel.
    [[nodiscard]] bool all_asleep() const {
        return reaches([this] {
            for (const member& each : members_) {
                const pid_t thread = each.id;
                if (thread == 0 || !is_blocked(thread)) {
                    return false;
                }
            }
            return true;
        });
    }

    /// Ends all threads, one event each.
    void end() {
        for (std::size_t gone = 0; gone < size; ++gone) {
            quit_.fire();
            EXPECT_TRUE(reaches([&] { return left_ > gone; })) << "an event woke nobody";
        }
        for (member& each : members_) {
            each.thread.join();
        }
    }

    /// Waits until `done`, with nothing but a look now and then; false when out of patience.
    template <class Done>
    static bool reaches(Done done) {
        const auto deadline = std::chrono::steady_clock::now() + patience;
        while (!done()) {
            if (std::chrono::steady_clock::now() > deadline) {
                return done();
            }
            std::this_thread::yield();
        }
        return true;
    }

    /// Reads once, which takes all there is, and arms a one-shot watch again. A thread that read on
    /// until there is no more would take what another is told of at that moment. Bytes.
    std::size_t consume(subject& object, const event& delivered) const {
        std::array<std::byte, 64> block{};
        const submission read =
            object.submit({op_kind::receive, delivered.target, block.data(), block.size()});
        if (fixed_.mode == trigger::one_shot) {
            EXPECT_EQ(object.modify(*delivered.target), 0);
        }
        return read.result > 0 ? static_cast<std::size_t>(read.result) : 0U;
    }

  private:
    struct member {
        std::unique_ptr<subject> object;
        std::thread thread;
        std::atomic<pid_t> id{0};
    };

    void serve(member& self, const std::function<void(subject&, const event&)>& act) {
        self.id = ::gettid();
        bool leaving = false;
        while (!leaving) {
            // The limit only ends a thread whose wake-up was lost.
            const int count = self.object->wait(
                2 * patience.count() * 1000 * millisecond, 1, [&](const event& delivered) {
                    if (delivered.target == &leave_) {
                        leaving = consume(*self.object, delivered) != 0;
                    } else {
                        act(*self.object, delivered);
                    }
                });
            EXPECT_EQ(count, 1) << "woken out of wait() without an event";
            leaving = leaving || count < 0;
        }
        ++left_;
    }

    subject* first_;
    const traits& fixed_;
    const buffer_pool pool_{4, 4096};
    const channel quit_{source::eventfd};
    watch leave_;
    std::deque<member> members_;  // addresses stay
    std::atomic<std::size_t> left_{0};
};

class SharingTest : public ConformanceTest {
  protected:
    void SetUp() override {
        ConformanceTest::SetUp();
        if (!IsSkipped() && !has(caps::shared)) {
            GTEST_SKIP() << fixed().mechanism << ' ' << why_not_shared(fixed());
        }
    }
    /// One event goes to one thread, whatever the others do.
    [[nodiscard]] bool reports_once() const { return fixed().mode != trigger::level; }
};

TEST_P(SharingTest, EachEventIsDeliveredOnceOverAllWhoShare) {
    open();
    for (const source kind : every_source) {
        SCOPED_TRACE(name_of(kind));
        constexpr std::size_t count = 8;
        constexpr std::size_t rounds = 25;
        std::deque<channel> links;
        std::deque<watch> watches;
        for (std::size_t at = 0; at < count; ++at) {
            watches.push_back(links.emplace_back(kind).make_watch());
            ASSERT_EQ(adapter().add(watches.back()), 0);
        }
        ASSERT_EQ(adapter().flush(), 0);
        crowd all{adapter(), fixed()};
        std::atomic<std::size_t> deliveries_seen{0};
        std::atomic<std::size_t> taken{0};
        all.begin([&](subject& object, const event& delivered) {
            ++deliveries_seen;
            taken += all.consume(object, delivered);
        });
        const std::size_t unit = kind == source::eventfd ? 8 : 1;
        for (std::size_t round = 1; round <= rounds; ++round) {
            for (const channel& link : links) {
                link.fire();
            }
            ASSERT_TRUE(crowd::reaches([&] { return taken == round * count * unit; }))
                << "an event was lost";
        }
        all.end();
        EXPECT_EQ(taken, rounds * count * unit);
        if (reports_once()) {
            EXPECT_EQ(deliveries_seen, rounds * count);
        } else {
            EXPECT_GE(deliveries_seen, rounds * count);
        }
        for (watch& each : watches) {
            EXPECT_EQ(adapter().remove(each), 0);
        }
    }
}

TEST_P(SharingTest, OneEventComesToOneOfTheSleepers) {
    open();
    const channel link{source::eventfd};
    watch target = link.make_watch();
    ASSERT_EQ(adapter().add(target), 0);
    ASSERT_EQ(adapter().flush(), 0);
    crowd all{adapter(), fixed()};
    std::atomic<std::size_t> deliveries_seen{0};
    std::atomic<std::size_t> useful{0};
    all.begin([&](subject& object, const event& delivered) {
        ++deliveries_seen;
        useful += all.consume(object, delivered) != 0 ? 1U : 0U;
    });
    constexpr std::size_t rounds = 20;
    for (std::size_t round = 1; round <= rounds; ++round) {
        ASSERT_TRUE(all.all_asleep());
        link.fire();
        ASSERT_TRUE(crowd::reaches([&] { return useful == round; }));
    }
    all.end();
    EXPECT_EQ(useful, rounds);
    if (reports_once()) {
        EXPECT_EQ(deliveries_seen, rounds) << "an event came to more than one thread";
    }
    EXPECT_EQ(adapter().remove(target), 0);
}

TEST_P(SharingTest, ClosingOneLeavesTheOthersWorking) {
    open();
    const channel link{source::unix_stream};
    watch target = link.make_watch();
    ASSERT_EQ(adapter().add(target), 0);
    ASSERT_EQ(adapter().flush(), 0);
    const buffer_pool pool{4, 4096};
    config settings;
    settings.buffers = pool.set();
    const auto second = make_subject(fixed().mechanism, fixed().variant);
    const auto third = make_subject(fixed().mechanism, fixed().variant);
    ASSERT_EQ(second->attach(adapter(), settings), 0);
    ASSERT_EQ(third->attach(adapter(), settings), 0);
    const auto reported_to = [&](subject& object) {
        link.fire();
        std::size_t seen = 0;
        EXPECT_EQ(object.wait(patience.count() * 1000 * millisecond, 4,
                              [&](const event& delivered) {
                                  EXPECT_EQ(delivered.target, &target);
                                  ++seen;
                              }),
                  1);
        std::array<std::byte, 64> block{};
        EXPECT_EQ(object.submit({op_kind::receive, &target, block.data(), block.size()}).result, 1);
        if (fixed().mode == trigger::one_shot) {
            EXPECT_EQ(object.modify(target), 0);
        }
        return seen == 1;
    };
    EXPECT_TRUE(reported_to(adapter()));
    EXPECT_TRUE(reported_to(*second));
    EXPECT_TRUE(reported_to(*third)) << "what one object armed again another must hear of";
    third->close();
    EXPECT_TRUE(reported_to(*second));
    adapter().close();
    EXPECT_TRUE(reported_to(*second)) << "the queue went with the first object";
    second->close();
}

TEST_P(SharingTest, AttachesOnlyOnce) {
    open();
    const auto second = make_subject(fixed().mechanism, fixed().variant);
    ASSERT_EQ(second->attach(adapter(), config{}), 0);
    EXPECT_EQ(second->attach(adapter(), config{}), -EINVAL);
    EXPECT_EQ(second->open(config{}), -EINVAL);
}

TEST_P(ConformanceTest, TellsWhetherItsQueueCanBeShared) {
    open();
    const auto second = make_subject(fixed().mechanism, fixed().variant);
    const buffer_pool pool{4, 4096};
    config settings;
    settings.buffers = pool.set();
    EXPECT_EQ(second->attach(adapter(), settings), has(caps::shared) ? 0 : -EOPNOTSUPP);
    EXPECT_TRUE(has(caps::shared) || !why_not_shared(fixed()).empty());
}

INSTANTIATE_TEST_SUITE_P(All, SharingTest, ::testing::ValuesIn(all_variants()), test_name);

}  // namespace
}  // namespace kevbench::adapter::conformance
