// SPDX-License-Identifier: MIT
//
// stream_bench: the stream benchmark of 2006. One thread writes short messages to streams chosen at
// random and gives the processor away after so many writes; the other waits for readable streams,
// reads from each what is there and gives the processor away when a wait found few. What was called
// an event then is a successful read; an operation here is a message, of which a read takes
// several.
//
// With mechanism null the reader may also try all streams in turn, which is the ceiling of 2006.
#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include <memory>
#include <optional>
#include <tuple>
#include <utility>
#include <vector>

#include "engine/common_parameters.hpp"
#include "engine/companion.hpp"
#include "engine/crew.hpp"
#include "engine/dispatch.hpp"
#include "engine/entry.hpp"
#include "engine/placement.hpp"
#include "engine/watch_table.hpp"
#include "engine/watchdog.hpp"

namespace kevbench::workload {

struct stream_plan {
    table_plan table;
    std::uint32_t writes = 1;  ///< between two times that the writer gives its processor away
    std::uint32_t few = 1;     ///< events of a wait below which the reader does
    placement cpus;
};

/// The side that writes. Used by one thread.
class stream_writer {
  public:
    stream_writer(const stream_plan& plan, const std::vector<flow>& streams, const companion& host)
        : plan_(plan), streams_(streams), host_(host), content_(plan.table.payload) {}

    /// False when told to stop or when a write failed.
    [[nodiscard]] bool write_whole(std::uint64_t number) noexcept;
    void begin_run() noexcept { state_ = 0; }
    [[nodiscard]] std::uint32_t writes() const noexcept { return plan_.writes; }

  private:
    /// The next stream: random, and the same in every run.
    const flow& next() noexcept {
        state_ += 0x9E37'79B9'7F4A'7C15U;
        std::uint64_t mixed = (state_ ^ (state_ >> 30U)) * 0xBF58'476D'1CE4'E5B9U;
        mixed = (mixed ^ (mixed >> 27U)) * 0x94D0'49BB'1331'11EBU;
        return streams_[(mixed ^ (mixed >> 31U)) % streams_.size()];
    }

    const stream_plan& plan_;
    const std::vector<flow>& streams_;
    const companion& host_;
    message content_;
    std::uint64_t state_ = 0;
};

bool stream_writer::write_whole(std::uint64_t number) noexcept {
    const flow& chosen = next();
    const std::byte* bytes = content_.stamp(number);
    for (std::size_t left = content_.size(); left != 0;) {
        const ssize_t moved = is_socket(plan_.table.source)
                                  ? ::send(chosen.far, bytes, left, MSG_NOSIGNAL)
                                  : ::write(chosen.far, bytes, left);
        if (moved > 0) {
            bytes += moved;
            left -= static_cast<std::size_t>(moved);
            continue;
        }
        if (moved == 0 || (errno != EAGAIN && errno != EINTR) || host_.stopping()) {
            return false;
        }
        pollfd room{chosen.far, POLLOUT, 0};
        ::poll(&room, 1, -1);  // ends when the companion is stopped, too
    }
    return true;
}

/// False when it could not write all.
[[gnu::noinline]] bool kevbench_hot_stream_writer(stream_writer& writer, std::uint64_t operations) {
    std::uint32_t left = writer.writes();
    for (std::uint64_t number = 0; number < operations; ++number) {
        if (!writer.write_whole(number)) {
            return false;
        }
        if (--left == 0) {
            left = writer.writes();
            ::sched_yield();
        }
    }
    return true;
}

template <class A, class Policy>
class stream_reader : public watch_table<A>, public consumer<stream_reader<A, Policy>, Policy> {
  public:
    using watch_table<A>::mechanism;

    stream_reader(const stream_plan& plan, const typename A::variant_type& variant)
        : watch_table<A>(plan.table, variant), counter(plan.table.payload), few(plan.few) {}

    void begin_run() noexcept {
        counter.begin_run();
        work = tally{};
        guard.restart();
    }
    void on_data(adapter::watch& target, const std::byte* data, std::size_t size) noexcept {
        counter.take(static_cast<flow&>(target), data, size);
        ++work.deliveries;
    }
    void on_end(adapter::watch&, int) noexcept { broken = true; }

