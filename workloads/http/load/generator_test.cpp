// SPDX-License-Identifier: MIT
//
// The generator against the real server and against one that breaks on purpose.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <numeric>
#include <string>
#include <vector>

#include "http/load/fake_server.hpp"
#include "http/test_support.hpp"
#include "kevbench/workload/error.hpp"
#include "kevbench/workload/http_load.hpp"

namespace kevbench::workload::http {
namespace {

using namespace std::chrono_literals;

/// Keeps every value; the real clock.
class books final : public load_observer {
  public:
    std::int64_t now() noexcept override {
        return std::chrono::steady_clock::now().time_since_epoch() / std::chrono::nanoseconds{1};
    }
    void due(std::int64_t lateness) noexcept override { late.push_back(lateness); }
    void replied(std::int64_t intended, std::int64_t started, std::int64_t at) noexcept override {
        corrected.push_back(at - intended);
        uncorrected.push_back(at - started);
    }
    void failed(load_error why, std::int64_t /*at*/) noexcept override { ++errors[why]; }

    std::vector<std::int64_t> corrected;
    std::vector<std::int64_t> uncorrected;
    std::vector<std::int64_t> late;
    std::map<load_error, int> errors;
};

load_options toward(std::uint16_t port) {
    load_options chosen;
    chosen.port = port;
    chosen.rate = 1000;
    chosen.duration = 0.2;
    return chosen;
}

std::uint64_t errors_of(const load_outcome& outcome) {
    return std::accumulate(outcome.errors.begin(), outcome.errors.end(), std::uint64_t{0});
}

std::uint64_t error_of(const load_outcome& outcome, load_error which) {
    return outcome.errors[static_cast<std::size_t>(which)];
}

std::ptrdiff_t above(const std::vector<std::int64_t>& values, std::chrono::nanoseconds limit) {
    return std::count_if(values.begin(), values.end(),
                         [limit](std::int64_t value) { return value > limit.count(); });
}

TEST(HttpLoad, EveryPlannedRequestIsAnsweredOnAConnectionOfItsOwn) {
    http_options serving;
    serving.body = 2600;
    serving.keep_alive = false;
    server_process server(serving);
    books kept;
    const load_outcome outcome = generate_load(toward(server.port()), kept);
    EXPECT_EQ(outcome.planned, 200U);
    EXPECT_EQ(outcome.replies, 200U);
    EXPECT_EQ(outcome.connections, 200U);
    EXPECT_EQ(errors_of(outcome), 0U);
    EXPECT_GT(outcome.bytes, 200U * 2600U);
    EXPECT_EQ(kept.corrected.size(), 200U);
    EXPECT_EQ(kept.late.size(), 200U);
    const auto done = server.stop();
    EXPECT_EQ(done.at("requests"), 200);
    EXPECT_EQ(done.at("connections"), 200);
    EXPECT_EQ(done.at("errors").at("reset"), 0) << "the client waits for the server's end";
}

TEST(HttpLoad, KeepsAConnectionForAsManyRequestsAsAsked) {
    server_process server(http_options{});
    load_options chosen = toward(server.port());
    chosen.requests = 10;
    chosen.connections = 5;
    books kept;
    const load_outcome outcome = generate_load(chosen, kept);
    EXPECT_EQ(outcome.replies, 200U);
    // A line that waits for the server's end misses its turn, so others may be ahead at the end.
    EXPECT_GE(outcome.connections, 20U);
    EXPECT_LE(outcome.connections, 24U);
    EXPECT_LE(outcome.most_open, 5U);
    EXPECT_EQ(errors_of(outcome), 0U);
    EXPECT_EQ(server.stop().at("connections"), outcome.connections);
}

TEST(HttpLoad, ComesFromEverySourceAddressInTurn) {
    // One address has 28,000 ports; what counts here is that the server sees both.
    server_process server(http_options{});
    load_options chosen = toward(server.port());
    chosen.sources = {"127.0.0.2", "127.0.0.3"};
    books kept;
    EXPECT_EQ(generate_load(chosen, kept).replies, 200U);
    connector both("127.0.0.1", server.port(), chosen.sources);
    std::vector<std::uint32_t> seen;
    for (int at = 0; at < 4; ++at) {
        const connector::attempt made = both.open();
        sockaddr_in own{};
        socklen_t size = sizeof own;
        ASSERT_EQ(::getsockname(made.socket.get(), reinterpret_cast<sockaddr*>(&own), &size), 0);
        seen.push_back(ntohl(own.sin_addr.s_addr) & 0xFFU);
    }
    EXPECT_EQ(seen, (std::vector<std::uint32_t>{2, 3, 2, 3}));
}

TEST(HttpLoad, BurstsComeTogetherAtTheSameRate) {
    server_process server(http_options{});
    load_options chosen = toward(server.port());
    chosen.burst = 50;
    chosen.poisson = false;
    books kept;
    const load_outcome outcome = generate_load(chosen, kept);
    EXPECT_EQ(outcome.replies, 200U);
    // Four times 50 ms apart, as 200 requests at 1000 a second take 200 ms.
    EXPECT_GE(outcome.duration_ns, 200'000'000);
    EXPECT_GT(outcome.most_open, 10U);
}

TEST(HttpLoad, HoldsMoreThanAThousandConnectionsAtOnce) {
    constexpr std::uint32_t count = 1500;
    http_options serving;
    serving.connections = count;
    server_process server(serving);
    load_options chosen = toward(server.port());
    chosen.connections = count;
    chosen.requests = 2;
    chosen.rate = 5000;
    chosen.duration = 2.0 * count / chosen.rate;
    chosen.poisson = false;
    books kept;
    const load_outcome outcome = generate_load(chosen, kept);
    EXPECT_EQ(outcome.replies, 2U * count);
    // Each line is used once before any is used twice.
    EXPECT_EQ(outcome.most_open, count);
}

// The heart of the matter: one connection, a server that stands still for 200 ms at request 50 of
// 200 sent at 500 a second. About a hundred requests fall into the stall; only one of them was on
// its way.
TEST(HttpLoad, CorrectedLatencyShowsAStallThatTheUncorrectedOneHides) {
    constexpr auto stall = 200ms;
    fake_server server([stall](std::uint64_t number) {
        return deed{deed::kind::answer, number == 50 ? stall : 0ms};
    });
    load_options chosen = toward(server.port());
    chosen.rate = 500;
    chosen.duration = 0.4;
    chosen.poisson = false;
    chosen.connections = 1;
    chosen.requests = 1'000'000;
    books kept;
    const load_outcome outcome = generate_load(chosen, kept);
    ASSERT_EQ(outcome.replies, 200U);
    EXPECT_GE(above(kept.uncorrected, stall * 9 / 10), 1);
    EXPECT_LE(above(kept.uncorrected, stall / 2), 3) << "one, and what a busy machine adds";
    // Those of the stall's first half wait for at least its second half.
    EXPECT_GE(above(kept.corrected, stall / 2), 45);
    EXPECT_GE(outcome.queued, 90U);
    // Waiting for the server is not the client's lateness.
    EXPECT_LT(above(kept.late, stall / 2), 45);
}

TEST(HttpLoad, TellsErrorsApart) {
    using kind = deed::kind;
    fake_server server([](std::uint64_t number) {
        constexpr std::array cycle{kind::answer, kind::short_body, kind::reset, kind::nonsense,
                                   kind::refusal};
        return deed{cycle[number % cycle.size()]};
    });
    load_options chosen = toward(server.port());
    chosen.rate = 500;
    chosen.connections = 1;  // the server takes one connection at a time
    books kept;
    const load_outcome outcome = generate_load(chosen, kept);
    EXPECT_EQ(outcome.planned, 100U);
    EXPECT_EQ(outcome.replies, 20U);
    for (const load_error each :
         {load_error::short_reply, load_error::reset, load_error::malformed, load_error::status}) {
        EXPECT_EQ(error_of(outcome, each), 20U) << load_error_names[static_cast<std::size_t>(each)];
        EXPECT_EQ(kept.errors[each], 20);
    }
    EXPECT_EQ(errors_of(outcome), 80U);
}

TEST(HttpLoad, RequestsWithoutAReplyTimeOutAndTheRunEnds) {
    fake_server server([](std::uint64_t) { return deed{deed::kind::silence}; });
    load_options chosen = toward(server.port());
    chosen.rate = 100;
    chosen.duration = 0.1;
    chosen.timeout = 0.05;
    chosen.connections = 3;
    books kept;
    const load_outcome outcome = generate_load(chosen, kept);
    EXPECT_EQ(outcome.replies, 0U);
    EXPECT_EQ(error_of(outcome, load_error::timeout), outcome.planned);
}

TEST(HttpLoad, NobodyListeningIsRefused) {
    const std::uint16_t port = net::listen_on("127.0.0.1", 0).port;  // closed again
    books kept;
    const load_outcome outcome = generate_load(toward(port), kept);
    EXPECT_EQ(error_of(outcome, load_error::refused), outcome.planned);
}

TEST(HttpLoad, ServersThatCloseRestingConnectionsAreNoticed) {
    http_options closing;
    closing.keep_alive = false;
    server_process server(closing);
    books kept;
    load_options chosen = toward(server.port());
    chosen.requests = 3;
    chosen.connections = 1;
    chosen.rate = 200;
    const load_outcome outcome = generate_load(chosen, kept);
    EXPECT_EQ(outcome.replies + errors_of(outcome), outcome.planned);
    EXPECT_GT(outcome.idle_drops + errors_of(outcome), 0U);
    EXPECT_GT(outcome.connections, outcome.planned / 2);
}

TEST(HttpLoad, OwnDescriptorLimitIsNamedAndNotBlamedOnTheServer) {
    server_process server(http_options{});
    const std::uint16_t port = server.port();
    rlimit before{};
    ::getrlimit(RLIMIT_NOFILE, &before);
    load_options chosen = toward(port);
    chosen.connections = static_cast<std::uint32_t>(
        std::min<rlim_t>(before.rlim_max, std::numeric_limits<std::uint32_t>::max()));
    books kept;
    EXPECT_THROW(static_cast<void>(generate_load(chosen, kept)), usage_error);
}

TEST(HttpLoad, WrongOptionsAreUsageErrors) {
    books kept;
    const auto message = [&kept](auto change) -> std::string {
        load_options chosen = toward(1);
        change(chosen);
        try {
            static_cast<void>(generate_load(chosen, kept));
        } catch (const usage_error& error) {
            return error.what();
        }
        return "accepted";
    };
    EXPECT_THAT(message([](load_options& o) { o.port = 0; }), testing::HasSubstr("--port"));
    EXPECT_THAT(message([](load_options& o) { o.rate = 0; }), testing::HasSubstr("rate"));
    EXPECT_THAT(message([](load_options& o) { o.duration = 1e9; }),
                testing::HasSubstr("requests are more than"));
    EXPECT_THAT(message([](load_options& o) { o.sources = {"here"}; }), testing::HasSubstr("IPv4"));
    EXPECT_THAT(message([](load_options& o) { o.connections = 0; }),
                testing::HasSubstr("at least 1"));
}

}  // namespace
}  // namespace kevbench::workload::http
