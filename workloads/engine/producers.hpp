// SPDX-License-Identifier: MIT
//
// Threads that post, each to an event of its own, and one thread that waits for all of them.
//
// A producer is at most `active` posts ahead of what has been taken from its event, so that nothing
// grows without bound; one that has to stop sleeps on a baton and is woken by the waiter.
#pragma once

#include <time.h>

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/baton.hpp"
#include "engine/companion.hpp"
#include "engine/user_sources.hpp"

namespace kevbench::workload {

/// The `threads` parameter.
[[nodiscard]] parameter threads_parameter(std::int64_t initial);

struct producer_plan {
    std::uint32_t threads = 1;
    timespec pause{};  ///< before each post
};

/// What a producer and the waiter share. `posted` is the producer's, the rest of both.
struct producer_account {
    std::atomic<std::uint64_t> taken{0};
    std::atomic<bool> asleep{false};
    baton room;
    std::uint64_t posted = 0;

    /// Sleeps until fewer than `window` posts are not taken. False when `host` is to stop.
    bool await_room(std::uint64_t window, const companion& host) noexcept;
    /// The waiter's side.
    void take(std::uint64_t posts) noexcept;
};

/// A producer's whole run; false when a post failed.
template <class A, way Way>
[[gnu::noinline]] bool kevbench_hot_producer(user_poster<A, Way>& poster, source_watch& target,
                                             int far, producer_account& account,
                                             const companion& host, const timespec& pause,
                                             std::uint64_t window, std::uint64_t posts) {
    const bool pauses = pause.tv_sec != 0 || pause.tv_nsec != 0;
    for (; posts != 0; --posts) {
        if (!account.await_room(window, host)) {
            return false;
        }
        if (pauses) {
            ::clock_nanosleep(CLOCK_MONOTONIC, 0, &pause, nullptr);
        }
        if (!poster.post(target, far)) [[unlikely]] {
            return false;
        }
        ++account.posted;
    }
    return true;
}

template <class A, class Policy, way Way>
class producers_cell final : public cell {
  public:
    producers_cell(user_plan plan, producer_plan producers, const typename A::variant_type& variant,
                   std::string_view via)
        : plan_(std::move(plan)), producers_(producers), variant_(variant), via_(via) {}
    producers_cell(const producers_cell&) = delete;
    producers_cell& operator=(const producers_cell&) = delete;
    ~producers_cell() override { producers_cell::teardown(); }

    void setup() override {
        state_.emplace(plan_, variant_);
        state_->taken = [](void* with, std::size_t source, std::uint64_t posts) noexcept {
            static_cast<producers_cell*>(with)->crew_[source].account.take(posts);
        };
        state_->taken_with = this;
        for (std::uint32_t at = 0; at < producers_.threads; ++at) {
            member& made = crew_.emplace_back();
            made.thread.perform([this, &made] { made.poster.emplace(state_->mechanism); });
        }
    }

    void run(std::uint64_t operations, observer* /*timing*/, tally& work) override {
        state_->begin_run(nullptr);
        const std::uint64_t share = operations / producers_.threads;
        std::uint64_t further = operations % producers_.threads;
        for (std::size_t at = 0; at < crew_.size(); ++at) {
            const std::uint64_t posts = share + (further != 0 ? 1 : 0);
            further -= further != 0 ? 1 : 0;
            crew_[at].thread.begin([this, at, posts] { produce(at, posts); });
        }
        try {
            kevbench_hot_arrivals(*state_, operations);
        } catch (...) {
            stop();
            throw;
        }
        for (member& each : crew_) {
            each.thread.finish();
        }
        state_->conclude(operations);
        state_->report(state_->work);
        work += state_->work;
        if (state_->broken) {
            throw fault("an event could not be received, so the run is void");
        }
        require_messages(state_->accounted, operations);
    }

    void teardown() override {
        stop();
        for (member& each : crew_) {
            each.thread.perform([&each] { each.poster.reset(); });
        }
        crew_.clear();
        state_.reset();
    }
    [[nodiscard]] std::string_view via() const override { return via_; }

  private:
    struct member {
        producer_account account;
        std::optional<user_poster<A, Way>> poster;  // made and destroyed on the thread
        companion thread;
    };

    void produce(std::size_t at, std::uint64_t posts) {
        member& self = crew_[at];
        source_watch& target = state_->watches[at];
        if (!kevbench_hot_producer(*self.poster, target, state_->far(target), self.account,
                                   self.thread, producers_.pause, plan_.active, posts) &&
            !self.thread.stopping()) {
            throw fault("a post failed, so the run is void");
        }
    }
    void stop() noexcept {
        for (member& each : crew_) {
            each.thread.stop();
        }
    }

    user_plan plan_;
    producer_plan producers_;
    typename A::variant_type variant_;
    std::optional<user_state<A, Policy, Way>> state_;
    std::deque<member> crew_;
    std::string_view via_;
};

}  // namespace kevbench::workload
