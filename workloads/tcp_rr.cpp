// SPDX-License-Identifier: MIT
//
// tcp_rr: requests and replies over TCP connections that stay open. The server runs on the
// mechanism under test, on the calling thread; the client is a second thread with one engine for
// all mechanisms. One operation is one request with its reply, that is two messages.
//
// Everything goes over loopback: a smoke mode as far as a network is concerned, in which delivery
// to the server, its wake-up included, runs on the client's thread. CPU time is therefore that of
// both threads; the client's part is recorded beside it.
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>

#include "engine/common_parameters.hpp"
#include "engine/companion.hpp"
#include "engine/dispatch.hpp"
#include "engine/entry.hpp"
#include "engine/placement.hpp"
#include "engine/watch_table.hpp"
#include "engine/watchdog.hpp"
#include "net/rr_client.hpp"
#include "net/rr_server.hpp"

namespace kevbench::workload {
namespace {

/// Below it, two requests may lie further apart than a run may stand still.
constexpr std::int64_t slowest_rate = 10;
constexpr std::int64_t fastest_rate = 1'000'000;

template <class A, class Policy>
class rr_cell final : public cell {
  public:
    rr_cell(const net::rr_plan& plan, const placement& cpus,
            const typename A::variant_type& variant)
        : plan_(plan), cpus_(cpus), variant_(variant) {}
    rr_cell(const rr_cell&) = delete;
    rr_cell& operator=(const rr_cell&) = delete;
    ~rr_cell() override { rr_cell::teardown(); }

    void setup() override {
        require_descriptors(2ULL * plan_.connections,
                            fmt::format("connections={}", plan_.connections));
        here_.emplace(cpus_.caller);
        channels_.emplace(source_kind::tcp, plan_.connections,
                          std::max(plan_.request, plan_.response));
        guard_.emplace();
        server_.emplace(plan_, *channels_, variant_);
        thread_.emplace();
        thread_->perform([this] {
            client_thread_ = ::gettid();
            there_.emplace(cpus_.companion);
            client_.emplace(plan_, *channels_);
        });
    }

    void run(std::uint64_t operations, observer* timing, tally& work) override {
        guard_->restart();
        server_->begin_run();
        thread_->begin([this, operations, timing] { client_->run(operations, timing, *thread_); });
        net::kevbench_hot_rr_server(*server_, *thread_, *guard_, operations);
        if (server_->broken && !thread_->idle()) {
            thread_->stop();
        }
        thread_->finish();
        server_->work.operations = operations;
        server_->report();
        client_->report(server_->work);
        work += server_->work;
        if (server_->broken) {
            throw fault("a request was lost or a reply not sent whole, so the run is void");
        }
        require_messages(server_->work.messages, 2 * operations);
    }

    void teardown() override {
        if (thread_) {
            thread_->stop();
            thread_->perform([this] {
                client_.reset();
                there_.reset();
            });
            thread_.reset();
        }
        server_.reset();
        guard_.reset();
        channels_.reset();
        here_.reset();
    }

    [[nodiscard]] int load_thread() const override { return client_thread_; }
    [[nodiscard]] std::optional<punctuality> load_pace() const override {
        return client_ ? client_->pace() : std::nullopt;
    }

  private:
    net::rr_plan plan_;
    placement cpus_;
    typename A::variant_type variant_;
    int client_thread_ = 0;
    std::optional<cpu_binding> here_;
    std::optional<channel_set> channels_;
    std::optional<watchdog> guard_;
    std::optional<net::rr_server<A, Policy>> server_;
    std::optional<companion> thread_;
    std::optional<cpu_binding> there_;      // made and destroyed on the companion
    std::optional<net::rr_client> client_;  // likewise
};

parameter number_parameter(std::string_view name, std::int64_t initial, std::int64_t min,
                           std::int64_t max, std::string_view help) {
    parameter made;
    made.name = name;
    made.initial = initial;
    made.min = min;
    made.max = max;
    made.help = help;
    return made;
}

parameter choice_parameter(std::string_view name, std::vector<std::string> choices,
                           std::string_view help) {
    parameter made;
    made.name = name;
    made.initial_choice = choices.front();
    made.choices = std::move(choices);
    made.help = help;
    return made;
}

workload_info describe() {
    parameter payload = payload_parameter(1);
    payload.help = "bytes of one request";
    parameter response = payload_parameter(1);
    response.name = "response";
    response.help = "bytes of one reply";
    return {"tcp_rr",
            "requests and replies over open TCP connections: peak of a closed loop, or latency of "
            "an open one",
            "request",
            {number_parameter("connections", 10, 1, 100'000,
                              "connections held open; RLIMIT_NOFILE bounds them too"),
             payload, response, batch_parameter(64),
             choice_parameter("mode", {"closed", "open"},
                              "a connection's next request follows its last reply, or comes at its "
                              "intended time"),
             number_parameter("rate", 0, 0, fastest_rate,
                              "requests per second of mode=open, 10 or more; 0 with mode=closed"),
             choice_parameter("arrivals", {"poisson", "fixed"},
                              "gaps between intended times of mode=open: exponential or equal"),
             placement_parameter()},
            true};
}

net::rr_plan make_plan(const parameters& values) {
    const auto number = [&](std::string_view name) {
        return static_cast<std::uint32_t>(values.number(name));
    };
    net::rr_plan plan;
    plan.connections = number("connections");
    plan.request = number("payload");
    plan.response = number("response");
    plan.batch = number("batch");
    plan.arrivals = values.choice("arrivals") == "fixed" ? net::arrival_process::fixed
                                                         : net::arrival_process::poisson;
    const std::int64_t rate = values.number("rate");
    const bool open = values.choice("mode") == "open";
    if (open && rate < slowest_rate) {
        throw usage_error(
            fmt::format("mode=open needs a rate: add rate={} to {}", slowest_rate, fastest_rate));
    }
    if (!open && rate != 0) {
        throw usage_error(fmt::format(
            "rate={} means nothing to mode=closed: leave it out, or add mode=open", rate));
    }
    plan.rate = static_cast<double>(rate);
    return plan;
}

std::unique_ptr<cell> make(std::string_view mechanism, std::string_view variant,
                           const parameters& values) {
    const net::rr_plan plan = make_plan(values);
    return dispatch_or_bare(
        mechanism, variant,
        [&]<class A, class Policy>(
            const typename A::variant_type& chosen) -> std::unique_ptr<cell> {
            if constexpr (synthetic_adapter<A>) {
                throw not_available("not applicable: the null mechanism has no sockets");
            } else {
                require_descriptor_range(chosen.fixed, plan.connections, "connections");
                const placement cpus = choose_placement(values.choice("placement"));
                return std::make_unique<rr_cell<A, Policy>>(plan, cpus, chosen);
            }
        });
}

}  // namespace

const entry entries::tcp_rr{describe, make};

}  // namespace kevbench::workload
