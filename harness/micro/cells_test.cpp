// SPDX-License-Identifier: MIT
#include "cells.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "kevbench/adapter/registry.hpp"
#include "kevbench/workload/error.hpp"

namespace kevbench::micro {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::vector<std::string> names(const selection& chosen) {
    std::vector<std::string> found;
    for (const auto& cell : select_cells(chosen)) found.push_back(cell.name);
    return found;
}

std::string refusal(const selection& chosen) {
    try {
        static_cast<void>(select_cells(chosen));
    } catch (const workload::usage_error& fault) {
        return fault.what();
    }
    return "not refused";
}

TEST(Cells, EveryWorkloadIsOfferedOnEveryVariantWithItsDefaults) {
    const auto all = names({});
    const std::set<std::string> known{all.begin(), all.end()};
    EXPECT_EQ(known.size(), all.size()) << "a name is registered twice";
    for (const auto& info : workload::catalogue()) {
        const workload::parameters defaults{info.parameters};
        for (const auto& listed : adapter::list_variants())
            EXPECT_TRUE(known.contains(workload::case_key(info, listed.fixed, defaults)));
    }
}

TEST(Cells, NamesDoNotDependOnTheCall) {
    EXPECT_EQ(names({}), names({}));
}

TEST(Cells, GroupsAreTheSameWorkOnEveryVariant) {
    const auto cells = select_cells({{"chain"}, {}, {"registered=7"}});
    EXPECT_EQ(cells.size(), adapter::list_variants().size());
    for (const auto& cell : cells) {
        EXPECT_EQ(cell.group, cells.front().group);
        EXPECT_EQ(cell.request.params.at("registered"), "7");
        EXPECT_EQ(cell.synthetic, cell.request.mechanism.mechanism == "null");
    }
}

TEST(Cells, SelectionNarrowsAndParametersAreMultiplied) {
    EXPECT_THAT(names({{"idle_scan"}, {"epoll+et"}, {"registered=5,010", "source=tcp"}}),
                ElementsAre("idle_scan/epoll+et/batch=64/buffers=0/checks=on/payload=1/"
                            "position=random/registered=5/source=tcp",
                            "idle_scan/epoll+et/batch=64/buffers=0/checks=on/payload=1/"
                            "position=random/registered=10/source=tcp"));
    for (const auto& name : names({{}, {"poll"}, {}})) EXPECT_THAT(name, HasSubstr("/poll+"));
    const auto two = names({{"chain", "chain"}, {"epoll:lt", "epoll+et"}, {"registered=3"}});
    EXPECT_EQ(two.size(), 2U);
}

TEST(Cells, WhatDoesNotExistIsRefusedByName) {
    EXPECT_THAT(refusal({{"idle_scam"}, {}, {}}), HasSubstr("idle_scan"));
    EXPECT_THAT(refusal({{}, {"epool"}, {}}), HasSubstr("epoll"));
    EXPECT_THAT(refusal({{}, {"epoll+tl"}, {}}), HasSubstr("lt"));
    EXPECT_THAT(refusal({{"chain"}, {}, {"colour=red"}}), HasSubstr("unknown parameter 'colour'"));
    EXPECT_THAT(refusal({{"chain"}, {}, {"registered"}}), HasSubstr("registered=1000"));
    EXPECT_THAT(refusal({{"chain"}, {}, {"registered=1,"}}), HasSubstr("registered="));
    EXPECT_THAT(refusal({{"chain"}, {}, {"registered=0"}}), HasSubstr("whole number from 1"));
}

}  // namespace
}  // namespace kevbench::micro
