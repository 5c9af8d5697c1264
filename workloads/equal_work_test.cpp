// SPDX-License-Identifier: MIT
//
// Every workload does the same work on every variant that this machine has.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "kevbench/adapter/registry.hpp"
#include "kevbench/workload/catalogue.hpp"
#include "kevbench/workload/error.hpp"

namespace kevbench::workload {
namespace {

using settings = std::vector<std::pair<std::string, std::string>>;

/// One workload with parameters that are small enough for every variant and every sanitizer.
struct scenario {
    std::string workload;
    settings chosen;
    std::uint64_t operations = 100;
    std::string name{};
};

std::vector<scenario> scenarios() {
    std::vector<scenario> all;
    for (const char* source : {"eventfd", "pipe", "unix", "tcp"}) {
        for (const char* payload : {"1", "1000", "16384"}) {
            all.push_back(
                {"idle_scan", {{"registered", "7"}, {"source", source}, {"payload", payload}}});
        }
    }
    for (const char* position : {"first", "last"}) {
        all.push_back({"idle_scan", {{"registered", "300"}, {"position", position}}});
    }
    for (scenario& each : all) {
        each.name = each.workload;
        for (const auto& [name, value] : each.chosen) {
            each.name += "_" + name + "_" + value;
        }
        std::replace_if(
            each.name.begin(), each.name.end(),
            [](char letter) { return std::isalnum(static_cast<unsigned char>(letter)) == 0; }, '_');
    }
    return all;
}

class EqualWork : public testing::TestWithParam<scenario> {};

/// What a variant did, or nothing where it cannot run this scenario, with the reason.
std::optional<tally> perform(const scenario& which, const adapter::traits& fixed,
                             std::string& reason) {
    const workload_info& info = find_workload(which.workload);
    parameters values{info.parameters};
    for (const auto& [name, value] : which.chosen) {
        values.set(name, value);
    }
    try {
        const auto made = make_cell(info, fixed.mechanism, fixed.variant, values);
        made->setup();
        tally first;
        made->run(which.operations, nullptr, first);
        tally second;
        made->run(which.operations, nullptr, second);
        made->teardown();
        EXPECT_EQ(first.order, second.order) << "a run's checksum must depend on that run alone";
        EXPECT_EQ(second.operations, which.operations);
        return second;
    } catch (const not_available& unavailable) {
        reason = unavailable.what();
        return std::nullopt;
    }
}

TEST_P(EqualWork, IsDoneByEveryVariant) {
    std::optional<tally> reference;
    std::size_t ran = 0;
    for (const adapter::listing& each : adapter::list_variants()) {
        if (!each.state.available) {
            continue;
        }
        SCOPED_TRACE(std::string{each.fixed.mechanism} + "+" + std::string{each.fixed.variant});
        std::string reason;
        const std::optional<tally> work = perform(GetParam(), each.fixed, reason);
        if (!work) {
            EXPECT_THAT(reason, testing::Not(testing::IsEmpty()));
            continue;
        }
        ++ran;
        EXPECT_EQ(work->errors, 0U);
        const bool synthetic = (each.fixed.capabilities & adapter::caps::synthetic) != 0;
        if (!reference && !synthetic) {
            reference = work;
        }
        if (reference) {
            EXPECT_EQ(work->messages, reference->messages);
            EXPECT_EQ(work->bytes, reference->bytes);
            // No bytes travel through an adapter that has no kernel behind it.
            EXPECT_TRUE(synthetic || work->order == reference->order);
        }
    }
    EXPECT_GE(ran, 3U) << "too few variants took part to compare anything";
}

INSTANTIATE_TEST_SUITE_P(Workloads, EqualWork, testing::ValuesIn(scenarios()),
                         [](const auto& given) { return given.param.name; });

}  // namespace
}  // namespace kevbench::workload
