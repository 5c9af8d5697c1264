// SPDX-License-Identifier: MIT
#include "engine/watchdog.hpp"

#include <errno.h>
#include <fmt/format.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <cstring>

#include "kevbench/workload/error.hpp"

namespace kevbench::workload {
namespace {

constexpr std::chrono::nanoseconds default_limit = std::chrono::seconds{10};
std::atomic<std::int64_t> stall_limit_ns{default_limit.count()};

extern "C" void do_nothing(int) {}

int install_handler() {
    // Counted from the top: runtimes take the first real-time signals.
    const int number = SIGRTMAX - 3;
    struct sigaction action {};
    action.sa_handler = do_nothing;
    action.sa_flags = SA_RESTART;
    sigemptyset(&action.sa_mask);
    if (::sigaction(number, &action, nullptr) != 0) {
        throw fault(fmt::format("installing the interrupt handler: {}", std::strerror(errno)));
    }
    return number;
}

std::int64_t monotonic_now() noexcept {
    timespec now{};
    ::clock_gettime(CLOCK_MONOTONIC, &now);
    return std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

timespec to_timespec(std::chrono::nanoseconds span) noexcept {
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(span);
    return {seconds.count(), (span - seconds).count()};
}

}  // namespace

void set_stall_limit(std::chrono::milliseconds limit) noexcept {
    stall_limit_ns.store(std::chrono::nanoseconds{limit}.count());
}

int interrupt_signal() {
    static const int number = install_handler();
    return number;
}

watchdog::watchdog() : limit_(stall_limit_ns.load()) {
    const int number = interrupt_signal();
    sigset_t wanted;
    sigemptyset(&wanted);
    sigaddset(&wanted, number);
    ::pthread_sigmask(SIG_UNBLOCK, &wanted, nullptr);

    sigevent to_this_thread{};
    to_this_thread.sigev_notify = SIGEV_THREAD_ID;
    to_this_thread.sigev_signo = number;
    to_this_thread._sigev_un._tid = ::gettid();  // glibc 2.36 has no other name for the field
    if (::timer_create(CLOCK_MONOTONIC, &to_this_thread, &timer_) != 0) {
        throw fault(fmt::format("making the watchdog's timer: {}", std::strerror(errno)));
    }
    const timespec period = to_timespec(limit_ / 2);
    const itimerspec schedule{period, period};
    if (::timer_settime(timer_, 0, &schedule, nullptr) != 0) {
        const int code = errno;
        ::timer_delete(timer_);
        throw fault(fmt::format("starting the watchdog's timer: {}", std::strerror(code)));
    }
}

watchdog::~watchdog() {
    ::timer_delete(timer_);
}

void watchdog::restart() noexcept {
    since_ = 0;
}

void watchdog::examine(int result, std::uint64_t progress) {
    if (result < 0 && result != -EINTR) {
        throw fault(fmt::format("waiting failed: {}", std::strerror(-result)));
    }
    examine_progress(progress);
}

void watchdog::examine_progress(std::uint64_t progress) {
    const std::int64_t now = monotonic_now();
    if (since_ == 0 || progress != progress_) {
        since_ = now;
        progress_ = progress;
        return;
    }
    if (now - since_ >= limit_.count()) {
        throw fault(fmt::format(
            "nothing arrived for {} ms after {} messages of this run: an event was lost, so the "
            "run is void",
            std::chrono::duration_cast<std::chrono::milliseconds>(limit_).count(), progress));
    }
}

}  // namespace kevbench::workload
