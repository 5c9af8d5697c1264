// SPDX-License-Identifier: MIT
//
// Which variants each suite runs on, and which must not be missing.
#include <algorithm>
#include <array>
#include <cstdlib>
#include <span>
#include <string_view>

#include "fixture.hpp"

namespace kevbench::adapter::conformance {
namespace {

INSTANTIATE_TEST_SUITE_P(All, ConformanceTest, ::testing::ValuesIn(all_variants()), test_name);
INSTANTIATE_TEST_SUITE_P(All, ReadinessTest, ::testing::ValuesIn(readiness_variants()), test_name);
INSTANTIATE_TEST_SUITE_P(All, LevelTest, ::testing::ValuesIn(readiness_variants(trigger::level)),
                         test_name);
INSTANTIATE_TEST_SUITE_P(All, EdgeTest, ::testing::ValuesIn(readiness_variants(trigger::edge)),
                         test_name);
INSTANTIATE_TEST_SUITE_P(All, OneShotTest,
                         ::testing::ValuesIn(readiness_variants(trigger::one_shot)), test_name);
INSTANTIATE_TEST_SUITE_P(All, CompletionTest, ::testing::ValuesIn(completion_variants()),
                         test_name);

struct name {
    std::string_view mechanism;
    std::string_view variant;
};

/// What any host with a current kernel can run. A skip of one of these is a failure.
constexpr std::array required{
    name{"null", "null"},
    name{"select", "select"},
    name{"select", "pselect"},
    name{"select", "bigset"},
    name{"poll", "poll"},
    name{"poll", "ppoll"},
    name{"epoll", "lt"},
    name{"epoll", "et"},
    name{"epoll", "et-once"},
    name{"epoll", "oneshot"},
    name{"epoll", "exclusive"},
    name{"epoll", "pwait2"},
    name{"io_uring", "poll"},
    name{"io_uring", "poll+defer"},
    name{"io_uring", "poll+fixed"},
    name{"io_uring", "poll+sqpoll"},
    name{"io_uring", "multishot"},
    name{"io_uring", "multishot+defer"},
    name{"io_uring", "multishot+fixed"},
    name{"io_uring", "multishot+sqpoll"},
    name{"io_uring", "completion"},
    name{"io_uring", "completion+defer"},
    name{"io_uring", "completion+fixed"},
    name{"io_uring", "completion+sqpoll"},
};

/// What a guest with the module can run besides.
constexpr std::array required_with_module{
    name{"kevent", "get"},
    name{"kevent", "get-et"},
    name{"kevent", "get-oneshot"},
    name{"kevent", "ring"},
    name{"kevent", "ring-et"},
    name{"kevent", "ring-oneshot"},
    name{"kevent", "mapped"},
    name{"kevent", "mapped-et"},
    name{"kevent", "mapped-oneshot"},
    name{"kevent", "mapped+batch"},
    name{"kevent", "mapped+batch-et"},
    name{"kevent", "mapped+batch-oneshot"},
    name{"kevent", "naio"},
};

void expect_available(std::span<const name> names) {
    const std::vector<listing> known = list_variants();
    for (const name& wanted : names) {
        const auto row = std::find_if(known.begin(), known.end(), [&](const listing& candidate) {
            return candidate.fixed.mechanism == wanted.mechanism &&
                   candidate.fixed.variant == wanted.variant;
        });
        ASSERT_NE(row, known.end())
            << wanted.mechanism << '/' << wanted.variant << " is not listed";
        EXPECT_TRUE(row->state.available)
            << wanted.mechanism << '/' << wanted.variant << ": " << row->state.reason;
    }
}

TEST(RequiredVariants, AreAvailableOnThisHost) {
    expect_available(required);
}

TEST(RequiredVariants, AreAvailableWithTheModule) {
    if (std::getenv("KEVBENCH_REQUIRE_KEVENT") == nullptr) {
        GTEST_SKIP() << "kevent.ko is not promised here: ./kevbench test guest runs this with it";
    }
    expect_available(required_with_module);
}

}  // namespace
}  // namespace kevbench::adapter::conformance
