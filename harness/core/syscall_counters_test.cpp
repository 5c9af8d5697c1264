// SPDX-License-Identifier: MIT
#include "kevbench/harness/syscall_counters.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <barrier>
#include <thread>

#include "kevbench/harness/tracefs.hpp"
#include "kevbench/harness/unique_fd.hpp"

namespace kevbench::harness {
namespace {

using testing::Pair;
using testing::UnorderedElementsAre;

constexpr int calls = 1000;

void enter_kernel(int times) {
    for (int i = 0; i < times; ++i) ::syscall(SYS_getppid);
}

class SyscallCounters : public testing::Test {
  protected:
    void SetUp() override {
        if (const syscall_counters probe; !probe.present()) GTEST_SKIP() << probe.reason();
    }
};

TEST_F(SyscallCounters, AreExactToTheLastCall) {
    syscall_counters counters;
    counters.start();
    enter_kernel(calls);
    counters.stop();
    EXPECT_THAT(counters.counts(),
                UnorderedElementsAre(Pair("other", calls), Pair("total", calls)));
}

TEST_F(SyscallCounters, AreZeroAfterNothing) {
    syscall_counters counters;
    counters.start();
    counters.stop();
    EXPECT_THAT(counters.counts(), UnorderedElementsAre(Pair("total", 0)));
}

TEST_F(SyscallCounters, SeparateTheCallsOfEventMechanisms) {
    syscall_counters counters;
    const unique_fd set{::epoll_create1(EPOLL_CLOEXEC)};
    const unique_fd source{::eventfd(0, EFD_CLOEXEC)};
    epoll_event event{EPOLLIN, {}};
    counters.start();
    ::epoll_ctl(set.get(), EPOLL_CTL_ADD, source.get(), &event);
    for (int i = 0; i < calls; ++i) {
        std::uint64_t value = 1;
        ASSERT_EQ(::write(source.get(), &value, sizeof value), 8);
        ASSERT_EQ(::epoll_wait(set.get(), &event, 1, -1), 1);
        ASSERT_EQ(::read(source.get(), &value, sizeof value), 8);
    }
    counters.stop();
    const auto counted = counters.counts();
    EXPECT_EQ(counted.at("write"), calls);
    EXPECT_EQ(counted.at("read"), calls);
    EXPECT_EQ(counted.at("epoll_ctl"), 1);
#ifdef KVB_THREAD_SANITIZER
    EXPECT_GE(counted.at("total"),
              3 * calls + 1);  // the sanitizer's runtime makes calls of its own
#else
    EXPECT_EQ(counted.at("total"), 3 * calls + 1);
#endif
    // The C library may use either call for epoll_wait().
    EXPECT_EQ(counted.contains("epoll_wait") ? counted.at("epoll_wait") : counted.at("epoll_pwait"),
              calls);
}

TEST_F(SyscallCounters, StartAgainFromZero) {
    syscall_counters counters;
    for (int round = 0; round < 3; ++round) {
        counters.start();
        enter_kernel(calls);
        counters.stop();
        EXPECT_EQ(counters.counts().at("total"), calls);
    }
}

TEST_F(SyscallCounters, CountThreadsThatExistAndThreadsThatAreMadeLater) {
    std::barrier stage{2};
    std::thread earlier{[&stage] {
        stage.arrive_and_wait();
        stage.arrive_and_wait();
        enter_kernel(calls);
    }};
    stage.arrive_and_wait();
    syscall_counters counters;
    counters.start();
    stage.arrive_and_wait();
    std::thread later{enter_kernel, calls};
    earlier.join();
    later.join();
    counters.stop();
    // Starting and joining threads takes some calls of its own.
    EXPECT_GE(counters.counts().at("other"), 2 * calls);
    EXPECT_LT(counters.counts().at("other"), 2 * calls + 100);
}

TEST_F(SyscallCounters, LeaveOutTheThreadThatIsNamed) {
    std::barrier stage{2};
    pid_t other = 0;
    std::thread left_out{[&] {
        other = ::gettid();
        stage.arrive_and_wait();
        stage.arrive_and_wait();
        enter_kernel(calls);
    }};
    stage.arrive_and_wait();
    syscall_counters counters{other};
    counters.start();
    stage.arrive_and_wait();
    left_out.join();
    counters.stop();
    EXPECT_LT(counters.counts().at("total"), calls);
}

TEST(FindTracepoint, MountsTracefsOutOfSightWhereItIsNotMounted) {
    const auto mounted = find_tracepoint("raw_syscalls/sys_enter", tracefs_source::mounted);
    const auto detached = find_tracepoint("raw_syscalls/sys_enter", tracefs_source::detached);
    if (!detached.id) GTEST_SKIP() << detached.reason;
    EXPECT_TRUE(detached.reason.empty());
    if (mounted.id) {
        EXPECT_EQ(*mounted.id, *detached.id);
    }
}

TEST(FindTracepoint, SaysWhyThereIsNone) {
    const auto none = find_tracepoint("no/such_event");
    EXPECT_FALSE(none.id.has_value());
    EXPECT_THAT(none.reason, testing::HasSubstr("no/such_event"));
    EXPECT_THAT(none.reason, testing::Not(testing::HasSubstr("\n")));
}

}  // namespace
}  // namespace kevbench::harness
