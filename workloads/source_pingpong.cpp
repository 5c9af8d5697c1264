// SPDX-License-Identifier: MIT
//
// source_pingpong: two threads pass a message to and fro, each waiting through its own adapter. One
// operation is one round trip, that is two messages.
//
// Both directions are sent through the adapter: readiness adapters try at once, completion adapters
// queue the send. The next message is sent when the reply is complete and the adapter has given the
// send buffer back.
#include <errno.h>

#include <array>
#include <memory>
#include <optional>
#include <type_traits>

#include "engine/common_parameters.hpp"
#include "engine/companion.hpp"
#include "engine/dispatch.hpp"
#include "engine/entry.hpp"
#include "engine/placement.hpp"
#include "engine/watch_table.hpp"
#include "engine/watchdog.hpp"

namespace kevbench::workload {

/// The descriptors of one side: equal for a socket, two pipes or two eventfds otherwise.
struct pong_ends {
    int in;
    int out;
};

/// One side. Made, used and destroyed by one thread.
template <class A, class Policy>
class pong_side : public consumer<pong_side<A, Policy>, Policy> {
  public:
    pong_side(const table_plan& plan, pong_ends ends, const typename A::variant_type& variant,
              bool replying)
        : buffers(plan.buffers, default_buffer_size(plan.payload)),
          mechanism(variant),
          counter(plan.payload),
          contents{message{plan.payload}, message{plan.payload}},
          replies(replying) {
        adapter::config settings;
        settings.max_watches = 2;
        settings.max_batch = batch;
        settings.buffers = buffers.set();
        open_adapter(mechanism, settings);
        in.fd = ends.in;
        in.socket = is_socket(plan.source);
        in.pipe = plan.source == source_kind::pipe;
        in.interest = adapter::bits::readable;
        require_registered(mechanism.add(in), mechanism.describe(), in.fd);
        if (ends.out != ends.in) {
            // Registered, since completion adapters send by watch, but nothing is to be reported.
            out_apart.fd = ends.out;
            out_apart.socket = in.socket;
            out_apart.pipe = in.pipe;
            require_registered(mechanism.add(out_apart), mechanism.describe(), out_apart.fd);
            out = &out_apart;
        }
        require_registered(mechanism.flush(), mechanism.describe(), in.fd);
    }
    pong_side(const pong_side&) = delete;
    pong_side& operator=(const pong_side&) = delete;
    ~pong_side() { mechanism.close(); }

    void begin_run() noexcept {
        counter.begin_run();
        work = tally{};
    }

    void on_data(adapter::watch& target, const std::byte* data, std::size_t size) noexcept {
        if (counter.take(static_cast<flow&>(target), data, size) != 0 && replies) {
            send(counter.messages() - 1);
        }
    }
    void on_end(adapter::watch&, int) noexcept { broken = true; }
    void on_sent(adapter::watch&, int result) noexcept {
        --unsent;
        check_sent(result);
    }

    void send(std::uint64_t number) noexcept {
        message& content = contents[number % contents.size()];
        content.stamp(number);
        const adapter::submission answer =
            mechanism.submit({adapter::op_kind::send, out, content.mutable_data(), content.size()});
        if (answer.outcome == adapter::verdict::done) {
            check_sent(answer.result);
        } else if (answer.outcome == adapter::verdict::queued && ++unsent < contents.size()) {
            return;
        } else {
            broken = true;  // more under way than one message at a time can explain
        }
    }

    /// Waits once. False when interrupted or timed out.
    bool wait() {
        const int delivered = mechanism.wait(adapter::wait_forever, batch, *this);
        if (delivered > 0) [[likely]] {
            work.count_wait(static_cast<std::uint32_t>(delivered));
            return true;
        }
        interruption = delivered;
        return false;
    }

    void report() noexcept {
        consumer<pong_side, Policy>::report(work);
        counter.report(work);
    }

    static constexpr std::uint32_t batch = 4;  // a message and a finished send at most, on each end

    buffer_pool buffers;
    flow in;
    adapter::watch out_apart;
    adapter::watch* out = &in;
    A mechanism;
    message_counter<true> counter;
    std::array<message, 2> contents;  // one may still be in flight when the other is needed
    std::uint32_t unsent = 0;
    bool replies;
    bool broken = false;
    int interruption = 0;
    tally work;

