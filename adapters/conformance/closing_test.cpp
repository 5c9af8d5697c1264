// SPDX-License-Identifier: MIT
//
// The ends of connections: end of stream, half-close, reset, hang-up.
#include <poll.h>
#include <sys/socket.h>

#include <cerrno>

#include "fixture.hpp"

namespace kevbench::adapter::conformance {
namespace {

TEST_P(ConformanceTest, EndOfStreamComesAfterTheData) {
    open();
    for (const source kind : every_stream) {
        SCOPED_TRACE(name_of(kind));
        channel link{kind};
        watch target = link.make_watch();
        ASSERT_EQ(adapter().add(target), 0);
        ASSERT_EQ(link.write("farewell"), 8U);
        link.close_far();
        std::string received;
        ended = false;
        EXPECT_TRUE(await([&] { return ended; },
                          [&](const event& delivered) { consume(delivered, received); }));
        EXPECT_EQ(received, "farewell");
        EXPECT_EQ(error, 0);
        EXPECT_EQ(adapter().remove(target), 0);
    }
}

TEST_P(ConformanceTest, HalfCloseLeavesTheOtherDirectionOpen) {
    open();
    for (const source kind : {source::unix_stream, source::tcp}) {
        SCOPED_TRACE(name_of(kind));
        const channel link{kind};
        watch target = link.make_watch();
        ASSERT_EQ(adapter().add(target), 0);
        ASSERT_EQ(link.write("question"), 8U);
        ASSERT_EQ(::shutdown(link.far(), SHUT_WR), 0);
        std::string received;
        ended = false;
        EXPECT_TRUE(await([&] { return ended; },
                          [&](const event& delivered) { consume(delivered, received); }));
        EXPECT_EQ(received, "question");
        std::string answer = "answer";
        EXPECT_EQ(send_all(target, answer), 6);
        EXPECT_EQ(link.read_far(6), "answer");
        EXPECT_EQ(adapter().remove(target), 0);
    }
}

TEST_P(ReadinessTest, HalfCloseIsToldToThoseWhoAskWhereTheMechanismKnows) {
    const bool knows =
        fixed().mechanism != "select" && !(fixed().mechanism == "epoll" && has(caps::exclusive));
    open();
    const channel link{source::tcp};
    watch target = link.make_watch(bits::readable | bits::read_hangup);
    ASSERT_EQ(adapter().add(target), 0);
    ASSERT_EQ(::shutdown(link.far(), SHUT_WR), 0);
    ASSERT_TRUE(await_deliveries(1));
    EXPECT_EQ((deliveries.front().bits & bits::read_hangup) != 0, knows);
    EXPECT_NE(deliveries.front().bits & bits::readable, 0U);
    EXPECT_EQ(adapter().remove(target), 0);
}

TEST_P(ConformanceTest, ResetByThePeerIsReportedAsAnError) {
    open();
    channel link{source::tcp};
    watch target = link.make_watch();
    ASSERT_EQ(adapter().add(target), 0);
    settle();
    link.reset_far();
    std::string received;
    EXPECT_TRUE(await([&] { return error != 0; },
                      [&](const event& delivered) {
                          if (tells_errors()) {
                              EXPECT_NE(delivered.bits & (bits::error | bits::hangup), 0U);
                          }
                          consume(delivered, received);
                      }));
    EXPECT_EQ(error, ECONNRESET);
    EXPECT_EQ(adapter().remove(target), 0);
}

TEST_P(ReadinessTest, ReArmingWhileReadyKeepsNothingOpenAfterRemoval) {
    if (!has(caps::modify)) {
        return;
    }
    open();
    channel link{source::tcp};
    watch target = link.make_watch();
    ASSERT_EQ(adapter().add(target), 0);
    settle();
    ASSERT_EQ(link.write("pending"), 7U);
    ASSERT_EQ(::shutdown(link.far(), SHUT_WR), 0);
    // Each of these replaces a registration that is about to report.
    for (const std::uint32_t interest : {bits::readable | bits::writable, bits::readable}) {
        target.interest = interest;
        ASSERT_EQ(adapter().modify(target), 0);
        ASSERT_EQ(adapter().modify(target), 0);
    }
    EXPECT_EQ(adapter().remove(target), 0);
    link.close_near();
    settle();
    pollfd far{link.far(), 0, 0};  // hang-up and error need no asking
    EXPECT_EQ(::poll(&far, 1, static_cast<int>(patience.count()) * 1000), 1)
        << "the peer was not told of the close";
}

TEST_P(ReadinessTest, HangUpNeedsNoInterestWhereTheMechanismKnows) {
    if (fixed().mechanism == "select") {
        return;  // it has no notion of a hang-up, only of reading and writing
    }
    open();
    channel link{source::unix_stream};
    watch target = link.make_watch(0);
    ASSERT_EQ(adapter().add(target), 0);
    link.close_far();
    ASSERT_TRUE(await_deliveries(1));
    EXPECT_NE(deliveries.front().bits & bits::hangup, 0U);
    EXPECT_EQ(adapter().remove(target), 0);
}

TEST_P(ConformanceTest, SendingIntoABrokenPipeFailsWithoutASignalOnSockets) {
    open();
    channel link{source::unix_stream};
    watch target = link.make_watch(0);
    ASSERT_EQ(adapter().add(target), 0);
    link.close_far();
    std::string bytes = "lost";
    // An unhandled SIGPIPE would end the test program.
    EXPECT_EQ(send_all(target, bytes), -EPIPE);
    EXPECT_EQ(adapter().remove(target), 0);
}

}  // namespace
}  // namespace kevbench::adapter::conformance
