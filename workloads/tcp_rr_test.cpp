// SPDX-License-Identifier: MIT
//
// What tcp_rr records and how it keeps to its plan; equal work over all variants is tested in
// equal_work_test.cpp.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include "kevbench/workload/catalogue.hpp"
#include "kevbench/workload/error.hpp"
#include "net/arrivals.hpp"

namespace kevbench::workload {
namespace {

using settings = std::vector<std::pair<std::string, std::string>>;
using testing::Each;
using testing::Ge;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

std::unique_ptr<cell> make_rr(const settings& chosen, std::string_view mechanism = "epoll",
                              std::string_view variant = "lt") {
    const workload_info& info = find_workload("tcp_rr");
    parameters values{info.parameters};
    for (const auto& [name, value] : chosen) {
        values.set(name, value);
    }
    return make_cell(info, mechanism, variant, values);
}

/// Keeps every value. Its clock is the real one, unless `step` says by how much each look at it
/// moves it on.
class recorder final : public observer {
  public:
    explicit recorder(std::int64_t step = 0) : step_(step) {}
    std::int64_t now() noexcept override {
        if (step_ != 0) {
            return time_ += step_;
        }
        return std::chrono::steady_clock::now().time_since_epoch() / std::chrono::nanoseconds{1};
    }
    void latency(std::int64_t nanoseconds) noexcept override { corrected.push_back(nanoseconds); }
    void uncorrected_latency(std::int64_t nanoseconds) noexcept override {
        uncorrected.push_back(nanoseconds);
    }
    void lateness(std::int64_t nanoseconds) noexcept override { late.push_back(nanoseconds); }

    std::vector<std::int64_t> corrected;
    std::vector<std::int64_t> uncorrected;
    std::vector<std::int64_t> late;

  private:
    std::int64_t step_;
    std::int64_t time_ = 0;
};

std::int64_t sum(const std::vector<std::int64_t>& values) {
    return std::accumulate(values.begin(), values.end(), std::int64_t{0});
}

struct outcome {
    recorder seen;
    tally work;
    std::optional<punctuality> pace;
};

outcome perform(const settings& chosen, std::uint64_t operations, std::int64_t clock_step = 0) {
    outcome done{recorder{clock_step}, {}, {}};
    const auto made = make_rr(chosen);
    made->setup();
    made->run(operations, &done.seen, done.work);
    done.pace = made->load_pace();
    made->teardown();
    return done;
}

TEST(TcpRr, ClosedLoopRecordsOneLatencyARequestAndHasNoPlan) {
    const outcome done = perform({{"connections", "7"}}, 100);
    EXPECT_THAT(done.seen.corrected, SizeIs(100));
    EXPECT_THAT(done.seen.uncorrected, IsEmpty());
    EXPECT_THAT(done.seen.late, IsEmpty());
    EXPECT_FALSE(done.pace.has_value());
}

TEST(TcpRr, CountsRequestsAndRepliesAsMessages) {
    const outcome done = perform({{"payload", "5"}, {"response", "900"}}, 100);
    EXPECT_EQ(done.work.operations, 100U);
    EXPECT_EQ(done.work.messages, 200U);
    EXPECT_EQ(done.work.bytes, 100U * 905);
    EXPECT_GE(done.work.events, 1U);
}

TEST(TcpRr, OpenLoopNeverSendsBeforeThePlanAndMeasuresFromIt) {
    constexpr std::uint64_t operations = 200;
    for (const char* connections : {"1", "10"}) {
        const settings chosen = {{"mode", "open"}, {"rate", "4000"}, {"connections", connections}};
        const auto began = std::chrono::steady_clock::now();
        const outcome done = perform(chosen, operations);
        const std::chrono::nanoseconds took = std::chrono::steady_clock::now() - began;

        std::vector<std::int64_t> plan(operations);
        net::draw_arrivals(net::arrival_process::poisson, 4000, 0, plan);
        EXPECT_GE(took.count(), plan.back());
        ASSERT_THAT(done.seen.late, SizeIs(operations));
        ASSERT_THAT(done.seen.corrected, SizeIs(operations));
        ASSERT_THAT(done.seen.uncorrected, SizeIs(operations));
        EXPECT_THAT(done.seen.late, Each(Ge(0)));
        EXPECT_THAT(done.seen.uncorrected, Each(Ge(0)));
        // Each latency from the plan is the one from the send and the lateness of that send.
        EXPECT_EQ(sum(done.seen.corrected), sum(done.seen.uncorrected) + sum(done.seen.late));
        EXPECT_TRUE(done.pace.has_value());
    }
}

TEST(TcpRr, TheSameRunOfEveryCellHasTheSamePlanAndTheNextRunAnother) {
    // With a clock that leaps past the whole plan at once, lateness shows the plan itself.
    constexpr std::int64_t leap = 1'000'000'000'000;
    const settings chosen = {{"mode", "open"}, {"rate", "1000"}};
    const auto made = make_rr(chosen);
    made->setup();
    std::vector<std::vector<std::int64_t>> seen;
    for (int run = 0; run < 2; ++run) {
        recorder times{leap};
        tally work;
        made->run(10, &times, work);
        seen.push_back(times.late);
    }
    made->teardown();
    EXPECT_EQ(perform(chosen, 10, leap).seen.late, seen[0]);
    EXPECT_NE(seen[0], seen[1]);
}

TEST(TcpRr, AMissedScheduleIsReportedAndItsWaitCounted) {
    constexpr std::int64_t two_milliseconds = 2'000'000;
    const outcome done = perform({{"mode", "open"}, {"rate", "100000"}}, 100, two_milliseconds);
    ASSERT_TRUE(done.pace.has_value());
    EXPECT_FALSE(done.pace->kept_pace());
    EXPECT_LT(done.pace->share_in_time, 0.5);
    EXPECT_LT(done.pace->achieved_of_intended, 0.5);
    EXPECT_GT(sum(done.seen.corrected), sum(done.seen.uncorrected));
}

/// What making the cell is refused with.
template <class Error>
std::string refusal(const settings& chosen, std::string_view mechanism = "epoll",
                    std::string_view variant = "lt") {
    std::unique_ptr<cell> made;
    try {
        made = make_rr(chosen, mechanism, variant);
    } catch (const Error& error) {
        return error.what();
    }
    return "nothing was refused";
}

TEST(TcpRr, RefusesHalfAnOpenLoop) {
    EXPECT_THAT(refusal<usage_error>({{"mode", "open"}}), HasSubstr("add rate=10"));
    EXPECT_THAT(refusal<usage_error>({{"rate", "500"}}), HasSubstr("add mode=open"));
}

TEST(TcpRr, NamesTheConnectionsThatAMechanismCannotWatch) {
    EXPECT_THAT(refusal<not_available>({{"connections", "1020"}}, "select", "select"),
                HasSubstr("lower connections to 1008"));
}

TEST(TcpRr, TheClientIsAThreadOfItsOwn) {
    const auto made = make_rr({});
    made->setup();
    EXPECT_GT(made->load_thread(), 0);
    made->teardown();
}

}  // namespace
}  // namespace kevbench::workload
