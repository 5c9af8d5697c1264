// SPDX-License-Identifier: MIT
#include "protocol.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace kevbench::worker {
namespace {

using nlohmann::json;
using testing::HasSubstr;

class Protocol : public testing::Test {
  protected:
    json ask(const json& request) { return protocol_.answer(request.dump()); }
    json open(const json& params = json::object(), const char* mechanism = "epoll",
              const char* variant = "lt", const char* workload = "idle_scan") {
        return ask({{"do", "open"},
                    {"workload", workload},
                    {"mechanism", mechanism},
                    {"variant", variant},
                    {"params", params}});
    }
    void expect_refused(const json& answer, const char* kind, const char* text) {
        EXPECT_EQ(answer.at("ok"), false) << answer;
        EXPECT_EQ(answer.at("kind"), kind) << answer;
        const auto error = answer.at("error").get<std::string>();
        EXPECT_THAT(error, HasSubstr(text));
        EXPECT_THAT(error, testing::Not(HasSubstr("\n")));
    }

    protocol protocol_;
};

TEST_F(Protocol, OpensMeasuresAndCloses) {
    const auto opened = open({{"registered", "10"}});
    ASSERT_EQ(opened.at("ok"), true) << opened;
    EXPECT_THAT(opened.at("case_key").get<std::string>(), HasSubstr("idle_scan/epoll+lt/"));
    EXPECT_THAT(opened.at("case_key").get<std::string>(), HasSubstr("/registered=10/"));
    EXPECT_EQ(opened.at("operation"), "event");
    EXPECT_GT(opened.at("setup_ns"), 0);
    EXPECT_FALSE(opened.at("affinity").empty());

    const auto slice = ask({{"do", "slice"}, {"operations", 200}, {"timed", false}});
    ASSERT_EQ(slice.at("ok"), true) << slice;
    EXPECT_EQ(slice.at("ops"), 200);
    EXPECT_EQ(slice.at("messages"), 200);
    EXPECT_EQ(slice.at("events"), 200);
    EXPECT_EQ(slice.at("errors"), json::object());
    EXPECT_GT(slice.at("wall_ns"), 0);
    EXPECT_GT(slice.at("cpu_ns"), 0);
    EXPECT_TRUE(slice.at("order").is_string());
    EXPECT_FALSE(slice.contains("hist"));
    std::uint64_t waits = 0;
    for (const auto& count : slice.at("batches")) waits += count.get<std::uint64_t>();
    EXPECT_EQ(slice.at("waits"), waits);

    const auto closed = ask({{"do", "close"}});
    EXPECT_EQ(closed.at("ok"), true);
    EXPECT_GT(closed.at("teardown_ns"), 0);
    EXPECT_FALSE(protocol_.ended());
}

TEST_F(Protocol, SliceHasEveryFieldThatTheResultSchemaNames) {
    open();
    const auto slice = ask({{"do", "slice"}, {"operations", 1}});
    for (const auto* field :
         {"t_start_ns",  "ops",    "wall_ns",     "cpu_user_ns", "cpu_sys_ns", "vcsw",
          "ivcsw",       "minflt", "steal_ticks", "messages",    "bytes",      "order",
          "events",      "waits",  "would_block", "spurious",    "errors",     "batches",
          "load_cpu_ns", "pace",   "deliveries"})
        EXPECT_TRUE(slice.contains(field)) << field;
}

TEST_F(Protocol, AnOpenLoopTellsItsPaceItsThreeHistogramsAndTheClientsCpuTime) {
    open({{"mode", "open"}, {"rate", "5000"}}, "epoll", "lt", "tcp_rr");
    const auto slice = ask({{"do", "slice"}, {"operations", 100}, {"timed", true}});
    ASSERT_EQ(slice.at("ok"), true) << slice;
    for (const auto* name : {"hist", "hist_uncorrected", "hist_lateness"})
        EXPECT_EQ(slice.at(name).at("count"), 100) << name;
    const auto& pace = slice.at("pace");
    EXPECT_GT(pace.at("achieved"), 0.0);
    EXPECT_LE(pace.at("in_time"), 1.0);
    EXPECT_TRUE(pace.at("kept").is_boolean());
    EXPECT_GT(slice.at("load_cpu_ns"), 0);
    EXPECT_LT(slice.at("load_cpu_ns"), slice.at("cpu_ns"));
}

TEST_F(Protocol, AClosedLoopHasNoPaceAndOneHistogram) {
    open(json::object(), "epoll", "lt", "tcp_rr");
    const auto slice = ask({{"do", "slice"}, {"operations", 100}, {"timed", true}});
    ASSERT_EQ(slice.at("ok"), true) << slice;
    EXPECT_TRUE(slice.at("pace").is_null());
    EXPECT_EQ(slice.at("hist").at("count"), 100);
    EXPECT_FALSE(slice.contains("hist_uncorrected"));
}

TEST_F(Protocol, CountsLeaveTheClientsSystemCallsOut) {
    open({{"connections", "1"}}, "epoll", "lt", "tcp_rr");
    const auto counted = ask({{"do", "counts"}, {"operations", 100}});
    ASSERT_EQ(counted.at("ok"), true) << counted;
    const auto& syscalls = counted.at("syscalls");
    if (syscalls.is_null()) GTEST_SKIP() << counted.at("syscalls_reason");
    EXPECT_EQ(syscalls.at("sendto"), 100);
    EXPECT_EQ(syscalls.at("recvfrom"), 100);
    EXPECT_FALSE(syscalls.contains("epoll_pwait2")) << syscalls;
}

TEST_F(Protocol, CountsNameTheSystemCallsOfTheMechanismOrSayWhyNot) {
    ASSERT_EQ(open().at("ok"), true);
    const auto counted = ask({{"do", "counts"}, {"operations", 100}});
    ASSERT_EQ(counted.at("ok"), true) << counted;
    if (counted.at("syscalls").is_null()) {
        EXPECT_FALSE(counted.at("syscalls_reason").get<std::string>().empty());
    } else {
        const auto& syscalls = counted.at("syscalls");
        EXPECT_GE(syscalls.at("total"), 300);  // a write, a wait and a read each
        const bool waited = syscalls.contains("epoll_wait") || syscalls.contains("epoll_pwait");
        EXPECT_TRUE(waited) << syscalls;
    }
    for (const auto& [name, reading] : counted.at("perf").items())
        EXPECT_EQ(reading.at("value").is_null(), reading.at("status") != "counted") << name;
}

TEST_F(Protocol, SameWorkOnEveryAvailableMechanism) {
    std::optional<json> reference;
    for (const auto* variant : {"lt", "et", "oneshot"}) {
        ASSERT_EQ(open({{"registered", "20"}}, "epoll", variant).at("ok"), true);
        const auto slice = ask({{"do", "slice"}, {"operations", 500}});
        const json work{slice.at("messages"), slice.at("bytes"), slice.at("order")};
        if (!reference) reference = work;
        EXPECT_EQ(work, *reference) << variant;
        ask({{"do", "close"}});
    }
}

TEST_F(Protocol, LivesOnAfterEveryBadRequest) {
    expect_refused(protocol_.answer("nonsense"), "usage", "one JSON object");
    expect_refused(protocol_.answer(""), "usage", "one JSON object");
    expect_refused(protocol_.answer("[1]"), "usage", "one JSON object");
    expect_refused(protocol_.answer("\xff\xfe"), "usage", "one JSON object");
    expect_refused(ask({{"operations", 3}}), "usage", "'do'");
    expect_refused(ask({{"do", 3}}), "usage", "'do'");
    expect_refused(ask({{"do", "dance"}}), "usage", "unknown request 'dance'");
    expect_refused(ask({{"do", "slice"}, {"operations", 5}}), "usage", "open one first");
    expect_refused(ask({{"do", "close"}}), "usage", "no cell is open");
    expect_refused(ask({{"do", "open"}}), "usage", "'workload'");
    expect_refused(open({{"registered", 10}}), "usage", "must be a text");
    expect_refused(open({{"registered", "many"}}), "usage", "registered=many");
    expect_refused(open({{"colour", "red"}}), "usage", "unknown parameter 'colour'");
    expect_refused(open(json::object(), "epoll", "lt", "idle_scam"), "usage", "idle_scan");
    expect_refused(open(json::object(), "epool"), "usage", "epoll");
    EXPECT_FALSE(protocol_.ended());
    EXPECT_EQ(open().at("ok"), true);
    expect_refused(open(), "usage", "close it first");
    expect_refused(ask({{"do", "slice"}}), "usage", "'operations'");
    for (const auto& operations : {json(0), json(-5), json(1.5), json("5")})
        expect_refused(ask({{"do", "slice"}, {"operations", operations}}), "usage", "operations");
    expect_refused(ask({{"do", "slice"}, {"operations", 5}, {"timed", 1}}), "usage", "'timed'");
    expect_refused(ask({{"do", "slice"}, {"operation", 5}}), "usage", "no field 'operation'");
    expect_refused(ask({{"do", "slice"}, {"operations", 5}, {"timed", true}}), "usage",
                   "records no latencies");
    EXPECT_EQ(ask({{"do", "slice"}, {"operations", 5}}).at("ok"), true);
}

TEST_F(Protocol, AnUnavailableCellIsSkippedWithItsReason) {
    expect_refused(open({{"registered", "5000"}}, "select", "select"), "skipped",
                   "descriptor limit");
    EXPECT_FALSE(protocol_.ended());
}

TEST_F(Protocol, ExitClosesTheCell) {
    ASSERT_EQ(open().at("ok"), true);
    EXPECT_GT(ask({{"do", "exit"}}).at("teardown_ns"), 0);
    EXPECT_TRUE(protocol_.ended());
    EXPECT_FALSE(protocol_.faulted());
}

TEST_F(Protocol, AboutSaysWhatTheBuildAndTheClockAre) {
    const auto about = ask({{"do", "about"}});
    EXPECT_EQ(about.at("ok"), true);
    EXPECT_GT(about.at("clock").at("resolution_ns"), 0);
    EXPECT_FALSE(about.at("compiler").get<std::string>().empty());
    for (const auto& [name, counter] : about.at("counters").items())
        EXPECT_EQ(counter.at("available"), counter.at("reason").is_null()) << name;
}

}  // namespace
}  // namespace kevbench::worker
