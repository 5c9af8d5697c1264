// SPDX-License-Identifier: MIT
//
// One client, every variant that this machine has: the same bytes in answer to the same bytes,
// however they are cut, and no client can take the server down.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <algorithm>
#include <cctype>
#include <string>
#include <vector>

#include "http/responses.hpp"
#include "http/test_support.hpp"
#include "kevbench/adapter/registry.hpp"

namespace kevbench::workload::http {
namespace {

constexpr std::string_view closing = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";

struct named_variant {
    std::string mechanism;
    std::string variant;
};

/// The null server and every available variant.
std::vector<named_variant> variants() {
    std::vector<named_variant> all;
    for (const adapter::listing& each : adapter::list_variants()) {
        const bool synthetic = (each.fixed.capabilities & adapter::caps::synthetic) != 0;
        if (synthetic || each.state.available) {
            all.push_back({std::string(each.fixed.mechanism), std::string(each.fixed.variant)});
        }
    }
    return all;
}

std::string test_name(const named_variant& which) {
    std::string name = which.mechanism + "_" + which.variant;
    std::replace_if(
        name.begin(), name.end(),
        [](char c) { return std::isalnum(static_cast<unsigned char>(c)) == 0; }, '_');
    return name;
}

class HttpServer : public testing::TestWithParam<named_variant> {
  protected:
#ifdef KVB_THREAD_SANITIZER
    void SetUp() override {
        if (GetParam().variant == "pwait2") {
            GTEST_SKIP()
                << "ThreadSanitizer does not know epoll_pwait2 and delivers the signal that "
                   "stops the server never";
        }
    }
#endif

