// SPDX-License-Identifier: MIT
//
// Several threads that wait for the same descriptors, on one queue or on a queue each, and one that
// makes events: who is woken for an event, who for nothing, and who gets how much.
//
// A thread leaves at the end of a run by an event of its own kind. How often it slept, and so was
// woken, the kernel counts: also when it went back to sleep without leaving the wait.
#pragma once

#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "engine/baton.hpp"
#include "engine/common_parameters.hpp"
#include "engine/companion.hpp"
#include "engine/consumer.hpp"
#include "engine/flow.hpp"
#include "engine/placement.hpp"
#include "engine/source.hpp"
#include "engine/watch_table.hpp"
#include "engine/watchdog.hpp"
#include "kevbench/adapter/sharing.hpp"

namespace kevbench::workload {

struct crew_plan {
    table_plan table;
    std::uint32_t threads = 1;
    std::uint32_t active = 1;  ///< events made before their taking is waited for
    bool shared = false;       ///< one queue for all
    timespec pause{};          ///< before each of these rounds
    placement cpus;            ///< caller: who makes events; companion: all who wait
};

[[nodiscard]] parameter crew_threads_parameter(std::int64_t initial, std::int64_t min);
[[nodiscard]] parameter crew_queue_parameter(std::string_view initial);
[[nodiscard]] parameter crew_pause_parameter();
/// threads, queue, source, placement and interval as given.
[[nodiscard]] crew_plan make_crew_plan(const parameters& values);

/// What all threads use.
struct crew_exchange {
    std::atomic<std::uint64_t> goal{
        0};  // messages of this run to be taken before the next are made
    std::atomic<std::uint64_t> taken{0};  // messages of this run
    baton reached;                        // advanced when taken is goal
    baton left;                           // advanced by each thread that leaves
    std::atomic<bool> broken{false};      // a thread has given up

    /// Before a stream is touched, whose last message another thread may have taken: the kernel
    /// carries that order from there to here, which no tool can see.
    void receive_streams() const noexcept {
        static_cast<void>(goal.load(std::memory_order_acquire));
    }
    void take(std::uint32_t messages) noexcept {
        if (taken.fetch_add(messages) + messages == goal.load()) {
            reached.advance();
        }
    }
};

/// Times that the calling thread has gone to sleep.
[[nodiscard]] std::uint64_t sleeps_of_this_thread() noexcept;
/// Lets other threads of its processor go before the calling one, so that those it wakes are asleep
/// again before it goes on.
void give_way() noexcept;

/// One descriptor as one queue watches it.
struct crew_watch : adapter::watch {
    flow* stream = nullptr;  ///< null: the event that ends a thread
};

/// Descriptors and their streams, the same for all queues.
struct crew_sources {
    explicit crew_sources(const crew_plan& plan);

    std::vector<flow> flows;
    std::vector<descriptor> exits;  ///< one a queue

  private:
    channel_set channels_;
};

/// One thread's side. Made, used and destroyed by that thread.
template <class A, class Policy>
class crew_member : public consumer<crew_member<A, Policy>, Policy> {
  public:
    /// On a queue of its own, or on that of `first`.
    crew_member(const crew_plan& plan, const typename A::variant_type& variant,
                crew_sources& sources, crew_exchange& with, int exit, crew_member* first)
        : buffers(plan.table.buffers, default_buffer_size(plan.table.payload)),
          mechanism(variant),
          counter(plan.table.payload),
          batch(plan.table.batch),
          exchange_(with) {
        adapter::config settings;
        settings.max_watches = plan.table.registered + 1;
        settings.max_batch = batch;
        settings.buffers = buffers.set();
        if (first == nullptr) {
            open_adapter(mechanism, settings);
            watch_all(plan, sources, exit);
            return;
        }
        if constexpr (adapter::shareable_adapter<A>) {
            const int status = mechanism.attach(first->mechanism, settings);
            if (status != 0) {
                throw fault(fmt::format("attaching to a queue failed: {}", std::strerror(-status)));
            }
        }
    }
    crew_member(const crew_member&) = delete;
    crew_member& operator=(const crew_member&) = delete;
    ~crew_member() { mechanism.close(); }

