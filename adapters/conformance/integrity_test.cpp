// SPDX-License-Identifier: MIT
//
// Every byte arrives, in order, through every source, both ways.
#include <fmt/format.h>

#include <cstring>

#include "fixture.hpp"

namespace kevbench::adapter::conformance {
namespace {

/// Bytes whose every position is recognisable: period 251 is coprime to any buffer size.
std::string pattern(std::size_t size) {
    std::string bytes(size, '\0');
    for (std::size_t at = 0; at < size; ++at) {
        bytes[at] = static_cast<char>(at % 251);
    }
    return bytes;
}

TEST_P(ConformanceTest, EveryByteArrivesInOrder) {
    open();
    const std::string sent = pattern(300'000);
    for (const source kind : every_stream) {
        SCOPED_TRACE(name_of(kind));
        channel link{kind};
        watch target = link.make_watch();
        ASSERT_EQ(adapter().add(target), 0);
        std::string received;
        std::size_t offset = 0;
        EXPECT_TRUE(await(
            [&] {
                // Pieces of changing size, as many as fit.
                for (std::size_t moved = 1; moved != 0 && offset < sent.size(); offset += moved) {
                    moved =
                        link.write(std::string_view{sent}.substr(offset, 1 + offset * 7 % 6000));
                }
                return received.size() == sent.size();
            },
            [&](const event& delivered) { consume(delivered, received); }));
        EXPECT_TRUE(received == sent) << received.size() << " bytes";
        EXPECT_EQ(error, 0);
        EXPECT_EQ(adapter().remove(target), 0);
    }
}

TEST_P(ConformanceTest, EveryCountOfAnEventfdArrives) {
    open();
    const channel link{source::eventfd};
    watch target = link.make_watch();
    ASSERT_EQ(adapter().add(target), 0);
    std::uint64_t fired = 0;
    std::uint64_t counted = 0;
    EXPECT_TRUE(await(
        [&] {
            for (; fired < 1000 && fired < counted + 3; ++fired) {
                link.fire();
            }
            return counted == 1000;
        },
        [&](const event& delivered) {
            std::string received;
            consume(delivered, received);
            for (std::size_t at = 0; at + 8 <= received.size(); at += 8) {
                std::uint64_t value = 0;
                std::memcpy(&value, received.data() + at, sizeof value);
                counted += value;
            }
        }));
    EXPECT_EQ(counted, fired);
    EXPECT_EQ(adapter().remove(target), 0);
}

TEST_P(ConformanceTest, SendsArriveAndAreReported) {
    open();
    for (const source kind : {source::unix_stream, source::tcp}) {
        SCOPED_TRACE(name_of(kind));
        const channel link{kind};
        watch target = link.make_watch();
        ASSERT_EQ(adapter().add(target), 0);
        for (const std::size_t size : {std::size_t{1}, std::size_t{64}, std::size_t{20'000}}) {
            std::string bytes = pattern(size);
            EXPECT_EQ(send_all(target, bytes), static_cast<std::int64_t>(size));
            EXPECT_EQ(link.read_far(bytes.size()), bytes);
        }
        EXPECT_EQ(adapter().remove(target), 0);
    }
}

TEST_P(ConformanceTest, RequestAndAnswerManyTimes) {
    open();
    const channel link{source::tcp};
    watch target = link.make_watch();
    ASSERT_EQ(adapter().add(target), 0);
    std::string request;
    for (int round = 0; round < 200; ++round) {
        const std::string message = fmt::format("request {}", round);
        ASSERT_EQ(link.write(message), message.size());
        request.clear();
        ASSERT_TRUE(await([&] { return request.size() >= message.size(); },
                          [&](const event& delivered) { consume(delivered, request); }));
        ASSERT_EQ(request, message);
        ASSERT_EQ(send_all(target, request), static_cast<std::int64_t>(message.size()));
        ASSERT_EQ(link.read_far(message.size()), message);
    }
    EXPECT_EQ(adapter().remove(target), 0);
}

}  // namespace
}  // namespace kevbench::adapter::conformance
