// SPDX-License-Identifier: MIT
//
// Timeouts, signals and fork.
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <limits>
#include <thread>

#include "fixture.hpp"

namespace kevbench::adapter::conformance {
namespace {

constexpr int signal_number = SIGUSR1;

std::atomic<int> handled{0};

void count_signal(int) {
    handled.fetch_add(1);
}

/// Installs a counting handler, and puts the old disposition and mask back.
class signal_scope {
  public:
    signal_scope() {
        handled = 0;
        struct sigaction action {};
        action.sa_handler = count_signal;
        EXPECT_EQ(::sigaction(signal_number, &action, &old_action_), 0);
        EXPECT_EQ(::pthread_sigmask(SIG_SETMASK, nullptr, &old_mask_), 0);
    }
    signal_scope(const signal_scope&) = delete;
    signal_scope& operator=(const signal_scope&) = delete;
    ~signal_scope() {
        ::sigaction(signal_number, &old_action_, nullptr);
        ::pthread_sigmask(SIG_SETMASK, &old_mask_, nullptr);
    }

  private:
    struct sigaction old_action_ {};
    sigset_t old_mask_{};
};

/// Calls `act` each time the calling thread has been seen asleep, until destroyed.
class when_blocked {
  public:
    template <class Act>
    explicit when_blocked(Act act)
        : thread_([this, act, waiter = ::gettid()] {
              const auto deadline = std::chrono::steady_clock::now() + patience;
              while (!stop_ && std::chrono::steady_clock::now() < deadline) {
                  if (is_blocked(waiter)) {
                      act();
                  }
                  std::this_thread::yield();
              }
          }) {}
    when_blocked(const when_blocked&) = delete;
    when_blocked& operator=(const when_blocked&) = delete;
    ~when_blocked() {
        stop_ = true;
        thread_.join();
    }

