// SPDX-License-Identifier: MIT
//
// What only adapters with operations in flight can get wrong: memory touched too late, buffers
// lost, sends out of order, connections leaked.
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <deque>

#include "fixture.hpp"

namespace kevbench::adapter::conformance {
namespace {

/// More than any socket buffer, so that the rest of it stays in flight.
constexpr std::size_t too_much = std::size_t{16} << 20;

submission start_send(subject& adapter, watch& target, std::string& bytes) {
    return adapter.submit(
        {op_kind::send, &target, reinterpret_cast<std::byte*>(bytes.data()), bytes.size()});
}

/// Everything up to end of stream.
std::string read_to_end(const channel& link) {
    std::string all;
    pollfd ready{link.far(), POLLIN, 0};
    while (::poll(&ready, 1, static_cast<int>(patience.count()) * 1000) == 1) {
        std::string more = link.read_far();
        if (more.empty()) {
            break;
        }
        all += more;
    }
    return all;
}

TEST_P(CompletionTest, RemovalWithASendInFlightWaitsForTheKernel) {
    open();
    for (const source kind : {source::unix_stream, source::tcp}) {
        SCOPED_TRACE(name_of(kind));
        channel link{kind};
        watch target = link.make_watch();
        ASSERT_EQ(adapter().add(target), 0);
        std::string bytes(too_much, 'A');
        ASSERT_EQ(start_send(adapter(), target, bytes).outcome, verdict::queued);
        ASSERT_EQ(adapter().flush(), 0);
        ASSERT_EQ(adapter().remove(target), 0);
        // From here on the buffer is ours again: what is sent now would be seen by the peer.
        std::fill(bytes.begin(), bytes.end(), 'B');
        link.close_near();
        settle();
        const std::string arrived = read_to_end(link);
        EXPECT_LT(arrived.size(), too_much) << "nothing was in flight";
        EXPECT_EQ(arrived.find('B'), std::string::npos) << "the buffer was read after remove()";
        EXPECT_EQ(deliveries_to(target), 0U);
    }
}

TEST_P(CompletionTest, CloseWithASendInFlightWaitsForTheKernel) {
    open();
    channel link{source::unix_stream};
    watch target = link.make_watch();
    ASSERT_EQ(adapter().add(target), 0);
    std::string bytes(too_much, 'A');
    ASSERT_EQ(start_send(adapter(), target, bytes).outcome, verdict::queued);
    adapter().close();
    std::fill(bytes.begin(), bytes.end(), 'B');
    link.close_near();
    EXPECT_EQ(read_to_end(link).find('B'), std::string::npos);
}

TEST_P(CompletionTest, RemovalOfASendingWatchKeepsTheEventsOfOthers) {
    open();
    const channel sending{source::unix_stream};
    std::deque<channel> links;
    std::vector<watch> targets(8);
    for (watch& target : targets) {
        target = links.emplace_back(source::unix_stream).make_watch();
        ASSERT_EQ(adapter().add(target), 0);
    }
    watch sender = sending.make_watch();
    ASSERT_EQ(adapter().add(sender), 0);
    std::string bytes(too_much, 'A');
    ASSERT_EQ(start_send(adapter(), sender, bytes).outcome, verdict::queued);
    ASSERT_EQ(adapter().flush(), 0);
    for (const channel& link : links) {
        link.fire();
    }
    // Removed from inside a delivery, with the other events of the batch still to come.
    std::vector<int> seen(targets.size(), 0);
    bool removed = false;
    EXPECT_TRUE(await([&] { return std::count(seen.begin(), seen.end(), 1) == 8; },
                      [&](const event& delivered) {
                          ++seen[static_cast<std::size_t>(delivered.target - targets.data())];
                          if (!removed) {
                              removed = true;
                              EXPECT_EQ(adapter().remove(sender), 0);
                          }
                      }));
}

TEST_P(CompletionTest, SendsOfOneWatchKeepTheirOrder) {
    open();
    const channel link{source::unix_stream};
    watch target = link.make_watch();
    ASSERT_EQ(adapter().add(target), 0);
    std::deque<std::string> parts;
    std::string expected;
    for (char letter = 'a'; letter < 'i'; ++letter) {
        parts.emplace_back(100'000, letter);
        expected += parts.back();
        ASSERT_EQ(start_send(adapter(), target, parts.back()).outcome, verdict::queued);
    }
    std::string arrived;
    std::size_t completed = 0;
    EXPECT_TRUE(await(
        [&] {
            arrived += link.read_far();
            return arrived.size() == expected.size() && completed == parts.size();
        },
        [&](const event& delivered) {
            EXPECT_EQ(delivered.bits, bits::sent);
            EXPECT_EQ(delivered.result, 100'000);
            ++completed;
        }));
    EXPECT_EQ(arrived, expected);
    EXPECT_EQ(adapter().remove(target), 0);
}

TEST_P(CompletionTest, TooManySendsAnswerFullAndStartNothing) {
    config settings;
    settings.ring_entries = 4;
    open(settings);
    const channel link{source::unix_stream};
    watch target = link.make_watch();
    ASSERT_EQ(adapter().add(target), 0);
    std::string bytes(200'000, 'x');
    std::size_t queued = 0;
    submission last{};
    while ((last = start_send(adapter(), target, bytes)).outcome == verdict::queued) {
        ASSERT_LT(++queued, 100U);
    }
    EXPECT_EQ(last.outcome, verdict::full);
    EXPECT_GE(queued, 1U);
    std::size_t arrived = 0;
    std::size_t completed = 0;
    EXPECT_TRUE(await(
        [&] {
            arrived += link.read_far().size();
            return completed == queued && arrived == queued * bytes.size();
        },
        [&](const event&) { ++completed; }));
    settle();
    EXPECT_TRUE(link.read_far().empty());
    EXPECT_EQ(start_send(adapter(), target, bytes).outcome, verdict::queued);
    EXPECT_EQ(adapter().remove(target), 0);
}

/// Connections that are received from until the end of their case.
class crowd {
  public:
    crowd(subject& adapter, std::size_t count) : targets(count), adapter_(adapter) {
        for (watch& target : targets) {
            target = links.emplace_back(source::unix_stream).make_watch();
            EXPECT_EQ(adapter_.add(target), 0);
        }
        EXPECT_EQ(adapter_.flush(), 0);
    }
    crowd(const crowd&) = delete;
    crowd& operator=(const crowd&) = delete;
    ~crowd() {
        for (watch& target : targets) {
            EXPECT_EQ(adapter_.remove(target), 0);
        }
    }

    std::deque<channel> links;
    std::vector<watch> targets;

  private:
    subject& adapter_;
};

TEST_P(CompletionTest, FewBuffersServeManyConnections) {
    const buffer_pool few{2, 16};
    config settings;
    settings.buffers = few.set();
    open(settings);
    crowd many{adapter(), 32};
    std::vector<std::string> received(many.targets.size());
    const std::string message = "longer than a single one of the two buffers";
    for (const channel& link : many.links) {
        ASSERT_EQ(link.write(message), message.size());
    }
    EXPECT_TRUE(await(
        [&] {
            return std::all_of(received.begin(), received.end(),
                               [&](const std::string& one) { return one == message; });
        },
        [&](const event& delivered) {
            consume(delivered,
                    received[static_cast<std::size_t>(delivered.target - many.targets.data())]);
        }));
    EXPECT_EQ(error, 0);
}

TEST_P(CompletionTest, ConnectionsThatWaitForABufferDoNotDependOnOneAnother) {
    const buffer_pool few{2, 16};
    config settings;
    settings.buffers = few.set();
    open(settings);
    crowd many{adapter(), 32};
    for (const channel& link : many.links) {
        link.fire();
    }
    ASSERT_TRUE(await_deliveries(1, 1));
    // Those that wait for a buffer wait for nothing now, all but the last of them.
    for (std::size_t at = 0; at + 1 < many.links.size(); ++at) {
        char byte = 0;
        static_cast<void>(::recv(many.links[at].near(), &byte, 1, MSG_DONTWAIT));
    }
    // Long waits, none of which ends before something is delivered: that another wait makes up for
    // what one forgot must not be needed.
    while (deliveries_to(many.targets.back()) == 0) {
        ASSERT_EQ(collect(patience.count() * 1000 * millisecond, 1), 1);
    }
}

TEST_P(CompletionTest, EndOfStreamReachesConnectionsThatWaitForABuffer) {
    const buffer_pool few{1, 16};
    config settings;
    settings.buffers = few.set();
    open(settings);
    std::deque<channel> links;
    std::vector<watch> targets(12);
    std::vector<int> ends(targets.size(), 0);
    for (watch& target : targets) {
        target = links.emplace_back(source::unix_stream).make_watch();
        ASSERT_EQ(adapter().add(target), 0);
    }
    for (channel& link : links) {
        ASSERT_EQ(link.write("x"), 1U);
        link.close_far();
    }
    EXPECT_TRUE(await([&] { return std::count(ends.begin(), ends.end(), 1) == 12; },
                      [&](const event& delivered) {
                          if (delivered.result == 0) {
                              ++ends[static_cast<std::size_t>(delivered.target - targets.data())];
                          }
                      },
                      1));
}

TEST_P(CompletionTest, DataStaysValidUntilTheNextWait) {
    open();
    std::deque<channel> links;
    std::vector<watch> targets(16);
    for (watch& target : targets) {
        target = links.emplace_back(source::unix_stream).make_watch();
        ASSERT_EQ(adapter().add(target), 0);
    }
    ASSERT_EQ(adapter().flush(), 0);
    for (int round = 0; round < 12; ++round) {  // more messages than buffers: all are reused
        for (std::size_t at = 0; at < links.size(); ++at) {
            ASSERT_EQ(links[at].write(std::string(100, static_cast<char>('a' + at))), 100U);
        }
        std::size_t seen = 0;
        std::vector<event> batch;
        const auto deadline = std::chrono::steady_clock::now() + patience;
        while (seen < links.size() && std::chrono::steady_clock::now() < deadline) {
            batch.clear();
            ASSERT_GE(adapter().wait(20 * millisecond, 64,
                                     [&](const event& delivered) { batch.push_back(delivered); }),
                      0);
            for (const event& one : batch) {
                ASSERT_EQ(one.result, 100);
                const auto at = static_cast<std::size_t>(one.target - targets.data());
                EXPECT_EQ(std::string(reinterpret_cast<const char*>(one.data), 100),
                          std::string(100, static_cast<char>('a' + at)));
                ++seen;
            }
        }
        ASSERT_EQ(seen, links.size());
    }
}

TEST_P(CompletionTest, ConnectionAcceptedAfterRemovalIsClosed) {
    open();
    const listener server;
    watch target{server.fd(), bits::acceptable, true};
    ASSERT_EQ(adapter().add(target), 0);
    ASSERT_EQ(adapter().flush(), 0);
    const detail::descriptor client = server.connect();
    ASSERT_EQ(adapter().remove(target), 0);
    settle();
    EXPECT_TRUE(deliveries.empty());
    // Either still in the backlog, where it can be accepted, or taken by the ring and closed again.
    pollfd ends[] = {{server.fd(), POLLIN, 0}, {client.get(), POLLIN, 0}};
    ASSERT_GE(::poll(ends, std::size(ends), static_cast<int>(patience.count()) * 1000), 1);
    const detail::descriptor waiting{::accept(server.fd(), nullptr, nullptr)};
    if (!waiting.valid()) {
        ASSERT_NE(ends[1].revents, 0);
        char byte = 0;
        EXPECT_LE(::read(client.get(), &byte, 1), 0);
    }
}

TEST_P(CompletionTest, BuffersAreRequiredAndChecked) {
    alignas(4096) static std::byte memory[3 * 4096];
    for (const buffer_set& bad :
         {buffer_set{}, buffer_set{memory, 3, 4096}, buffer_set{memory, 2, 0}}) {
        config settings;
        settings.buffers = bad;
        EXPECT_EQ(make_subject(fixed().mechanism, fixed().variant)->open(settings), -EINVAL);
    }
}

}  // namespace
}  // namespace kevbench::adapter::conformance
