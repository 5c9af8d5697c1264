// SPDX-License-Identifier: MIT
#include "net/rr_client.hpp"

#include <errno.h>
#include <fmt/format.h>
#include <sys/prctl.h>

#include <algorithm>
#include <chrono>

#include "engine/watch_table.hpp"
#include "kevbench/workload/error.hpp"

namespace kevbench::workload::net {
namespace {

using engine = adapter::epoll_adapter<adapter::epoll_call::pwait2>;

/// Events one wait of the client delivers, at most; the same for every server.
constexpr std::uint32_t client_batch = 64;

const adapter::epoll_variant& engine_variant() {
    const adapter::epoll_variant& only = engine::variants().front();
    if (const adapter::availability state = engine::probe(only); !state.available) {
        throw not_available(fmt::format("the client needs epoll_pwait2: {}", state.reason));
    }
    return only;
}

}  // namespace

rr_client::rr_client(const rr_plan& plan, const channel_set& channels)
    : buffers(default_buffer_count(plan.connections, client_batch),
              default_buffer_size(plan.response)),
      mechanism(engine_variant()),
      plan_(plan),
      lines_(plan.connections),
      counter_(plan.response),
      request_(plan.request) {
    // The default of 50 us would be part of every open-loop send.
    ::prctl(PR_SET_TIMERSLACK, 1);
    adapter::config settings;
    settings.max_watches = plan.connections;
    settings.max_batch = client_batch;
    open_adapter(mechanism, settings);
    for (std::uint32_t at = 0; at < plan.connections; ++at) {
        line& each = lines_[at];
        each.fd = channels.far(at);
        each.socket = true;
        each.interest = adapter::bits::readable;
        require_registered(mechanism.add(each), mechanism.describe(), each.fd);
    }
}

void rr_client::run(std::uint64_t operations, observer* timing, const companion& host) {
    begin(operations, timing);
    if (plan_.open_loop()) {
        run_open(host);
        pace_ = judge_punctuality(intended_, lateness_);
    } else {
        run_closed(host);
    }
}

void rr_client::begin(std::uint64_t operations, observer* timing) {
    counter_.begin_run();
    operations_ = operations;
    timing_ = timing;
    broken_ = false;
    pace_.reset();
    for (std::size_t at = 0; at < lines_.size(); ++at) {
        line& each = lines_[at];
        each.next = at;
        each.due = 0;
        each.busy = false;
    }
    if (plan_.open_loop()) {
        intended_.resize(operations);
        lateness_.resize(operations);
        // Another plan each run, the same one for the n-th run of every mechanism.
        draw_arrivals(plan_.arrivals, plan_.rate, runs_++, intended_);
    }
}

void rr_client::run_closed(const companion& host) {
    const std::uint64_t first = std::min<std::uint64_t>(lines_.size(), operations_);
    for (std::uint64_t at = 0; at < first; ++at) {
        send_next(lines_[at]);
    }
    while (counter_.messages() < operations_) {
        wait(adapter::wait_forever, host);
    }
}

void rr_client::run_open(const companion& host) {
    start_ = now();
    std::uint64_t reached = 0;  // requests whose time has come
    while (counter_.messages() < operations_) {
        std::int64_t elapsed = now() - start_;
        for (; reached < operations_ && intended_[reached] <= elapsed; ++reached) {
            line& chosen = lines_[reached % lines_.size()];
            ++chosen.due;
            if (!chosen.busy) {
                send_next(chosen);
                elapsed = now() - start_;
            }
        }
        wait(reached < operations_ ? intended_[reached] - elapsed : adapter::wait_forever, host);
    }
}

void rr_client::wait(std::int64_t timeout, const companion& host) {
    if (!broken_) {
        const int delivered =
            mechanism.wait(std::max(timeout, adapter::wait_forever), client_batch, *this);
        if (delivered < 0 && (delivered != -EINTR || host.stopping())) {
            broken_ = true;
        }
    }
    if (broken_) {
        throw fault(
            "a request could not be sent whole, or its connection ended before the reply, so the "
            "run is void");
    }
}

void rr_client::send_next(line& free) noexcept {
    free.awaited = free.next;
    free.next += lines_.size();
    free.busy = true;
    request_.stamp(free.awaited);
    if (plan_.open_loop() || timing_ != nullptr) {
        free.sent_at = now();
    }
    if (plan_.open_loop()) {
        --free.due;
        const std::int64_t late = free.sent_at - start_ - intended_[free.awaited];
        lateness_[free.awaited] = late;
        if (timing_ != nullptr) {
            timing_->lateness(late);
        }
    }
    const adapter::submission sent =
        mechanism.submit({adapter::op_kind::send, &free, request_.mutable_data(), request_.size()});
    if (sent.result != static_cast<int>(request_.size())) {
        broken_ = true;
    }
}

void rr_client::on_data(adapter::watch& target, const std::byte* data, std::size_t size) noexcept {
    auto& from = static_cast<line&>(target);
    const std::uint32_t replies = counter_.take(from, data, size);
    if (replies == 0) {
        return;
    }
    if (replies != 1 || !from.busy) {
        broken_ = true;  // more replies than requests
        return;
    }
    replied(from);
}

void rr_client::replied(line& to) noexcept {
    to.busy = false;
    if (timing_ != nullptr) {
        const std::int64_t arrived = now();
        if (plan_.open_loop()) {
            timing_->latency(arrived - start_ - intended_[to.awaited]);
            timing_->uncorrected_latency(arrived - to.sent_at);
        } else {
            timing_->latency(arrived - to.sent_at);
        }
    }
    if (plan_.open_loop() ? to.due != 0 : to.next < operations_) {
        send_next(to);
    }
}

void rr_client::report(tally& work) noexcept {
    tally own;
    consumer<rr_client, read_once>::report(own);
    work.errors += own.errors;
    counter_.report(work);
}

std::int64_t rr_client::now() const noexcept {
    if (timing_ != nullptr) {
        return timing_->now();
    }
    // Pacing alone, when nothing is recorded; a closed loop has no use for a clock then.
    return std::chrono::duration_cast<std::chrono::nanoseconds>(
               std::chrono::steady_clock::now().time_since_epoch())
        .count();
}

}  // namespace kevbench::workload::net