  private:
    std::atomic<bool> stop_{false};
    std::thread thread_;
};

TEST_P(ConformanceTest, ZeroTimeoutWithNothingReadyReturnsZero) {
    open();
    const channel link{source::unix_stream};
    watch target = link.make_watch();
    ASSERT_EQ(adapter().add(target), 0);
    EXPECT_EQ(collect(0), 0);
    EXPECT_EQ(collect(0), 0);
    EXPECT_EQ(adapter().remove(target), 0);
}

TEST_P(ConformanceTest, TimeoutsAreNeverShort) {
    open();
    const channel link{source::unix_stream};
    watch target = link.make_watch();
    ASSERT_EQ(adapter().add(target), 0);
    for (const std::int64_t timeout :
         {std::int64_t{1}, std::int64_t{1'500'000}, 12 * millisecond}) {
        const auto start = std::chrono::steady_clock::now();
        EXPECT_EQ(collect(timeout), 0);
        EXPECT_GE((std::chrono::steady_clock::now() - start).count(), timeout);
    }
    EXPECT_EQ(adapter().remove(target), 0);
}

TEST_P(ConformanceTest, LongestTimeoutsDoNotOverflow) {
    open();
    const channel link{source::eventfd};
    watch target = link.make_watch();
    ASSERT_EQ(adapter().add(target), 0);
    ASSERT_EQ(adapter().flush(), 0);
    constexpr std::int64_t longest = std::numeric_limits<std::int64_t>::max();
    for (const std::int64_t timeout : {longest, longest - 1, longest / 2, wait_forever}) {
        SCOPED_TRACE(timeout);
        const when_blocked help{[&] { link.fire(); }};
        std::string ignored;
        EXPECT_EQ(adapter().wait(timeout, 1,
                                 [&](const event& delivered) { consume(delivered, ignored); }),
                  1);
    }
    EXPECT_EQ(adapter().remove(target), 0);
}

TEST_P(ConformanceTest, SignalEndsAWait) {
    const signal_scope scope;
    open();
    const channel link{source::unix_stream};
    watch target = link.make_watch();
    for (const bool submitted : {false, true}) {
        for (const std::int64_t timeout : {wait_forever, patience.count() * 1000 * millisecond}) {
            SCOPED_TRACE(timeout);
            ASSERT_EQ(adapter().add(target), 0);
            if (submitted) {
                ASSERT_EQ(adapter().flush(), 0);
            }
            const when_blocked help{
                [waiter = ::pthread_self()] { ::pthread_kill(waiter, signal_number); }};
            EXPECT_EQ(collect(timeout), -EINTR);
            EXPECT_EQ(adapter().remove(target), 0);
        }
    }
    EXPECT_GE(handled.load(), 4);
}

TEST_P(ConformanceTest, WaitMaskIsAppliedAtomically) {
    const signal_scope scope;
    sigset_t only{};
    sigset_t during{};
    sigemptyset(&only);
    sigaddset(&only, signal_number);
    ASSERT_EQ(::pthread_sigmask(SIG_BLOCK, &only, &during), 0);
    sigdelset(&during, signal_number);

    config settings;
    settings.wait_mask = &during;
    if (!has(caps::sigmask)) {
        const buffer_pool pool{4, 4096};
        settings.buffers = pool.set();
        EXPECT_EQ(adapter().open(settings), -EINVAL);
        return;
    }
    open(settings);
    const channel link{source::unix_stream};
    watch target = link.make_watch();
    ASSERT_EQ(adapter().add(target), 0);
    // Pending already, so a mask changed before the call instead of with it would lose the wake-up.
    ASSERT_EQ(::pthread_kill(::pthread_self(), signal_number), 0);
    EXPECT_EQ(handled.load(), 0);
    EXPECT_EQ(collect(wait_forever), -EINTR);
    EXPECT_EQ(handled.load(), 1);
    sigset_t now{};
    ASSERT_EQ(::pthread_sigmask(SIG_SETMASK, nullptr, &now), 0);
    EXPECT_EQ(sigismember(&now, signal_number), 1) << "the thread's own mask was not put back";
    EXPECT_EQ(adapter().remove(target), 0);
}

TEST_P(ConformanceTest, ChildThatClosesLeavesTheParentWorking) {
    open();
    const channel idle{source::unix_stream};
    const channel link{source::unix_stream};
    watch first = idle.make_watch();
    watch target = link.make_watch();
    ASSERT_EQ(adapter().add(first), 0);
    ASSERT_EQ(adapter().flush(), 0);
    ASSERT_EQ(adapter().add(target), 0);  // still queued where control is batched
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
        adapter().close();
        ::_exit(0);
    }
    int status = -1;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
    std::string ignored;
    for (const channel* one : {&link, &idle, &link}) {
        one->fire();
        bool seen = false;
        EXPECT_TRUE(await([&] { return seen; },
                          [&](const event& delivered) {
                              EXPECT_EQ(delivered.target, one == &link ? &target : &first);
                              seen = true;
                              consume(delivered, ignored);
                          }));
    }
    EXPECT_EQ(ignored.size(), 3U);
    EXPECT_EQ(adapter().remove(target), 0);
    EXPECT_EQ(adapter().remove(first), 0);
}

TEST_P(ConformanceTest, ClosingOneAdapterLeavesAnotherWorking) {
    open();
    const auto second = make_subject(fixed().mechanism, fixed().variant);
    const buffer_pool pool{4, 4096};
    config settings;
    settings.buffers = pool.set();
    ASSERT_EQ(second->open(settings), 0);
    const channel one{source::unix_stream};
    const channel two{source::unix_stream};
    watch near = one.make_watch();
    watch other = two.make_watch();
    ASSERT_EQ(adapter().add(near), 0);
    ASSERT_EQ(second->add(other), 0);
    second->close();
    one.fire();
    EXPECT_TRUE(await_deliveries(1));
    EXPECT_EQ(adapter().remove(near), 0);
}

}  // namespace
}  // namespace kevbench::adapter::conformance
