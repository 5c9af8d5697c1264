// SPDX-License-Identifier: MIT
//
// Signals, POSIX timers and changes of folders as native sources, on every variant that has them.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <string>

#include "kevbench/adapter/detail/descriptor.hpp"
#include "native_fixture.hpp"

namespace kevbench::adapter {
namespace {

constexpr auto has_posix_timers = []<class A>() { return posix_timer_source<A>; };
constexpr auto has_signals = []<class A>() { return signal_source<A>; };
constexpr auto has_changes = []<class A>() { return change_source<A>; };

class NativeProcessSources : public testing::TestWithParam<listing> {};

/// Signals of this number do nothing while it lives.
struct ignored_signal {
    explicit ignored_signal(int which) : number(which) {
        struct sigaction ignore {};
        ignore.sa_handler = SIG_IGN;
        ::sigaction(number, &ignore, &former);
    }
    ~ignored_signal() { ::sigaction(number, &former, nullptr); }
    ignored_signal(const ignored_signal&) = delete;
    ignored_signal& operator=(const ignored_signal&) = delete;
    int number;
    struct sigaction former {};
};

bool send_value(int number, int value) {
    sigval with{};
    with.sival_int = value;
    return ::sigqueue(::getpid(), number, with) == 0;
}

TEST_P(NativeProcessSources, RealTimeSignalsKeepTheirNumberAndOrder) {
    with_adapter(GetParam(), has_signals, [](auto& adapter) {
        const ignored_signal quiet{SIGRTMIN + 5};
        watch target;
        ASSERT_EQ(adapter.add_signal(target, quiet.number, signal_delivery::event_only), 0);
        ASSERT_EQ(adapter.flush(), 0);
        for (int value = 0; value < 10; ++value) {
            ASSERT_TRUE(send_value(quiet.number, value));
        }
        const auto seen = collect(adapter, [](const auto& all) { return all.size() == 10; });
        for (int value = 0; value < 10; ++value) {
            EXPECT_EQ(seen[static_cast<std::size_t>(value)].result, value);
        }
        EXPECT_EQ(adapter.remove(target), 0);
        ASSERT_TRUE(send_value(quiet.number, 11));
        EXPECT_EQ(take_nothing(adapter), 0);
    });
}

TEST_P(NativeProcessSources, SignalsThatCannotBeTakenAreRefused) {
    with_adapter(GetParam(), has_signals, [](auto& adapter) {
        watch target;
        for (const int number : {0, -1, SIGKILL, SIGSTOP}) {
            EXPECT_EQ(adapter.add_signal(target, number, signal_delivery::event_only), -EINVAL);
        }
    });
}

volatile std::sig_atomic_t handler_runs = 0;

TEST_P(NativeProcessSources, TheHandlerRunsBesidesTheEventOnlyIfAskedTo) {
    with_adapter(GetParam(), has_signals, [](auto& adapter) {
        struct sigaction count {};
        struct sigaction former {};
        count.sa_handler = [](int) { handler_runs = handler_runs + 1; };
        ASSERT_EQ(::sigaction(SIGUSR2, &count, &former), 0);
        handler_runs = 0;
        watch target;
        ASSERT_EQ(adapter.add_signal(target, SIGUSR2, signal_delivery::event_only), 0);
        ASSERT_EQ(adapter.flush(), 0);
        ASSERT_EQ(::kill(::getpid(), SIGUSR2), 0);
        collect(adapter, [](const auto& all) { return all.size() == 1; });
        EXPECT_EQ(handler_runs, 0);
        ASSERT_EQ(adapter.remove(target), 0);
        ASSERT_EQ(adapter.add_signal(target, SIGUSR2, signal_delivery::and_handler), 0);
        ASSERT_EQ(adapter.flush(), 0);
        ASSERT_EQ(::kill(::getpid(), SIGUSR2), 0);
        EXPECT_EQ(collect(adapter, [](const auto& all) { return all.size() == 1; }).front().result,
                  0);
        EXPECT_EQ(handler_runs, 1);
        ASSERT_EQ(adapter.remove(target), 0);
        ::sigaction(SIGUSR2, &former, nullptr);
    });
}

TEST_P(NativeProcessSources, PosixTimerIsReportedWithItsExpirations) {
    with_adapter(GetParam(), has_posix_timers, [](auto& adapter) {
        const ignored_signal quiet{SIGRTMIN + 6};
        sigevent how{};
        how.sigev_notify = SIGEV_SIGNAL;
        how.sigev_signo = quiet.number;
        int timer = -1;
        ASSERT_EQ(::syscall(SYS_timer_create, CLOCK_MONOTONIC, &how, &timer), 0);
        watch target;
        ASSERT_EQ(adapter.add_posix_timer(target, timer, quiet.number), 0);
        ASSERT_EQ(adapter.flush(), 0);
        const itimerspec due{{0, 0}, {0, 1}};
        for (int round = 0; round < 3; ++round) {
            ASSERT_EQ(::syscall(SYS_timer_settime, timer, TIMER_ABSTIME, &due, nullptr), 0);
            EXPECT_EQ(sum(collect(adapter, [](const auto& all) { return all.size() == 1; })), 1U);
        }
        EXPECT_EQ(adapter.remove(target), 0);
        ::syscall(SYS_timer_delete, timer);
    });
}

TEST_P(NativeProcessSources, ChangesOfAFolderAreToldApart) {
    with_adapter(GetParam(), has_changes, [](auto& adapter) {
        std::string name = "/tmp/kevbench-native-XXXXXX";
        ASSERT_NE(::mkdtemp(name.data()), nullptr);
        const detail::descriptor folder{::open(name.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
        watch target;
        ASSERT_EQ(adapter.add_directory(target, folder.get(),
                                        changes::created | changes::removed | changes::modified),
                  0);
        ASSERT_EQ(adapter.flush(), 0);
        const auto once = [&adapter] {
            return collect(adapter, [](const auto& all) { return !all.empty(); }).front().result;
        };
        const detail::descriptor file{
            ::openat(folder.get(), "file", O_CREAT | O_WRONLY | O_CLOEXEC, S_IRUSR | S_IWUSR)};
        EXPECT_EQ(once(), static_cast<int>(changes::created));
        EXPECT_EQ(::write(file.get(), "x", 1), 1);
        EXPECT_EQ(once(), static_cast<int>(changes::modified));
        EXPECT_EQ(::unlinkat(folder.get(), "file", 0), 0);
        EXPECT_EQ(once() & static_cast<int>(changes::removed), static_cast<int>(changes::removed));
        EXPECT_EQ(adapter.remove(target), 0);
        ::rmdir(name.c_str());
    });
}

INSTANTIATE_TEST_SUITE_P(Variants, NativeProcessSources, testing::ValuesIn(variants_with_sources()),
                         variant_name);
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(NativeProcessSources);

}  // namespace
}  // namespace kevbench::adapter
