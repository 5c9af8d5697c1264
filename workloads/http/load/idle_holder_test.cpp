// SPDX-License-Identifier: MIT
#include "http/load/idle_holder.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <thread>

#include "http/load/fake_server.hpp"
#include "http/test_support.hpp"
#include "kevbench/workload/error.hpp"

namespace kevbench::workload::http {
namespace {

using nlohmann::json;

/// Two connected sockets: the holder's stop and the end that stops it.
struct stop_line {
    stop_line() {
        std::array<int, 2> ends{-1, -1};
        if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends.data()) == 0) {
            watched.reset(ends[0]);
            far.reset(ends[1]);
        }
    }
    void pull() const { static_cast<void>(::send(far.get(), "", 1, MSG_NOSIGNAL)); }
    descriptor watched;
    descriptor far;
};

std::vector<json> lines_of(const std::string& text) {
    std::vector<json> found;
    std::istringstream stream(text);
    for (std::string line; std::getline(stream, line);) {
        found.push_back(json::parse(line));
    }
    return found;
}

idle_options toward(std::uint16_t port, std::uint32_t connections) {
    idle_options chosen;
    chosen.port = port;
    chosen.connections = connections;
    chosen.duration = 20.0;
    return chosen;
}

/// Stops the holder with its first line, which says that all connections stand.
class stop_at_first_line : public std::stringbuf {
  public:
    explicit stop_at_first_line(const stop_line& stop) : stop_(stop) {}

  protected:
    int sync() override {
        stop_.pull();
        return std::stringbuf::sync();
    }

  private:
    const stop_line& stop_;
};

TEST(IdleHolder, OpensAsManyConnectionsAsAskedAndKeepsThem) {
    constexpr std::uint32_t count = 1500;
    http_options serving;
    serving.connections = count + 1;
    server_process server(serving);
    const stop_line stop;
    stop_at_first_line output(stop);
    std::ostream announce(&output);
    idle_holder(toward(server.port(), count), stop.watched.get()).run(announce);
    const auto said = lines_of(output.str());
    ASSERT_EQ(said.size(), 2U);
    EXPECT_EQ(said[0].at("state"), "holding");
    EXPECT_EQ(said[1].at("state"), "ended");
    EXPECT_EQ(said[1].at("open"), count);
    EXPECT_EQ(said[1].at("least"), count);
    EXPECT_EQ(said[1].at("dropped"), 0);
    EXPECT_EQ(server.stop().at("connections"), count);
}

TEST(IdleHolder, OpensDroppedConnectionsAnewAndCountsThem) {
    // Two of three are over the server's limit and closed as soon as they are accepted.
    http_options serving;
    serving.connections = 1;
    server_process server(serving);
    const stop_line stop;
    std::ostringstream announce;
    idle_options chosen = toward(server.port(), 3);
    chosen.duration = 0.3;
    idle_holder(chosen, stop.watched.get()).run(announce);
    const json end = lines_of(announce.str()).back();
    EXPECT_GE(end.at("dropped"), 2);
    EXPECT_GE(end.at("opened").get<int>(), end.at("dropped").get<int>() + 1);
    EXPECT_GE(server.stop().at("errors").at("over_limit"), 2);
}

TEST(IdleHolder, ServerThatIsNotThereIsAFault) {
    const std::uint16_t port = net::listen_on("127.0.0.1", 0).port;  // closed again
    const stop_line stop;
    std::ostringstream announce;
    EXPECT_THROW(idle_holder(toward(port, 100), stop.watched.get()).run(announce), fault);
}

}  // namespace
}  // namespace kevbench::workload::http