  private:
    void check_sent(int result) noexcept {
        if (result != static_cast<int>(contents.front().size())) {
            broken = true;
        }
    }
};

/// The side that begins; runs on the thread that called run().
template <class A, class Policy>
[[gnu::noinline]] void kevbench_hot_pingpong_caller(pong_side<A, Policy>& side,
                                                    const companion& other, watchdog& guard,
                                                    std::uint64_t operations, observer* timing) {
    for (std::uint64_t done = 0; done < operations && !side.broken; ++done) {
        const std::int64_t start = timing != nullptr ? timing->now() : 0;
        side.send(done);
        while ((side.counter.messages() <= done || side.unsent != 0) && !side.broken) {
            if (!side.wait()) [[unlikely]] {
                if (other.idle() && side.counter.messages() + 1 < operations) {
                    side.broken = true;
                }
                guard.examine(side.interruption, side.counter.messages());
            }
        }
        if (timing != nullptr) {
            timing->latency(timing->now() - start);
        }
    }
}

/// The side that replies; runs on the companion.
template <class A, class Policy>
[[gnu::noinline]] void kevbench_hot_pingpong_reply(pong_side<A, Policy>& side,
                                                   const companion& host,
                                                   std::uint64_t operations) {
    while ((side.counter.messages() < operations || side.unsent != 0) && !side.broken) {
        if (!side.wait() && (side.interruption != -EINTR || host.stopping())) [[unlikely]] {
            side.broken = true;
        }
    }
}

namespace {

struct pong_plan {
    table_plan table;
    placement cpus;
};

template <class A, class Policy>
class pong_cell final : public cell {
  public:
    pong_cell(const pong_plan& plan, const typename A::variant_type& variant)
        : plan_(plan), variant_(variant) {}
    pong_cell(const pong_cell&) = delete;
    pong_cell& operator=(const pong_cell&) = delete;
    ~pong_cell() override { pong_cell::teardown(); }

    void setup() override {
        here_.emplace(plan_.cpus.caller);
        const bool both_ways = is_socket(plan_.table.source);
        channels_.emplace(plan_.table.source, both_ways ? 1 : 2, plan_.table.payload);
        const int near = channels_->watched(0);
        const int far = channels_->far(both_ways ? 0 : 1);
        guard_.emplace();
        caller_.emplace(plan_.table, pong_ends{near, both_ways ? near : far}, variant_, false);
        other_.emplace();
        other_->perform([this, both_ways] {
            there_.emplace(plan_.cpus.companion);
            const int out = channels_->far(0);
            const int in = both_ways ? out : channels_->watched(1);
            reply_.emplace(plan_.table, pong_ends{in, out}, variant_, true);
        });
    }

    void run(std::uint64_t operations, observer* timing, tally& work) override {
        guard_->restart();
        caller_->begin_run();
        reply_->begin_run();
        other_->begin(
            [this, operations] { kevbench_hot_pingpong_reply(*reply_, *other_, operations); });
        kevbench_hot_pingpong_caller(*caller_, *other_, *guard_, operations, timing);
        if (caller_->broken) {
            other_->stop();
        }
        other_->finish();
        caller_->work.operations = operations;
        caller_->report();
        reply_->report();
        work += caller_->work;
        work += reply_->work;
        if (caller_->broken || reply_->broken) {
            throw fault("a message was lost, cut short or not sent, so the run is void");
        }
        require_messages(caller_->counter.messages() + reply_->counter.messages(), 2 * operations);
    }

    void teardown() override {
        if (other_) {
            other_->stop();
            other_->perform([this] {
                reply_.reset();
                there_.reset();
            });
            other_.reset();
        }
        caller_.reset();
        guard_.reset();
        channels_.reset();
        here_.reset();
    }

  private:
    pong_plan plan_;
    typename A::variant_type variant_;
    std::optional<cpu_binding> here_;
    std::optional<channel_set> channels_;
    std::optional<watchdog> guard_;
    std::optional<pong_side<A, Policy>> caller_;
    std::optional<companion> other_;
    std::optional<cpu_binding> there_;           // made and destroyed on the companion
    std::optional<pong_side<A, Policy>> reply_;  // likewise
};

workload_info describe() {
    return {"source_pingpong",
            "a message to and fro between two threads: round trip by source and size",
            "round trip",
            {source_parameter("unix"), payload_parameter(1), placement_parameter()},
            true};
}

std::unique_ptr<cell> make(std::string_view mechanism, std::string_view variant,
                           const parameters& values) {
    pong_plan plan;
    plan.table.source = parse_source(values.choice("source"));
    plan.table.payload = effective_payload(plan.table.source, values.number("payload"));
    return dispatch_or_bare(
        mechanism, variant,
        [&]<class A, class Policy>(
            const typename A::variant_type& chosen) -> std::unique_ptr<cell> {
            if constexpr (synthetic_adapter<A>) {
                throw not_available("not applicable: no other thread can wake the null mechanism");
            } else {
                if (std::is_same_v<A, bare_adapter> && Policy::drains &&
                    !is_socket(plan.table.source)) {
                    throw not_available(
                        "not applicable: only sockets can be read until empty and still block");
                }
                plan.cpus = choose_placement(values.choice("placement"));
                return std::make_unique<pong_cell<A, Policy>>(plan, chosen);
            }
        });
}

}  // namespace

const entry entries::source_pingpong{describe, make};

}  // namespace kevbench::workload
