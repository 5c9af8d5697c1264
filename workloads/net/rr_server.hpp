// SPDX-License-Identifier: MIT
//
// The server of tcp_rr: answers every request of a fixed size with a reply of a fixed size, one
// send each, on any mechanism.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "engine/buffers.hpp"
#include "engine/companion.hpp"
#include "engine/consumer.hpp"
#include "engine/flow.hpp"
#include "engine/source.hpp"
#include "engine/watch_table.hpp"
#include "engine/watchdog.hpp"
#include "kevbench/workload/cell.hpp"
#include "net/rr_client.hpp"

namespace kevbench::workload::net {

/// Made, used and destroyed by one thread.
template <class A, class Policy>
class rr_server : public consumer<rr_server<A, Policy>, Policy> {
  public:
    /// Watches the watched ends of `channels`, which outlive it.
    rr_server(const rr_plan& plan, const channel_set& channels,
              const typename A::variant_type& variant)
        : buffers(default_buffer_count(plan.connections, plan.batch),
                  default_buffer_size(plan.request)),
          mechanism(variant),
          counter(plan.request),
          batch(plan.batch) {
        adapter::config settings;
        settings.max_watches = plan.connections;
        settings.max_batch = plan.batch;
        settings.buffers = buffers.set();
        open_adapter(mechanism, settings);
        connections_.reserve(plan.connections);
        stalled_.reserve(plan.connections);
        retried_.reserve(plan.connections);
        for (std::uint32_t at = 0; at < plan.connections; ++at) {
            connection& each = connections_.emplace_back(plan.response);
            each.fd = channels.watched(at);
            each.socket = true;
            each.interest = adapter::bits::readable;
            require_registered(mechanism.add(each), mechanism.describe(), each.fd);
        }
        require_registered(mechanism.flush(), mechanism.describe(), -1);
    }
    rr_server(const rr_server&) = delete;
    rr_server& operator=(const rr_server&) = delete;
    ~rr_server() { mechanism.close(); }

    void begin_run() noexcept {
        counter.begin_run();
        work = tally{};
        for (std::size_t at = 0; at < connections_.size(); ++at) {
            connections_[at].number = at;
        }
    }

    void on_data(adapter::watch& target, const std::byte* data, std::size_t size) noexcept {
        auto& from = static_cast<connection&>(target);
        const std::uint32_t requests = counter.take(from, data, size);
        if (requests == 1) [[likely]] {
            from.reply.stamp(from.number);
            from.number += connections_.size();
            send(from);
        } else if (requests != 0) {
            broken = true;  // the client never sends one before the last is answered
        }
    }
    void on_end(adapter::watch&, int) noexcept { broken = true; }
    void on_sent(adapter::watch& target, int result) noexcept {
        --unsent;
        check_sent(static_cast<connection&>(target), result);
    }

    [[nodiscard]] bool finished(std::uint64_t operations) const noexcept {
        return (counter.messages() >= operations && unsent == 0) || broken;
    }
    [[nodiscard]] std::int64_t timeout() const noexcept {
        return stalled_.empty() ? adapter::wait_forever : stall_pause;
    }
    /// Tries sends again that the mechanism had no room for.
    void retry_stalled() noexcept {
        if (stalled_.empty()) [[likely]] {
            return;
        }
        mechanism.flush();
        std::swap(stalled_, retried_);
        for (connection* const each : retried_) {
            --unsent;
            send(*each);
        }
        retried_.clear();
    }

    void report() noexcept {
        consumer<rr_server, Policy>::report(work);
        counter.report(work);
    }

    buffer_pool buffers;
    A mechanism;
    message_counter<true> counter;
    std::uint32_t batch;
    std::uint64_t unsent = 0;  // replies that are not with the kernel yet
    bool broken = false;
    tally work;

  private:
    static constexpr std::int64_t stall_pause = 1'000'000;  // ns

    struct connection : flow {
        explicit connection(std::uint32_t response) : reply(response) {}
        message reply;             // its own: a queued send may not change
        std::uint64_t number = 0;  // of the next reply
    };

    void send(connection& to) noexcept {
        const adapter::submission answer = mechanism.submit(
            {adapter::op_kind::send, &to, to.reply.mutable_data(), to.reply.size()});
        switch (answer.outcome) {
            case adapter::verdict::done:
                check_sent(to, answer.result);
                break;
            case adapter::verdict::queued:
                ++unsent;
                break;
            case adapter::verdict::full:
                ++unsent;
                stalled_.push_back(&to);
                break;
        }
    }
    /// A socket has room for a whole reply, since the one before was received whole.
    void check_sent(const connection& to, int result) noexcept {
        if (result != static_cast<int>(to.reply.size())) {
            broken = true;
        }
    }

    std::vector<connection> connections_;  // never resized: adapters hold addresses
    std::vector<connection*> stalled_;     // replies that the mechanism had no room for
    std::vector<connection*> retried_;     // of retry_stalled()
};

/// Serves `operations` requests; runs on the thread that called run().
template <class A, class Policy>
[[gnu::noinline]] void kevbench_hot_rr_server(rr_server<A, Policy>& server, const companion& client,
                                              watchdog& guard, std::uint64_t operations) {
    while (!server.finished(operations)) {
        const int delivered = server.mechanism.wait(server.timeout(), server.batch, server);
        if (delivered > 0) [[likely]] {
            server.work.count_wait(static_cast<std::uint32_t>(delivered));
        } else {
            if (client.idle() && server.counter.messages() < operations) {
                server.broken = true;
            }
            guard.examine(delivered, server.counter.messages());
        }
        server.retry_stalled();
    }
}

}  // namespace kevbench::workload::net