    message_counter<true> counter;
    std::uint32_t few;
    tally work;
    bool broken = false;
    watchdog guard;
};

template <class A, class Policy>
[[gnu::noinline]] void kevbench_hot_stream_reader(stream_reader<A, Policy>& state,
                                                  std::uint64_t operations) {
    while (state.counter.messages() < operations && !state.broken) {
        const int delivered = state.mechanism.wait(adapter::wait_forever, state.batch, state);
        if (delivered > 0) [[likely]] {
            state.work.count_wait(static_cast<std::uint32_t>(delivered));
            if (static_cast<std::uint32_t>(delivered) < state.few) {
                ::sched_yield();
            }
        } else {
            state.guard.examine(delivered, state.counter.messages());
        }
    }
}

/// The reader without a mechanism.
class stream_scanner {
  public:
    explicit stream_scanner(const stream_plan& plan)
        : buffers(plan.table.buffers, default_buffer_size(plan.table.payload)),
          flows(plan.table.registered),
          counter(plan.table.payload),
          few(plan.few),
          socket(is_socket(plan.table.source)),
          sources_(plan.table.source, plan.table.registered, plan.table.payload) {
        for (std::uint32_t at = 0; at < plan.table.registered; ++at) {
            flows[at].fd = sources_.watched(at);
            flows[at].far = sources_.far(at);
            flows[at].socket = socket;
        }
    }

    void begin_run() noexcept {
        counter.begin_run();
        work = tally{};
        guard.restart();
    }
    void report(tally& /*work*/) const noexcept {}

    buffer_pool buffers;
    std::vector<flow> flows;
    message_counter<true> counter;
    std::uint32_t few;
    bool socket;
    bool broken = false;
    tally work;
    watchdog guard;

  private:
    channel_set sources_;
};

[[gnu::noinline]] void kevbench_hot_stream_scanner(stream_scanner& state,
                                                   std::uint64_t operations) {
    while (state.counter.messages() < operations && !state.broken) {
        std::uint32_t found = 0;
        for (flow& each : state.flows) {
            std::byte* const buffer = state.buffers.next();
            const auto answer = adapter::detail::perform(
                {adapter::op_kind::receive, &each, buffer, state.buffers.size()});
            if (answer.result > 0) {
                state.counter.take(each, buffer, static_cast<std::size_t>(answer.result));
                ++found;
            } else if (answer.result == -EAGAIN) {
                ++state.work.would_block;
            } else {
                state.broken = true;
            }
        }
        state.work.count_wait(found);
        state.work.deliveries += found;
        if (found == 0) {
            state.guard.examine_progress(state.counter.messages());
        }
        if (found < state.few) {
            ::sched_yield();
        }
    }
}

namespace {

/// `Reader` is made by `Arguments` after the plan.
template <class Reader, class... Arguments>
class stream_cell final : public cell {
  public:
    stream_cell(stream_plan plan, void (*read)(Reader&, std::uint64_t), Arguments... with)
        : plan_(plan), read_(read), with_(std::move(with)...) {}
    stream_cell(const stream_cell&) = delete;
    stream_cell& operator=(const stream_cell&) = delete;
    ~stream_cell() override { stream_cell::teardown(); }

    void setup() override {
        here_.emplace(plan_.cpus.caller);
        std::apply([this](const auto&... each) { reader_.emplace(plan_, each...); }, with_);
        thread_.emplace();
        thread_->perform([this] {
            give_way();
            there_.emplace(plan_.cpus.companion);
            load_thread_ = ::gettid();
        });
        writer_.emplace(plan_, reader_->flows, *thread_);
    }

    void run(std::uint64_t operations, observer* /*timing*/, tally& work) override {
        reader_->begin_run();
        thread_->begin([this, operations] {
            writer_->begin_run();
            if (!kevbench_hot_stream_writer(*writer_, operations) && !thread_->stopping()) {
                throw fault("a write failed, so the run is void");
            }
        });
        try {
            read_(*reader_, operations);
        } catch (...) {
            thread_->stop();
            throw;
        }
        if (reader_->broken) {
            thread_->stop();
        }
        thread_->finish();
        reader_->work.operations = operations;
        reader_->report(reader_->work);
        reader_->counter.report(reader_->work);
        work += reader_->work;
        if (reader_->broken) {
            throw fault("a stream ended or could not be read, so the run is void");
        }
        require_messages(reader_->counter.messages(), operations);
    }

