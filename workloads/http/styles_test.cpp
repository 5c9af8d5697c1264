// SPDX-License-Identifier: MIT
//
// The server's choices beside its mechanism: style, accepting, the limit of 2006.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "http/responses.hpp"
#include "http/test_support.hpp"

namespace kevbench::workload::http {
namespace {

struct mix {
    std::string mechanism;
    std::string variant;
    http_style style;
};

class Styles : public testing::TestWithParam<mix> {
  protected:
    static http_options options() {
        http_options chosen;
        chosen.mechanism = GetParam().mechanism;
        chosen.variant = GetParam().variant;
        chosen.style = GetParam().style;
        chosen.connections = 64;
        return chosen;
    }
};

TEST_P(Styles, GiveTheSameReplies) {
    server_process server(options());
    const std::string expected = reply_text(reply::ok_keep);
    client one(server.port());
    for (int round = 0; round < 10; ++round) {
        ASSERT_TRUE(one.send(plain));
        ASSERT_EQ(one.receive(expected.size()), expected);
    }
    std::string asked;
    std::string all;
    for (int round = 0; round < 50; ++round) {
        asked += plain;
        all += expected;
    }
    ASSERT_TRUE(one.send(asked));
    EXPECT_EQ(one.receive(all.size()), all);
    client leaving(server.port());
    ASSERT_TRUE(leaving.send(plain));
    leaving.shut_writing();
    EXPECT_EQ(leaving.receive(expected.size()), expected);
    EXPECT_EQ(leaving.await_end(), client::ending::closed);
    EXPECT_EQ(server.stop().at("replies"), 61);
}

TEST_P(Styles, EndConnectionsAfterTheReplyThatSaysSo) {
    http_options chosen = options();
    chosen.keep_alive = false;
    chosen.body = 500'000;  // more than a socket takes at once
    server_process server(chosen);
    const std::string expected = reply_text(reply::ok_close, chosen.body);
    for (int round = 0; round < 5; ++round) {
        client one(server.port());
        ASSERT_TRUE(one.send(plain));
        ASSERT_TRUE(one.receive(expected.size()) == expected);
        ASSERT_EQ(one.await_end(), client::ending::closed);
    }
    client refused(server.port());
    ASSERT_TRUE(refused.send("rubbish\r\n\r\n"));
    const std::string answer = reply_text(reply::bad_request);
    EXPECT_EQ(refused.receive(answer.size()), answer);
    EXPECT_TRUE(refused.send("and more"));
    EXPECT_EQ(refused.await_end(), client::ending::closed);
    EXPECT_EQ(server.stop().at("requests"), 5);
}

TEST_P(Styles, RequestsThatWaitAtAcceptingAreServed) {
    server_process server(options());
    const std::string expected = reply_text(reply::ok_keep);
    const std::uint16_t port = server.port();
    server.pause();
    std::vector<client> all;
    for (int at = 0; at < 20; ++at) {
        all.emplace_back(port);
        ASSERT_TRUE(all.back().send(plain));
    }
    server.go_on();
    for (client& each : all) {
        ASSERT_EQ(each.receive(expected.size()), expected);
    }
    const auto done = server.stop();
    EXPECT_EQ(done.at("requests"), 20);
    EXPECT_EQ(done.at("errors").at("reset"), 0);
}

std::string mix_name(const testing::TestParamInfo<mix>& given) {
    std::string name = given.param.mechanism + "_" + given.param.variant;
    name += given.param.style == http_style::naive ? "_naive" : "_optimistic";
    return name;
}

std::vector<mix> mixes() {
    std::vector<mix> all;
    for (const http_style style : {http_style::naive, http_style::optimistic}) {
        for (const auto& [mechanism, variant] : {std::pair{"epoll", "lt"},
                                                 {"epoll", "et"},
                                                 {"epoll", "oneshot"},
                                                 {"poll", "poll"},
                                                 {"select", "select"},
                                                 {"null", "null"}}) {
            all.push_back({mechanism, variant, style});
        }
    }
    return all;
}

INSTANTIATE_TEST_SUITE_P(Http, Styles, testing::ValuesIn(mixes()), mix_name);

http_options closing() {
    http_options chosen;
    chosen.keep_alive = false;
    return chosen;
}

void serve_one_that_waited(server_process& server) {
    const std::uint16_t port = server.port();
    const std::string expected = reply_text(reply::ok_close);
    server.pause();
    client one(port);
    ASSERT_TRUE(one.send(plain));
    server.go_on();
    ASSERT_EQ(one.receive(expected.size()), expected);
}

TEST(HttpStyles, OptimisticServerRegistersNothingThatHasArrived) {
    http_options chosen = closing();
    chosen.style = http_style::optimistic;
    server_process server(chosen);
    serve_one_that_waited(server);
    const auto done = server.stop();
    EXPECT_EQ(done.at("requests"), 1);
    EXPECT_EQ(done.at("registrations"), 0);
}

TEST(HttpStyles, NaiveServerChangesItsInterestForEveryReply) {
    http_options chosen;
    chosen.style = http_style::naive;
    server_process server(chosen);
    const std::string expected = reply_text(reply::ok_keep);
    client one(server.port());
    for (int round = 0; round < 10; ++round) {
        ASSERT_TRUE(one.send(plain));
        ASSERT_EQ(one.receive(expected.size()), expected);
    }
    const auto done = server.stop();
    EXPECT_EQ(done.at("changes"), 20);
    EXPECT_EQ(done.at("registrations"), 1);
}

TEST(HttpStyles, PlainServerRegistersOnceAndChangesNothing) {
    server_process server(closing());
    serve_one_that_waited(server);
    const auto done = server.stop();
    EXPECT_EQ(done.at("registrations"), 1);
    EXPECT_EQ(done.at("changes"), 0);
}

TEST(HttpStyles, RegistrationBeyondTheLimitLeavesTheConnectionUnserved) {
    http_options chosen;
    chosen.watch_limit = 5;  // listener, stop and two connections; the fifth is refused
    server_process server(chosen);
    const std::string expected = reply_text(reply::ok_keep);
    std::vector<client> all;
    for (int at = 0; at < 4; ++at) {
        all.emplace_back(server.port());
        ASSERT_TRUE(all.back().send(plain));
        if (at < 2) {
            ASSERT_EQ(all.back().receive(expected.size()), expected);
        }
    }
    // The first still is served after the refusals, which came before its second request.
    ASSERT_TRUE(all.front().send(plain));
    ASSERT_EQ(all.front().receive(expected.size()), expected);
    EXPECT_EQ(all.back().receive(1, 50), "");
    const auto done = server.stop();
    EXPECT_EQ(done.at("requests"), 3);
    EXPECT_EQ(done.at("connections"), 4);
    EXPECT_EQ(done.at("errors").at("not_watched"), 2);
}

TEST(HttpStyles, AcceptingOneAnEventServesAllWhereTheListenerIsReportedAgain) {
    http_options chosen = closing();
    chosen.accept_all = false;
    server_process server(chosen);
    const std::uint16_t port = server.port();
    const std::string expected = reply_text(reply::ok_close);
    server.pause();
    std::vector<client> all;
    for (int at = 0; at < 20; ++at) {
        all.emplace_back(port);
        ASSERT_TRUE(all.back().send(plain));
    }
    server.go_on();
    for (client& each : all) {
        ASSERT_EQ(each.receive(expected.size()), expected);
    }
    EXPECT_EQ(server.stop().at("connections"), 20);
}

TEST(HttpStyles, AcceptingOneAnEventLosesConnectionsOfAnEdgeTriggeredListener) {
    http_options chosen = closing();
    chosen.variant = "et";
    chosen.accept_all = false;
    server_process server(chosen);
    const std::uint16_t port = server.port();
    server.pause();
    std::vector<client> all;
    all.reserve(5);
    for (int at = 0; at < 5; ++at) {
        all.emplace_back(port);
    }
    server.go_on();
    // Each further connection gets one more accepted, so the last five are never reached.
    const std::string expected = reply_text(reply::ok_close);
    ASSERT_TRUE(all.front().send(plain));
    ASSERT_EQ(all.front().receive(expected.size()), expected);
    ASSERT_TRUE(all.back().send(plain));
    EXPECT_EQ(all.back().receive(1, 100), "");
    EXPECT_LT(server.stop().at("connections"), 5);
}

TEST(HttpStyles, CompletionHasNoStyle) {
    http_options chosen;
    chosen.mechanism = "io_uring";
    chosen.variant = "completion";
    chosen.style = http_style::naive;
    server_process server(chosen);
    const std::string text = server.line();
    if (text.find("not applicable") == std::string::npos) {
        GTEST_SKIP() << text;
    }
    EXPECT_THAT(text, testing::HasSubstr("completion"));
}

TEST(HttpReplySize, CountsTheHeadAndEveryDigit) {
    for (const std::uint32_t bytes : {150U, 1000U, 1100U, 2737U, 10'000U, 100'000U}) {
        EXPECT_EQ(reply_text(reply::ok_close, body_for_reply(bytes)).size(), bytes);
    }
    EXPECT_THROW(static_cast<void>(body_for_reply(20)), usage_error);
}

TEST(ParseHttpOptions, ReadsTheChoicesOfTheServer) {
    const std::vector<std::string_view> words = {"--style",       "optimistic", "--accept",  "one",
                                                 "--reply",       "2737",       "--backlog", "1024",
                                                 "--watch-limit", "4096"};
    const http_options read = parse_http_options(words);
    EXPECT_EQ(read.style, http_style::optimistic);
    EXPECT_FALSE(read.accept_all);
    EXPECT_EQ(read.body, body_for_reply(2737));
    EXPECT_EQ(read.backlog, 1024U);
    EXPECT_EQ(read.watch_limit, 4096U);
    const std::vector<std::string_view> wrong = {"--style", "clever"};
    EXPECT_THROW(static_cast<void>(parse_http_options(wrong)), usage_error);
}

}  // namespace
}  // namespace kevbench::workload::http
