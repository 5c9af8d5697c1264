// SPDX-License-Identifier: MIT
#include "engine/signals.hpp"

#include <errno.h>
#include <fmt/format.h>
#include <unistd.h>

#include "kevbench/workload/error.hpp"

namespace kevbench::workload {
namespace {

sigset_t only(int number) noexcept {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, number);
    return set;
}

}  // namespace

int realtime_signal() noexcept {
    // Counted from the top, as the watchdog's is.
    return SIGRTMAX - 4;
}

signal_claim::signal_claim(int number, signal_fate fate, void (*handler)(int, siginfo_t*, void*),
                           bool masked)
    : number_(number) {
    struct sigaction action {};
    sigemptyset(&action.sa_mask);
    if (fate == signal_fate::handled) {
        action.sa_flags = SA_SIGINFO;
        action.sa_sigaction = handler;
    } else {
        action.sa_handler = fate == signal_fate::ignored ? SIG_IGN : SIG_DFL;
    }
    const sigset_t mine = only(number);
    const bool block = fate == signal_fate::blocked || masked;
    // Blocked first: it must not arrive between the two.
    if (::pthread_sigmask(SIG_BLOCK, &mine, &former_mask_) != 0 ||
        ::sigaction(number, &action, &former_action_) != 0) {
        throw fault(fmt::format("claiming signal {}: {}", number, std::strerror(errno)));
    }
    sigdelset(&former_mask_, number);
    if (!block) {
        ::pthread_sigmask(SIG_UNBLOCK, &mine, nullptr);
    }
}

signal_claim::~signal_claim() {
    struct sigaction ignore {};
    ignore.sa_handler = SIG_IGN;
    ::sigaction(number_, &ignore, nullptr);  // forgets what is pending
    ::pthread_sigmask(SIG_SETMASK, &former_mask_, nullptr);
    ::sigaction(number_, &former_action_, nullptr);
}

descriptor signal_claim::open_signalfd() const {
    const sigset_t mine = only(number_);
    descriptor made{::signalfd(-1, &mine, SFD_NONBLOCK | SFD_CLOEXEC)};
    if (!made.valid()) {
        throw fault(fmt::format("creating a signalfd: {}", std::strerror(errno)));
    }
    return made;
}

bool send_signal(int number, int value) noexcept {
    if (number < SIGRTMIN) {
        return ::kill(::getpid(), number) == 0;
    }
    sigval with{};
    with.sival_int = value;
    return ::sigqueue(::getpid(), number, with) == 0;
}

}  // namespace kevbench::workload