    void teardown() override {
        if (thread_) {
            thread_->stop();
            thread_->perform([this] { there_.reset(); });
            thread_.reset();
        }
        writer_.reset();
        reader_.reset();
        here_.reset();
    }
    [[nodiscard]] int load_thread() const override { return load_thread_; }

  private:
    stream_plan plan_;
    void (*read_)(Reader&, std::uint64_t);
    std::tuple<Arguments...> with_;
    std::optional<cpu_binding> here_;
    std::optional<Reader> reader_;
    std::optional<companion> thread_;
    std::optional<cpu_binding> there_;  // made and destroyed on the writer's thread
    std::optional<stream_writer> writer_;
    int load_thread_ = 0;
};

parameter yield_parameter(std::string name, std::int64_t initial, std::int64_t min,
                          std::string help) {
    parameter made;
    made.name = std::move(name);
    made.initial = initial;
    made.min = min;
    made.max = 100'000;
    made.help = std::move(help);
    return made;
}

workload_info describe() {
    parameter source = source_parameter("unix");
    source.choices = {"pipe", "unix", "tcp"};
    source.help = "what the streams are: pipes, UNIX stream sockets or TCP over loopback";
    parameter look;
    look.name = "look";
    look.initial_choice = "wait";
    look.choices = {"wait", "in-turn"};
    look.help = "with mechanism null in-turn: read every stream in turn, without waiting";
    return {"stream_bench",
            "one thread writes to random streams, one reads: the stream benchmark of 2006",
            "message",
            {sources_parameter(1000, 20'000, "streams"), source, payload_parameter(1),
             batch_parameter(1024),
             yield_parameter("writes", 0, 0,
                             "writes after which the writer yields; 0 = as many as streams"),
             yield_parameter("few", 1000, 1,
                             "events of a wait below which the reader yields; 1 = never"),
             placement_parameter(), look}};
}

stream_plan make_stream_plan(const parameters& values) {
    stream_plan plan;
    plan.table.source = parse_source(values.choice("source"));
    plan.table.registered = static_cast<std::uint32_t>(values.number("registered"));
    plan.table.payload = static_cast<std::uint32_t>(values.number("payload"));
    plan.table.batch = static_cast<std::uint32_t>(values.number("batch"));
    plan.table.buffers = default_buffer_count(plan.table.registered, plan.table.batch);
    const auto writes = static_cast<std::uint32_t>(values.number("writes"));
    plan.writes = writes != 0 ? writes : plan.table.registered;
    plan.few = static_cast<std::uint32_t>(values.number("few"));
    plan.cpus = choose_placement(values.choice("placement"));
    return plan;
}

std::unique_ptr<cell> make(std::string_view mechanism, std::string_view variant,
                           const parameters& values) {
    const bool in_turn = values.choice("look") == "in-turn";
    return dispatch(
        mechanism, variant,
        [&]<class A, class Policy>(
            const typename A::variant_type& chosen) -> std::unique_ptr<cell> {
            if constexpr (synthetic_adapter<A>) {
                if (!in_turn) {
                    throw not_available(
                        "not applicable: no other thread can wake the null mechanism; with it use "
                        "look=in-turn");
                }
                return std::make_unique<stream_cell<stream_scanner>>(make_stream_plan(values),
                                                                     kevbench_hot_stream_scanner);
            } else {
                if (in_turn) {
                    throw usage_error(
                        "look=in-turn does not use a mechanism: choose mechanism null, or "
                        "look=wait");
                }
                const stream_plan plan = make_stream_plan(values);
                require_descriptor_range(chosen.fixed, plan.table.registered);
                using reader = stream_reader<A, Policy>;
                return std::make_unique<stream_cell<reader, typename A::variant_type>>(
                    plan, kevbench_hot_stream_reader<A, Policy>, chosen);
            }
        });
}

}  // namespace

const entry entries::stream_bench{describe, make};

}  // namespace kevbench::workload
