// SPDX-License-Identifier: MIT
#include "http/responses.hpp"

#include <gtest/gtest.h>

#include <string>

namespace kevbench::workload::http {
namespace {

std::string text_of(responses& set, reply kind) {
    std::string text;
    for (const std::byte b : set.bytes(kind)) {
        text.push_back(static_cast<char>(b));
    }
    return text;
}

TEST(Responses, OneByteReplyIsWhatTheClientsCount) {
    responses set(1);
    EXPECT_EQ(text_of(set, reply::ok_keep),
              "HTTP/1.1 200 OK\r\nServer: kevbench\r\nContent-Type: text/plain\r\n"
              "Content-Length: 1\r\n\r\nk");
}

TEST(Responses, HeadAnnouncesTheLengthButSendsNoBody) {
    responses set(5);
    const auto text = text_of(set, reply::head_close);
    EXPECT_NE(text.find("Content-Length: 5\r\n"), text.npos);
    EXPECT_TRUE(text.ends_with("\r\n\r\n"));
}

TEST(Responses, RepliesSayCloseExactlyWhenTheConnectionCloses) {
    responses set(1);
    for (std::size_t i = 0; i < reply_kinds; ++i) {
        const auto kind = static_cast<reply>(i);
        const bool says = text_of(set, kind).find("Connection: close\r\n") != std::string::npos;
        EXPECT_EQ(says, closes(kind)) << i;
    }
}

TEST(Responses, EmptyBodyIsAllowed) {
    responses set(0);
    EXPECT_TRUE(text_of(set, reply::ok_keep).ends_with("Content-Length: 0\r\n\r\n"));
}

TEST(ChooseReply, FollowsRequestAndServerPolicy) {
    const request modern{.head = false, .keep_alive = true, .http_1_0 = false};
    const request old{.head = true, .keep_alive = true, .http_1_0 = true};
    EXPECT_EQ(choose_reply(scan_outcome::request, modern, true), reply::ok_keep);
    EXPECT_EQ(choose_reply(scan_outcome::request, modern, false), reply::ok_close);
    EXPECT_EQ(choose_reply(scan_outcome::request, old, true), reply::head_keep_explicit);
    EXPECT_EQ(choose_reply(scan_outcome::request, old, false), reply::head_close);
    EXPECT_EQ(choose_reply(scan_outcome::head_too_large, {}, true), reply::head_too_large);
    EXPECT_EQ(choose_reply(scan_outcome::malformed, {}, true), reply::bad_request);
}

}  // namespace
}  // namespace kevbench::workload::http
