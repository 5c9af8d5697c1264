// SPDX-License-Identifier: MIT
#include "http/request_scanner.hpp"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

namespace kevbench::workload::http {
namespace {

struct judged {
    scan_outcome outcome = scan_outcome::incomplete;
    bool head = false;
    bool keep_alive = false;
    bool http_1_0 = false;
    bool operator==(const judged&) const = default;
};

/// Everything the scanner says about `stream` when it is fed in pieces of the given sizes, the last
/// size repeating. Ends at the first outcome that has no continuation.
std::vector<judged> scan(std::string_view stream, const std::vector<std::size_t>& pieces) {
    request_scanner scanner;
    std::vector<judged> seen;
    std::size_t at = 0;
    while (!stream.empty()) {
        auto piece = stream.substr(0, pieces[std::min(at++, pieces.size() - 1)]);
        stream.remove_prefix(piece.size());
        while (!piece.empty()) {
            const auto step = scanner.next(piece);
            piece.remove_prefix(step.used);
            if (step.outcome == scan_outcome::incomplete) {
                EXPECT_TRUE(piece.empty());
                break;
            }
            seen.push_back(
                {step.outcome, step.parsed.head, step.parsed.keep_alive, step.parsed.http_1_0});
            if (step.outcome != scan_outcome::request) {
                return seen;
            }
        }
    }
    return seen;
}

scan_outcome outcome_of(std::string_view stream) {
    const auto seen = scan(stream, {stream.size()});
    return seen.empty() ? scan_outcome::incomplete : seen.front().outcome;
}

constexpr std::string_view plain = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

TEST(RequestScanner, AcceptsTheFormsThatLoadGeneratorsSend) {
    for (const std::string_view text : {
             plain,
             std::string_view(
                 "GET / HTTP/1.1\r\nUser-Agent: httperf/0.9.0\r\nHost: localhost\r\n\r\n"),
             std::string_view(
                 "GET /x?y=1%20z HTTP/1.1\r\nHost: 127.0.0.1:8080\r\nAccept:*/*\r\n\r\n"),
             std::string_view("GET http://a/ HTTP/1.1\r\nHost: a\r\n\r\n"),
             std::string_view("GET / HTTP/1.0\r\n\r\n"),
             std::string_view("HEAD / HTTP/1.1\r\nhOsT:\ta \r\nContent-Length: 0\r\n\r\n"),
         }) {
        EXPECT_EQ(outcome_of(text), scan_outcome::request) << text;
    }
}

TEST(RequestScanner, DecidesKeepAliveByVersionAndConnectionField) {
    const auto keeps = [](std::string_view version, std::string_view fields) {
        request_scanner scanner;
        std::string text = "GET / " + std::string(version) + "\r\nHost: a\r\n";
        text.append(fields).append("\r\n");
        const auto step = scanner.next(text);
        EXPECT_EQ(step.outcome, scan_outcome::request) << text;
        return step.parsed.keep_alive;
    };
    EXPECT_TRUE(keeps("HTTP/1.1", ""));
    EXPECT_FALSE(keeps("HTTP/1.0", ""));
    EXPECT_FALSE(keeps("HTTP/1.1", "Connection: close\r\n"));
    EXPECT_TRUE(keeps("HTTP/1.0", "Connection: Keep-Alive\r\n"));
    EXPECT_FALSE(keeps("HTTP/1.1", "Connection: foo , CLOSE\r\n"));
    EXPECT_FALSE(keeps("HTTP/1.1", "Connection: keep-alive\r\nConnection: close\r\n"));
    EXPECT_TRUE(keeps("HTTP/1.1", "Connection: closed,,\r\n"));
}

TEST(RequestScanner, RefusesWhatIsNotARequest) {
    for (const std::string_view text : {
             "\x16\x03\x01\x02\r\n\r\n",
             "GET\r\n\r\n",
             "GET /\r\n\r\n",
             "GET  HTTP/1.1\r\nHost: a\r\n\r\n",
             " GET / HTTP/1.1\r\nHost: a\r\n\r\n",
             "GET / HTTP/1.1 \r\nHost: a\r\n\r\n",
             "GET / HTTP/11\r\nHost: a\r\n\r\n",
             "GET / http/1.1\r\nHost: a\r\n\r\n",
             "GET a b HTTP/1.1\r\nHost: a\r\n\r\n",
             "GET /a b HTTP/1.1\r\nHost: a\r\n\r\n",
             "GET relative HTTP/1.1\r\nHost: a\r\n\r\n",
             "G(T / HTTP/1.1\r\nHost: a\r\n\r\n",
             "GET / HTTP/1.1\r\n\r\n",                        // no Host
             "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n",  // two
             "GET / HTTP/1.1\r\nHost : a\r\n\r\n",            // space before the colon
             "GET / HTTP/1.1\r\nHost: a\r\n folded\r\n\r\n",  // obsolete folding
             "GET / HTTP/1.1\r\nHost: a\r\nnocolon\r\n\r\n",
             "GET / HTTP/1.1\r\nHost: a\r\n: empty\r\n\r\n",
             "GET / HTTP/1.1\r\nHost: a\nX: b\r\n\r\n",  // bare LF
             "GET / HTTP/1.1\r\nHost: a\rX: b\r\n\r\n",  // bare CR
             "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
             "GET / HTTP/1.1\r\nHost: a\r\nContent-Length:\r\n\r\n",
         }) {
        EXPECT_EQ(outcome_of(text), scan_outcome::malformed) << text;
    }
    const std::string with_nul("GET / HTTP/1.1\r\nHost: a\0b\r\n\r\n", 29);
    EXPECT_EQ(outcome_of(with_nul), scan_outcome::malformed);
}

TEST(RequestScanner, NamesTheReasonWhereThereIsAStatusForIt) {
    EXPECT_EQ(outcome_of("POST / HTTP/1.1\r\nHost: a\r\n\r\n"), scan_outcome::method_unknown);
    EXPECT_EQ(outcome_of("get / HTTP/1.1\r\nHost: a\r\n\r\n"), scan_outcome::method_unknown);
    EXPECT_EQ(outcome_of("GET / HTTP/2.0\r\nHost: a\r\n\r\n"), scan_outcome::version_unknown);
    EXPECT_EQ(outcome_of("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 07\r\n\r\n"),
              scan_outcome::body_refused);
    EXPECT_EQ(outcome_of("GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"),
              scan_outcome::body_refused);
}

TEST(RequestScanner, HeadOfExactlyTheLimitPassesAndOneByteMoreDoesNot) {
    const auto with_size = [](std::size_t size) {
        std::string text = "GET / HTTP/1.1\r\nHost: a\r\nX: ";
        text.append(size - text.size() - 4, 'x').append("\r\n\r\n");
        return text;
    };
    for (const std::size_t piece : {std::size_t{1}, std::size_t{7}, head_limit, 2 * head_limit}) {
        EXPECT_EQ(scan(with_size(head_limit), {piece}).at(0).outcome, scan_outcome::request);
        EXPECT_EQ(scan(with_size(head_limit + 1), {piece}).at(0).outcome,
                  scan_outcome::head_too_large);
    }
}

TEST(RequestScanner, EndlessInputWithoutALineEndIsCutOffAtTheLimit) {
    request_scanner scanner;
    const std::string junk(100, 'a');
    std::size_t fed = 0;
    scan_outcome outcome = scan_outcome::incomplete;
    while (outcome == scan_outcome::incomplete && fed < 2 * head_limit) {
        outcome = scanner.next(junk).outcome;
        fed += junk.size();
    }
    EXPECT_EQ(outcome, scan_outcome::head_too_large);
    EXPECT_LT(fed, head_limit + junk.size());
}

TEST(RequestScanner, KnowsWhetherItIsInsideARequest) {
    request_scanner scanner;
    EXPECT_FALSE(scanner.inside_request());
    EXPECT_EQ(scanner.next("GET / HT").outcome, scan_outcome::incomplete);
    EXPECT_TRUE(scanner.inside_request());
    EXPECT_EQ(scanner.next("TP/1.1\r\nHost: a\r\n\r\n").outcome, scan_outcome::request);
    EXPECT_FALSE(scanner.inside_request());
}

TEST(RequestScanner, TheOutcomeNeverDependsOnWhereTheStreamIsCut) {
    std::mt19937_64 random(20061123);
    const std::vector<std::string> parts = {
        std::string(plain),
        "HEAD /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
        "\r\n",
        "\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nX: " + std::string(8000, 'y') + "\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nX: " + std::string(9000, 'y') + "\r\n\r\n",
        "rubbish\r\n\r\n",
        "\r",
        "\n",
    };
    for (int round = 0; round < 300; ++round) {
        std::string stream;
        for (std::size_t i = 0; i < 1 + random() % 6; ++i) {
            // Bad parts are the later ones and end the stream, so good ones come more often.
            stream += parts[std::min(random() % parts.size(), random() % parts.size())];
        }
        const auto whole = scan(stream, {stream.size()});
        ASSERT_EQ(scan(stream, {1}), whole);
        for (int cut = 0; cut < 5; ++cut) {
            std::vector<std::size_t> pieces(20);
            for (auto& piece : pieces) {
                piece = 1 + random() % 40;
            }
            pieces.push_back(1 + random() % 4096);
            ASSERT_EQ(scan(stream, pieces), whole) << "round " << round;
        }
    }
}

TEST(RequestScanner, ArbitraryBytesNeverBreakIt) {
    std::mt19937_64 random(7);
    constexpr std::string_view alphabet = "GET / HTP1.\r\n\r\n:aHost\0\x80 ,";
    for (int round = 0; round < 3000; ++round) {
        std::string stream;
        for (std::size_t i = 0; i < random() % 200; ++i) {
            stream.push_back(alphabet[random() % alphabet.size()]);
        }
        ASSERT_EQ(scan(stream, {1}), scan(stream, {stream.size() + 1}));
    }
}

}  // namespace
}  // namespace kevbench::workload::http
