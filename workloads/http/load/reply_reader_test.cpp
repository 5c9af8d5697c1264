// SPDX-License-Identifier: MIT
#include "http/load/reply_reader.hpp"

#include <gtest/gtest.h>

#include <string>

#include "http/request_scanner.hpp"

namespace kevbench::workload::http {
namespace {

using progress = reply_reader::progress;

constexpr std::string_view whole = "HTTP/1.1 200 OK\r\ncontent-length: 4\r\nX: y\r\n\r\nbody";

TEST(ReplyReader, EndDoesNotDependOnWhereTheStreamIsCut) {
    for (std::size_t first = 1; first < whole.size(); ++first) {
        for (std::size_t second = first; second < whole.size(); ++second) {
            reply_reader reader;
            progress at = progress::incomplete;
            for (const std::string_view part :
                 {whole.substr(0, first), whole.substr(first, second - first),
                  whole.substr(second)}) {
                if (!part.empty()) {
                    ASSERT_EQ(at, progress::incomplete) << first << ' ' << second;
                    const auto step = reader.take(part);
                    ASSERT_EQ(step.used, part.size());
                    at = step.at;
                }
            }
            ASSERT_EQ(at, progress::complete) << first << ' ' << second;
            ASSERT_EQ(reader.status(), 200);
        }
    }
}

TEST(ReplyReader, TakesNothingBeyondTheReply) {
    reply_reader reader;
    const std::string two = std::string(whole) + "HTTP/1.1 404 Not Found\r\n";
    const auto step = reader.take(two);
    EXPECT_EQ(step.at, progress::complete);
    EXPECT_EQ(step.used, whole.size());
}

TEST(ReplyReader, ReplyWithoutALengthEndsWithTheConnection) {
    reply_reader reader;
    EXPECT_EQ(reader.end(), progress::incomplete);
    EXPECT_EQ(reader.take("HTTP/1.0 200 OK\r\nServer: x\r\n\r\nsome").at, progress::incomplete);
    EXPECT_EQ(reader.take("thing").at, progress::incomplete);
    EXPECT_EQ(reader.end(), progress::complete);
}

TEST(ReplyReader, EndInsideALengthIsNoReply) {
    reply_reader reader;
    static_cast<void>(reader.take(whole.substr(0, whole.size() - 1)));
    EXPECT_EQ(reader.end(), progress::incomplete);
}

TEST(ReplyReader, RefusesWhatIsNoReply) {
    for (const std::string_view text :
         {"GET / HTTP/1.1\r\n\r\n", "HTTP/1.1 2x0 OK\r\n\r\n", "HTTP/1.1\r\n\r\n",
          "HTTP/1.1 200 OK\r\nno colon\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 1x\r\n\r\n",
          "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n"}) {
        reply_reader reader;
        EXPECT_EQ(reader.take(text).at, progress::malformed) << text;
    }
    reply_reader endless;
    EXPECT_EQ(endless.take(std::string(head_limit + 1, 'x')).at, progress::malformed);
}

TEST(ReplyReader, StartsAnewAfterReset) {
    reply_reader reader;
    static_cast<void>(reader.take("HTTP/1.1 500 Oops\r\nContent-Le"));
    EXPECT_TRUE(reader.begun());
    reader.reset();
    EXPECT_FALSE(reader.begun());
    EXPECT_EQ(reader.take(whole).at, progress::complete);
    EXPECT_EQ(reader.status(), 200);
}

}  // namespace
}  // namespace kevbench::workload::http