    void begin_run() noexcept {
        counter.begin_run();
        work = tally{};
        leaving = broken = false;
    }
    void on_data(adapter::watch& target, const std::byte* data, std::size_t size) noexcept {
        flow* const stream = static_cast<crew_watch&>(target).stream;
        if (stream == nullptr) {
            leaving = true;
            return;
        }
        exchange_.receive_streams();
        if (const std::uint32_t messages = counter.take(*stream, data, size)) {
            exchange_.take(messages);
        }
    }
    void on_end(adapter::watch& target, int result) noexcept {
        if (Policy::completes && result == -EAGAIN) {
            // io_uring gives a receive up that was woken for nothing a hundred times.
            ++work.spurious;
            const adapter::operation again{adapter::op_kind::receive, &target};
            broken = mechanism.submit(again).outcome != adapter::verdict::queued;
        } else {
            broken = true;
        }
    }
    void went() noexcept {
        if (broken) {
            exchange_.broken = true;
            exchange_.reached.advance();
        }
        exchange_.left.advance();
    }

    buffer_pool buffers;
    A mechanism;
    message_counter<true> counter;
    std::uint32_t batch;
    bool leaving = false;
    bool broken = false;
    tally work;

  private:
    void watch_all(const crew_plan& plan, crew_sources& sources, int exit) {
        watches_.resize(sources.flows.size() + 1);
        for (std::size_t at = 0; at < watches_.size(); ++at) {
            crew_watch& each = watches_[at];
            each.interest = adapter::bits::readable;
            if (at < sources.flows.size()) {
                each.stream = &sources.flows[at];
                each.fd = each.stream->fd;
                each.socket = is_socket(plan.table.source);
                each.pipe = plan.table.source == source_kind::pipe;
            } else {
                each.fd = exit;
            }
            require_registered(mechanism.add(each), mechanism.describe(), each.fd);
        }
        require_registered(mechanism.flush(), mechanism.describe(), -1);
    }

    crew_exchange& exchange_;
    std::vector<crew_watch> watches_;  // of who owns the queue
};

/// Waits and takes until the event that ends it.
template <class A, class Policy>
[[gnu::noinline]] void kevbench_hot_crew_wait(crew_member<A, Policy>& self, const companion& host) {
    while (!self.leaving && !self.broken) {
        const int delivered = self.mechanism.wait(adapter::wait_forever, self.batch, self);
        if (delivered > 0) [[likely]] {
            self.work.count_wait(static_cast<std::uint32_t>(delivered));
        } else if (delivered != -EINTR || host.stopping()) {
            self.broken = true;
        }
    }
}

/// The side that makes events. Made, used and destroyed by one thread.
struct crew_maker {
    crew_maker(const crew_plan& planned, crew_sources& from, crew_exchange& with,
               const companion& thread);

    const crew_plan& plan;
    crew_sources& sources;
    crew_exchange& exchange;
    const companion& host;
    message content;
    std::vector<std::uint32_t> turns;  // the order of flows, which goes on from run to run
    std::size_t turn = 0;
    watchdog guard;

    /// Sleeps until `sleeper` is no longer `seen`. False when that is in vain: a thread has given
    /// up or this one is told to stop. Throws fault when nothing moves.
    [[nodiscard]] bool await(baton& sleeper, std::uint32_t seen);
};

/// False when it was in vain. Throws fault when an event could not be made or was lost.
bool kevbench_hot_crew_make(crew_maker& maker, std::uint64_t operations);

/// The cell for a named variant; not_available where its queue cannot be shared as planned.
[[nodiscard]] std::unique_ptr<cell> make_crew_cell(std::string_view mechanism,
                                                   std::string_view variant, const crew_plan& plan);

template <class A, class Policy>
class crew_cell final : public cell {
  public:
    crew_cell(const crew_plan& plan, const typename A::variant_type& variant)
        : plan_(plan), variant_(variant) {}
    crew_cell(const crew_cell&) = delete;
    crew_cell& operator=(const crew_cell&) = delete;
    ~crew_cell() override { crew_cell::teardown(); }

    void setup() override;
    void run(std::uint64_t operations, observer* timing, tally& work) override;
    void teardown() override;
    [[nodiscard]] int load_thread() const override { return load_thread_; }

  private:
    using member_state = crew_member<A, Policy>;
    struct member {
        std::optional<cpu_binding> bound;  // made and destroyed on the thread, as is the state
        std::optional<member_state> state;
        companion thread;
    };

