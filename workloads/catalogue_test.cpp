// SPDX-License-Identifier: MIT
#include "kevbench/workload/catalogue.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <array>
#include <cstdlib>
#include <functional>
#include <iostream>
#include <set>

#include "kevbench/workload/error.hpp"

namespace kevbench::workload {
namespace {

using testing::HasSubstr;

const std::array specification{
    parameter{"batch", 64, 1, 4096, "", {}, "events"},
    parameter{"source", 0, 0, 0, "unix", {"pipe", "unix"}, "what is watched"},
};

std::string usage_message(const std::function<void()>& action) {
    try {
        action();
    } catch (const usage_error& error) {
        return error.what();
    }
    return "no usage_error was thrown";
}

TEST(Parameters, HaveTheirInitialValues) {
    const parameters values{specification};
    EXPECT_EQ(values.number("batch"), 64);
    EXPECT_EQ(values.choice("source"), "unix");
    EXPECT_EQ(values.values().size(), 2U);
}

TEST(Parameters, KeepANumberInOneSpelling) {
    parameters values{specification};
    values.set("batch", "0016");
    EXPECT_EQ(values.values().at("batch"), "16");
}

TEST(Parameters, RefuseAnUnknownNameAndListTheKnownOnes) {
    parameters values{specification};
    EXPECT_THAT(usage_message([&] { values.set("bach", "1"); }), HasSubstr("batch, source"));
}

TEST(Parameters, RefuseANumberOutOfRangeAndNameTheRange) {
    parameters values{specification};
    for (const char* wrong : {"0", "4097", "-1", "", "12x", "1.5", "99999999999999999999"}) {
        EXPECT_THAT(usage_message([&] { values.set("batch", wrong); }), HasSubstr("from 1 to 4096"))
            << wrong;
    }
    EXPECT_EQ(values.number("batch"), 64);
}

TEST(Parameters, RefuseAnUnknownChoiceAndListTheChoices) {
    parameters values{specification};
    EXPECT_THAT(usage_message([&] { values.set("source", "fifo"); }),
                HasSubstr("use one of pipe, unix"));
}

TEST(Parameters, RefuseToReadOneKindAsTheOther) {
    const parameters values{specification};
    EXPECT_THROW((void)values.number("source"), usage_error);
    EXPECT_THROW((void)values.choice("batch"), usage_error);
}

TEST(Catalogue, NamesAreUniqueAndEveryInitialValueIsAllowed) {
    std::set<std::string_view> names;
    for (const workload_info& each : catalogue()) {
        EXPECT_TRUE(names.insert(each.name).second) << each.name;
        EXPECT_FALSE(each.purpose.empty()) << each.name;
        EXPECT_FALSE(each.operation.empty()) << each.name;
        parameters values{each.parameters};
        for (const parameter& one : each.parameters) {
            EXPECT_FALSE(one.help.empty()) << each.name << " " << one.name;
            const std::string initial = values.values().at(one.name);
            EXPECT_NO_THROW(values.set(one.name, initial)) << each.name << " " << one.name;
        }
    }
}

TEST(Catalogue, SuggestsTheNearestWorkload) {
    EXPECT_THAT(usage_message([] { (void)find_workload("idle_scam"); }), HasSubstr("'idle_scan'"));
}

TEST(Catalogue, CaseKeysListEveryParameterInOrder) {
    const workload_info info{"demo", "",   "event", {specification.begin(), specification.end()},
                             false,  false};
    parameters values{info.parameters};
    values.set("source", "pipe");
    adapter::traits fixed;
    fixed.mechanism = "epoll";
    fixed.variant = "et";
    EXPECT_EQ(case_key(info, fixed, values), "demo/epoll+et/batch=64/source=pipe");
}

TEST(Catalogue, RefusesUnknownMechanismsAndVariants) {
    const workload_info& info = find_workload("idle_scan");
    const parameters values{info.parameters};
    EXPECT_THAT(usage_message([&] { (void)make_cell(info, "epol", "lt", values); }),
                HasSubstr("epoll"));
    EXPECT_THAT(usage_message([&] { (void)make_cell(info, "epoll", "tl", values); }),
                HasSubstr("lt"));
}

/// Runs in a child process, which alone is bound by the lower limit.
[[noreturn]] void set_up_with_few_descriptors() {
    const rlimit few{256, 256};
    ::setrlimit(RLIMIT_NOFILE, &few);
    const workload_info& info = find_workload("idle_scan");
    parameters values{info.parameters};
    values.set("registered", "1000");
    const auto made = make_cell(info, "epoll", "lt", values);
    std::cerr << usage_message([&] { made->setup(); }) << std::endl;
    std::_Exit(0);
}

TEST(Catalogue, SaysWhichDescriptorLimitIsTooLow) {
    EXPECT_EXIT(set_up_with_few_descriptors(), testing::ExitedWithCode(0),
                "registered=1000 .*RLIMIT_NOFILE allows 256");
}

}  // namespace
}  // namespace kevbench::workload
