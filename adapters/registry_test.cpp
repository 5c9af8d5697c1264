// SPDX-License-Identifier: MIT
#include "kevbench/adapter/registry.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <stdexcept>
#include <string>

namespace kevbench::adapter {
namespace {

using ::testing::HasSubstr;

std::string refusal(std::string_view mechanism, std::string_view variant) {
    try {
        visit_variant(mechanism, variant, [](auto, const auto&) {});
    } catch (const std::out_of_range& error) {
        return error.what();
    }
    return "not refused";
}

TEST(Registry, VisitsTheNamedVariantOnce) {
    int calls = 0;
    const bool edge = visit_variant("epoll", "et", [&](auto type, const auto& variant) {
        ++calls;
        const typename decltype(type)::type adapter{variant};
        return adapter.describe().mode == trigger::edge && adapter.describe().variant == "et";
    });
    EXPECT_TRUE(edge);
    EXPECT_EQ(calls, 1);
}

TEST(Registry, UnknownVariantNamesTheNearestAndAllOfTheMechanism) {
    const std::string text = refusal("epoll", "etonce");
    EXPECT_THAT(text, HasSubstr("epoll/et-once"));
    EXPECT_THAT(text, HasSubstr("oneshot"));
    EXPECT_EQ(text.find('\n'), std::string::npos);
}

TEST(Registry, UnknownMechanismNamesTheNearest) {
    EXPECT_THAT(refusal("epol", "lt"), HasSubstr("epoll/lt"));
}

TEST(Registry, NamesAreUnique) {
    std::set<std::string> names;
    for (const listing& row : list_variants()) {
        const std::string name =
            std::string{row.fixed.mechanism} + "/" + std::string{row.fixed.variant};
        EXPECT_TRUE(names.insert(name).second) << name;
    }
}

TEST(Registry, UnavailableVariantsSayWhyInOneLine) {
    for (const listing& row : list_variants()) {
        EXPECT_EQ(row.state.available, row.state.reason.empty());
        EXPECT_EQ(row.state.reason.find('\n'), std::string::npos);
    }
}

TEST(Registry, ProbingLeavesNoDescriptorBehind) {
    const int before = ::dup(0);
    ASSERT_GE(before, 0);
    ::close(before);
    visit_variant("epoll", "pwait2", [](auto type, const auto& variant) {
        static_cast<void>(decltype(type)::type::probe(variant));
    });
    const int after = ::dup(0);
    ::close(after);
    EXPECT_EQ(before, after);
}

}  // namespace
}  // namespace kevbench::adapter