    void serve(member& self) {
        const std::uint64_t before = sleeps_of_this_thread();
        kevbench_hot_crew_wait(*self.state, self.thread);
        const std::uint64_t sleeps = sleeps_of_this_thread() - before;
        // From the last sleep it was woken to leave, not for an event.
        self.state->work.wakeups = sleeps - std::min<std::uint64_t>(sleeps, 1);
        self.state->went();
    }
    /// Ends every thread's run, by one event each.
    void dismiss();
    void report(std::uint64_t operations, tally& work);
    void stop() noexcept {
        maker_thread_->stop();
        for (member& each : members_) {
            each.thread.stop();
        }
    }

    crew_plan plan_;
    typename A::variant_type variant_;
    std::optional<crew_sources> sources_;
    crew_exchange exchange_;
    std::deque<member> members_;
    std::optional<cpu_binding> maker_bound_;  // made and destroyed on the maker's thread
    std::optional<crew_maker> maker_;         // likewise
    std::optional<companion> maker_thread_;
    int load_thread_ = 0;
};

template <class A, class Policy>
void crew_cell<A, Policy>::setup() {
    sources_.emplace(plan_);
    for (std::uint32_t at = 0; at < plan_.threads; ++at) {
        member& made = members_.emplace_back();
        member_state* const first = plan_.shared && at != 0 ? &*members_.front().state : nullptr;
        const int exit = sources_->exits[plan_.shared ? 0 : at].get();
        made.thread.perform([this, &made, first, exit] {
            made.bound.emplace(plan_.cpus.companion);
            made.state.emplace(plan_, variant_, *sources_, exchange_, exit, first);
        });
    }
    maker_thread_.emplace();
    maker_thread_->perform([this] {
        give_way();
        maker_bound_.emplace(plan_.cpus.caller);
        maker_.emplace(plan_, *sources_, exchange_, *maker_thread_);
        load_thread_ = ::gettid();
    });
}

template <class A, class Policy>
void crew_cell<A, Policy>::run(std::uint64_t operations, observer* /*timing*/, tally& work) {
    exchange_.goal = exchange_.taken = 0;
    exchange_.broken = false;
    for (member& each : members_) {
        each.state->begin_run();
        each.thread.begin([this, &each] { serve(each); });
    }
    try {
        maker_thread_->perform([this, operations] {
            if (kevbench_hot_crew_make(*maker_, operations)) {
                dismiss();
            }
        });
    } catch (...) {
        stop();
        throw;
    }
    for (member& each : members_) {
        if (exchange_.broken) {
            each.thread.stop();
        }
        each.thread.finish();
    }
    report(operations, work);
}

template <class A, class Policy>
void crew_cell<A, Policy>::dismiss() {
    constexpr std::uint64_t one = 1;
    for (std::size_t at = 0; at < members_.size(); ++at) {
        const std::uint32_t seen = exchange_.left.value();
        if (::write(sources_->exits[plan_.shared ? 0 : at].get(), &one, sizeof one) != sizeof one) {
            throw fault("a waiting thread could not be told to leave");
        }
        if (!maker_->await(exchange_.left, seen)) {
            return;
        }
    }
}

template <class A, class Policy>
void crew_cell<A, Policy>::report(std::uint64_t operations, tally& work) {
    tally whole;
    std::uint64_t squares = 0;
    bool broken = false;
    for (member& each : members_) {
        const std::uint64_t mine = each.state->counter.messages();
        squares += mine * mine;
        each.state->report(each.state->work);
        each.state->counter.report(each.state->work);
        whole += each.state->work;
        broken = broken || each.state->broken;
    }
    whole.operations = operations;
    whole.share_top = whole.messages * whole.messages;
    whole.share_bottom = members_.size() * squares;
    work += whole;
    if (broken) {
        throw fault("a wait or a receive failed, so the run is void");
    }
    require_messages(whole.messages, operations);
}

template <class A, class Policy>
void crew_cell<A, Policy>::teardown() {
    if (maker_thread_) {
        stop();
        maker_thread_->perform([this] {
            maker_.reset();
            maker_bound_.reset();
        });
        maker_thread_.reset();
    }
    // Who attached goes before whose queue it is.
    while (!members_.empty()) {
        member& last = members_.back();
        last.thread.perform([&last] {
            last.state.reset();
            last.bound.reset();
        });
        members_.pop_back();
    }
    sources_.reset();
}

}  // namespace kevbench::workload
