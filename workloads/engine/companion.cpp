// SPDX-License-Identifier: MIT
#include "engine/companion.hpp"

#include <signal.h>

#include <chrono>
#include <utility>

#include "engine/watchdog.hpp"

namespace kevbench::workload {

companion::companion() {
    // Before the thread exists, so that it cannot be interrupted by a signal without a handler.
    static_cast<void>(interrupt_signal());
    thread_ = std::thread([this] { serve(); });
}

companion::~companion() {
    stop();
    leaving_.store(true, std::memory_order_release);
    jobs_.advance();
    thread_.join();
}

void companion::begin(std::function<void()> job) {
    job_ = std::move(job);
    stopping_.store(false, std::memory_order_release);
    ++begun_;
    jobs_.advance();
}

void companion::finish() {
    while (!idle()) {
        static_cast<void>(done_.await(begun_ - 1));
    }
    if (failure_) {
        std::rethrow_exception(std::exchange(failure_, nullptr));
    }
}

void companion::perform(std::function<void()> job) {
    begin(std::move(job));
    finish();
}

void companion::stop() noexcept {
    stopping_.store(true, std::memory_order_release);
    // One signal is not enough: it may come just before the thread enters its wait.
    constexpr std::chrono::milliseconds patience{5};
    while (!idle()) {
        ::pthread_kill(thread_.native_handle(), interrupt_signal());
        static_cast<void>(done_.await_for(begun_ - 1, patience));
    }
    failure_ = nullptr;
}

void companion::serve() {
    for (std::uint32_t seen = 0;; ++seen) {
        while (!jobs_.await(seen)) {
        }
        if (leaving_.load(std::memory_order_acquire)) {
            return;
        }
        try {
            job_();
        } catch (...) {
            failure_ = std::current_exception();
        }
        done_.advance();
    }
}

}  // namespace kevbench::workload