    static http_options options(std::uint32_t connections = 16) {
        http_options chosen;
        chosen.mechanism = GetParam().mechanism;
        chosen.variant = GetParam().variant;
        chosen.connections = connections;
        return chosen;
    }
};

TEST_P(HttpServer, AnswersRequestAfterRequestOnOneConnection) {
    server_process server(options());
    const std::string expected = reply_text(reply::ok_keep);
    client one(server.port());
    for (int round = 0; round < 20; ++round) {
        ASSERT_TRUE(one.send(plain));
        ASSERT_EQ(one.receive(expected.size()), expected);
    }
    const auto done = server.stop();
    EXPECT_EQ(done.at("requests"), 20);
    EXPECT_EQ(done.at("replies"), 20);
    EXPECT_EQ(done.at("connections"), 1);
    EXPECT_GE(done.at("waits").get<int>(), 1);
    for (const auto& [name, count] : done.at("errors").items()) {
        EXPECT_EQ(count, 0) << name;
    }
}

TEST_P(HttpServer, AnswersPipelinedRequestsInOrder) {
    server_process server(options());
    std::string asked;
    std::string expected;
    for (int round = 0; round < 200; ++round) {
        asked.append(plain).append("HEAD /x HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
        expected += reply_text(reply::ok_keep) + reply_text(reply::head_keep_explicit);
    }
    asked.append(closing);
    expected += reply_text(reply::ok_close);
    client one(server.port());
    ASSERT_TRUE(one.send(asked));
    EXPECT_EQ(one.receive(expected.size() + 1), expected);
    EXPECT_EQ(server.stop().at("requests"), 401);
}

TEST_P(HttpServer, AnswersARequestThatArrivesInSingleBytes) {
    server_process server(options());
    const std::string expected = reply_text(reply::ok_keep);
    client slow(server.port());
    client other(server.port());
    for (const char byte : plain) {
        // The answered neighbour shows that the server has been round since the last byte.
        ASSERT_TRUE(slow.send({&byte, 1}));
        ASSERT_TRUE(other.send(plain));
        ASSERT_EQ(other.receive(expected.size()), expected);
    }
    EXPECT_EQ(slow.receive(expected.size()), expected);
}

TEST_P(HttpServer, AnswersAClientThatShutsItsSideAtOnce) {
    server_process server(options());
    const std::string expected = reply_text(reply::ok_keep);
    for (int round = 0; round < 10; ++round) {
        client one(server.port());
        ASSERT_TRUE(one.send(plain));
        one.shut_writing();
        ASSERT_EQ(one.receive(expected.size()), expected);
        ASSERT_EQ(one.await_end(), client::ending::closed);
    }
}

TEST_P(HttpServer, ClosesWhenTheClientAsksAndWhenToldToCloseAlways) {
    const std::string expected = reply_text(reply::ok_close);
    for (const bool keep_alive : {true, false}) {
        http_options chosen = options();
        chosen.keep_alive = keep_alive;
        server_process server(chosen);
        for (int round = 0; round < 40; ++round) {  // more than there are connection slots
            client one(server.port());
            ASSERT_TRUE(one.send(keep_alive ? closing : plain));
            ASSERT_EQ(one.receive(expected.size()), expected);
            ASSERT_EQ(one.await_end(), client::ending::closed);
        }
        EXPECT_EQ(server.stop().at("requests"), 40);
    }
}

TEST_P(HttpServer, RefusesWithAStatusThatTheClientCanRead) {
    struct refusal {
        std::string request;
        reply expected;
        std::string counted;
    };
    const std::vector<refusal> cases = {
        {"rubbish\r\n\r\n", reply::bad_request, "bad_request"},
        {"POST / HTTP/1.1\r\nHost: a\r\n\r\n", reply::method_unknown, "method_unknown"},
        {"GET / HTTP/3.0\r\nHost: a\r\n\r\n", reply::version_unknown, "version_unknown"},
        {"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc", reply::body_refused,
         "body_refused"},
        {"GET / HTTP/1.1\r\nX: " + std::string(20'000, 'x'), reply::head_too_large,
         "head_too_large"},
    };
    server_process server(options());
    for (const refusal& each : cases) {
        client one(server.port());
        ASSERT_TRUE(one.send(each.request));
        const std::string expected = reply_text(each.expected);
        // More input on the way must not turn the end into a reset.
        EXPECT_EQ(one.receive(expected.size()), expected);
        EXPECT_TRUE(one.send("and more"));
        EXPECT_EQ(one.await_end(), client::ending::closed) << each.counted;
    }
    const auto done = server.stop();
    for (const refusal& each : cases) {
        EXPECT_EQ(done.at("errors").at(each.counted), 1) << each.counted;
    }
    EXPECT_EQ(done.at("requests"), 0);
    EXPECT_EQ(done.at("replies"), cases.size());
}

TEST_P(HttpServer, SurvivesClientsThatDisappear) {
    server_process server(options());
    const std::string expected = reply_text(reply::ok_keep);
    for (int round = 0; round < 10; ++round) {
        client(server.port()).vanish();
        client idle(server.port());
        ASSERT_TRUE(idle.send(plain));
        ASSERT_EQ(idle.receive(expected.size()), expected);
        idle.vanish();
        client halfway(server.port());
        ASSERT_TRUE(halfway.send("GET / HT"));
        halfway.shut_writing();
        ASSERT_EQ(halfway.await_end(), client::ending::closed);
    }
    client last(server.port());
    ASSERT_TRUE(last.send(plain));
    EXPECT_EQ(last.receive(expected.size()), expected);
    const auto done = server.stop();
    EXPECT_EQ(done.at("errors").at("end_in_request"), 10);
    EXPECT_EQ(done.at("requests"), 11);
}

TEST_P(HttpServer, SurvivesClientsThatDisappearWhileTheyAreSentTo) {
    http_options chosen = options();
    chosen.body = 1 << 20;
    server_process server(chosen);
    const std::size_t size = reply_text(reply::ok_keep, chosen.body).size();
    for (int round = 0; round < 5; ++round) {
        client one(server.port());
        for (int depth = 0; depth < 8; ++depth) {
            ASSERT_TRUE(one.send(plain));
        }
        ASSERT_EQ(one.receive(1000).size(), 1000U);
        one.vanish();
    }
    client last(server.port());
    ASSERT_TRUE(last.send(plain));
    EXPECT_EQ(last.receive(size).size(), size);
    const auto errors = server.stop().at("errors");
    // Which of the two notices first depends on the mechanism.
    EXPECT_EQ(errors.at("send_failed").get<int>() + errors.at("reset").get<int>(), 5);
}

TEST_P(HttpServer, SendsLargeBodiesWholeToAReaderThatStartsLate) {
    http_options chosen = options();
    chosen.body = 3'000'000;
    server_process server(chosen);
    client one(server.port());
    for (int depth = 0; depth < 3; ++depth) {
        ASSERT_TRUE(one.send(plain));
    }
    one.shut_writing();
    // Reading starts only after another request was served meanwhile.
    client other(server.port());
    ASSERT_TRUE(other.send("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n"));
    const std::string head = reply_text(reply::head_keep, chosen.body);
    ASSERT_EQ(other.receive(head.size()), head);
    const std::string expected = reply_text(reply::ok_keep, chosen.body);
    for (int depth = 0; depth < 3; ++depth) {
        ASSERT_TRUE(one.receive(expected.size()) == expected) << depth;
    }
    EXPECT_EQ(one.await_end(), client::ending::closed);
    EXPECT_EQ(server.stop().at("replies"), 4);
}

TEST_P(HttpServer, ServesAThousandConnectionsOpenedAtOnce) {
    constexpr std::uint32_t count = 1000;
    server_process server(options(count));
    const std::string expected = reply_text(reply::ok_keep);
    std::vector<client> all;
    for (std::uint32_t at = 0; at < count; ++at) {
        all.emplace_back(server.port());
        ASSERT_TRUE(all.back().send(plain));
    }
    for (client& each : all) {
        ASSERT_EQ(each.receive(expected.size()), expected);
    }
    const auto done = server.stop();
    EXPECT_EQ(done.at("requests"), count);
    EXPECT_EQ(done.at("connections"), count);
}

TEST_P(HttpServer, ClosesConnectionsBeyondItsLimitAndTakesNewOnesLater) {
    server_process server(options(2));
    const std::string expected = reply_text(reply::ok_keep);
    const auto served = [&](client& one) {
        return one.send(plain) && one.receive(expected.size()) == expected;
    };
    client first(server.port());
    ASSERT_TRUE(served(first));
    {
        client second(server.port());
        ASSERT_TRUE(served(second));
        client third(server.port());
        EXPECT_NE(third.await_end(), client::ending::none);
        second.send(closing);
        const std::string last = reply_text(reply::ok_close);
        ASSERT_EQ(second.receive(last.size()), last);
        ASSERT_EQ(second.await_end(), client::ending::closed);
    }
    client fourth(server.port());
    EXPECT_TRUE(served(fourth));
    EXPECT_EQ(server.stop().at("errors").at("over_limit"), 1);
}

/// Leaves the process about twenty descriptors, the server's own included. Before the server
/// starts, since io_uring remembers the limit of the time when an operation was prepared.
void use_up_descriptors() {
    constexpr rlim_t limit = 100;
    constexpr int left = 20;
    const rlimit both{limit, limit};
    ::setrlimit(RLIMIT_NOFILE, &both);
    while (::open("/dev/null", O_RDONLY | O_CLOEXEC) < static_cast<int>(limit) - left - 1) {
    }
}

TEST_P(HttpServer, WaitsForDescriptorsWithoutSpinning) {
    server_process server(options(32), use_up_descriptors);
    const std::string expected = reply_text(reply::ok_keep);
    std::vector<client> waiting;
    for (int at = 0; at < 24; ++at) {
        waiting.emplace_back(server.port());
        ASSERT_TRUE(waiting.back().send(plain));
    }
    // The last to be served shows where the limit is; the next one waits.
    std::size_t answered = 0;
    while (answered < waiting.size() && await(waiting[answered].fd(), POLLIN, 150)) {
        ASSERT_EQ(waiting[answered].receive(expected.size()), expected);
        ++answered;
    }
    ASSERT_GT(answered, 0U);
    ASSERT_LT(answered, waiting.size());
    client gone = std::move(waiting.front());
    ASSERT_TRUE(gone.send(closing));
    const std::string last = reply_text(reply::ok_close);
    ASSERT_EQ(gone.receive(last.size()), last);
    EXPECT_EQ(waiting[answered].receive(expected.size()), expected);
    const auto done = server.stop();
    EXPECT_GE(done.at("errors").at("accept_limited").get<int>(), 1);
    if (GetParam().mechanism != "null") {
        EXPECT_LT(done.at("waits").get<int>(), 500) << "the listener was reported over and over";
    }
}

INSTANTIATE_TEST_SUITE_P(Http, HttpServer, testing::ValuesIn(variants()),
                         [](const auto& given) { return test_name(given.param); });

TEST(ServeHttp, PortInUseIsOneLineThatNamesTheRemedy) {
    http_options chosen;
    const net::listener taken = net::listen_on("127.0.0.1", 0);
    chosen.port = taken.port;
    server_process server(chosen);
    const std::string text = server.line();
    EXPECT_THAT(text, testing::HasSubstr("port " + std::to_string(taken.port)));
    EXPECT_THAT(text, testing::HasSubstr("--port 0"));
    EXPECT_EQ(server.exit_status(), 4);
}

TEST(ServeHttp, WrongRequestsAreUsageErrors) {
    const auto message = [](auto change) {
        http_options chosen;
        change(chosen);
        server_process server(chosen);
        std::string text = server.line();
        EXPECT_EQ(server.exit_status(), 4) << text;
        return text;
    };
    EXPECT_THAT(message([](http_options& o) { o.mechanism = "epol"; }),
                testing::HasSubstr("epoll"));
    EXPECT_THAT(message([](http_options& o) { o.address = "localhost"; }),
                testing::HasSubstr("IPv4"));
    EXPECT_THAT(message([](http_options& o) { o.address = "192.0.2.1"; }),
                testing::HasSubstr("not an address of this machine"));
    EXPECT_THAT(message([](http_options& o) { o.connections = 1'000'000'000; }),
                testing::HasSubstr("RLIMIT_NOFILE"));
}

TEST(ParseHttpOptions, ReadsEveryOption) {
    const std::vector<std::string_view> words = {
        "--mechanism", "poll", "--variant",     "ppoll", "--address", "127.0.0.2",
        "--port",      "80",   "--body",        "7",     "--batch",   "9",
        "--keepalive", "off",  "--connections", "3"};
    const http_options read = parse_http_options(words);
    EXPECT_EQ(read.mechanism, "poll");
    EXPECT_EQ(read.variant, "ppoll");
    EXPECT_EQ(read.address, "127.0.0.2");
    EXPECT_EQ(read.port, 80);
    EXPECT_EQ(read.body, 7U);
    EXPECT_EQ(read.batch, 9U);
    EXPECT_FALSE(read.keep_alive);
    EXPECT_EQ(read.connections, 3U);
}

TEST(ParseHttpOptions, NamesWhatIsPossible) {
    const auto message = [](std::vector<std::string_view> words) -> std::string {
        try {
            static_cast<void>(parse_http_options(words));
        } catch (const usage_error& error) {
            return error.what();
        }
        return "accepted";
    };
    EXPECT_THAT(message({"--port", "65536"}), testing::HasSubstr("from 0 to 65535"));
    EXPECT_THAT(message({"--port", "8o"}), testing::HasSubstr("whole number"));
    EXPECT_THAT(message({"--port"}), testing::HasSubstr("needs a value"));
    EXPECT_THAT(message({"--keepalive", "yes"}), testing::HasSubstr("on or off"));
    EXPECT_THAT(message({"--threads", "2"}), testing::HasSubstr("unknown option '--threads'"));
}

}  // namespace
}  // namespace kevbench::workload::http
