// SPDX-License-Identifier: MIT
#include "engine/timers.hpp"

#include <errno.h>
#include <fmt/format.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <utility>

#include "kevbench/workload/error.hpp"

namespace kevbench::workload {
namespace {

constexpr std::int64_t second = 1'000'000'000;

itimerspec to_itimerspec(const adapter::timer_plan& plan) noexcept {
    return {{plan.period / second, plan.period % second},
            {plan.first / second, plan.first % second}};
}

}  // namespace

descriptor make_timerfd() {
    descriptor made{::timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC)};
    if (!made.valid()) {
        throw fault(fmt::format("creating a timerfd: {}", std::strerror(errno)));
    }
    return made;
}

bool set_timerfd(int fd, const adapter::timer_plan& plan) noexcept {
    const itimerspec schedule = to_itimerspec(plan);
    return ::timerfd_settime(fd, TFD_TIMER_ABSTIME, &schedule, nullptr) == 0;
}

// The system calls themselves: what the C library calls a timer_t is not the kernel's number.
posix_timer::posix_timer(int signal, int value) {
    sigevent how{};
    how.sigev_notify = SIGEV_SIGNAL;
    how.sigev_signo = signal;
    how.sigev_value.sival_int = value;
    if (::syscall(SYS_timer_create, CLOCK_MONOTONIC, &how, &number_) != 0) {
        throw fault(fmt::format("creating a POSIX timer: {}", std::strerror(errno)));
    }
}

posix_timer::posix_timer(posix_timer&& other) noexcept
    : number_(std::exchange(other.number_, -1)) {}

posix_timer::~posix_timer() {
    if (number_ >= 0) {
        ::syscall(SYS_timer_delete, number_);
    }
}

bool posix_timer::set(const adapter::timer_plan& plan) noexcept {
    const itimerspec schedule = to_itimerspec(plan);
    return ::syscall(SYS_timer_settime, number_, TIMER_ABSTIME, &schedule, nullptr) == 0;
}

std::int64_t monotonic_nanoseconds() noexcept {
    timespec now{};
    ::clock_gettime(CLOCK_MONOTONIC, &now);
    return std::int64_t{now.tv_sec} * second + now.tv_nsec;
}

}  // namespace kevbench::workload
