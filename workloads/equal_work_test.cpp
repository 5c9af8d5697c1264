// SPDX-License-Identifier: MIT
//
// Every workload does the same work on every variant that this machine has.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <cstdlib>
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

/// Those whose sources are not connected descriptors.
void add_source_scenarios(std::vector<scenario>& all) {
    for (const char* via : {"native", "descriptor"}) {
        for (const char* active : {"1", "7", "100"}) {
            all.push_back({"user_event", {{"registered", "7"}, {"active", active}, {"via", via}}});
        }
        all.push_back({"user_event", {{"active", "20"}, {"batch", "3"}, {"via", via}}});
        for (const char* threads : {"1", "3"}) {
            all.push_back(
                {"user_event", {{"active", "16"}, {"threads", threads}, {"via", via}}, 1001});
        }
    }
    all.push_back(
        {"user_event",
         {{"registered", "7"}, {"active", "20"}, {"source", "pipe"}, {"via", "descriptor"}}});
    for (const char* via : {"native", "descriptor"}) {
        for (const char* active : {"1", "7"}) {
            for (const char* timer : {"interval", "posix"}) {
                all.push_back(
                    {"timer_storm",
                     {{"registered", "7"}, {"active", active}, {"timer", timer}, {"via", via}}});
            }
            for (const char* change : {"names", "content"}) {
                all.push_back(
                    {"fs_events",
                     {{"registered", "7"}, {"active", active}, {"change", change}, {"via", via}}});
            }
            all.push_back({"aio_notify", {{"active", active}, {"via", via}}, 300});
            all.push_back({"signal_rate", {{"active", active}, {"via", via}}});
            all.push_back(
                {"signal_rate", {{"active", active}, {"signal", "ordinary"}, {"via", via}}});
        }
        all.push_back({"timer_storm",
                       {{"registered", "7"},
                        {"active", "1"},
                        {"mode", "periodic"},
                        {"interval", "500"},
                        {"via", via}},
                       50});
        all.push_back({"signal_rate", {{"active", "50"}, {"batch", "3"}, {"via", via}}});
        for (const char* threads : {"1", "5"}) {
            all.push_back({"fan_in", {{"threads", threads}, {"via", via}}, 501});
        }
        all.push_back({"fan_in", {{"threads", "3"}, {"interval", "50"}, {"via", via}}, 60});
        all.push_back({"mixed_sources", {{"via", via}}, 333});
        all.push_back({"mixed_sources", {{"active", "100"}, {"batch", "7"}, {"via", via}}, 333});
    }
    for (const char* signal : {"realtime", "ordinary"}) {
        all.push_back({"signal_rate", {{"active", "9"}, {"signal", signal}, {"via", "handler"}}});
    }
}

/// Those in which several threads wait for the same descriptors.
void add_crew_scenarios(std::vector<scenario>& all) {
    for (const char* queue : {"shared", "private"}) {
        for (const char* source : {"eventfd", "pipe", "unix", "tcp"}) {
            all.push_back({"herd", {{"threads", "5"}, {"queue", queue}, {"source", source}}, 25});
        }
        all.push_back({"herd", {{"placement", "free"}, {"interval", "20"}, {"queue", queue}}, 25});
        for (const char* active : {"1", "16"}) {
            all.push_back({"shared_vs_private_queue",
                           {{"registered", "17"}, {"active", active}, {"queue", queue}},
                           211});
        }
        all.push_back(
            {"shared_vs_private_queue",
             {{"threads", "1"}, {"batch", "1"}, {"queue", queue}, {"placement", "same-cpu"}},
             200});
    }
}

void add_stream_scenarios(std::vector<scenario>& all) {
    for (const char* source : {"pipe", "unix", "tcp"}) {
        all.push_back({"stream_bench", {{"registered", "40"}, {"source", source}}, 500});
        all.push_back({"stream_bench",
                       {{"registered", "5"}, {"source", source}, {"payload", "1000"}, {"few", "1"}},
                       300});
    }
    all.push_back({"stream_bench",
                   {{"registered", "40"}, {"writes", "7"}, {"batch", "3"}, {"few", "10"}},
                   500});
    all.push_back({"stream_bench", {{"registered", "40"}, {"placement", "same-cpu"}}, 500});
    for (const char* source : {"unix", "tcp", "pipe", "eventfd", "signal"}) {
        all.push_back({"bystander", {{"source", source}, {"registered", "20"}}});
        all.push_back(
            {"bystander", {{"source", source}, {"call", "write"}, {"others", "pipe"}}, 50});
    }
}

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
    for (const char* active : {"1", "64", "150"}) {
        all.push_back({"active_ratio", {{"registered", "150"}, {"active", active}}, 1000});
    }
    all.push_back({"active_ratio",
                   {{"registered", "150"}, {"active", "100"}, {"batch", "1"}, {"buffers", "2"}},
                   500});
    all.push_back(
        {"active_ratio",
         {{"registered", "100"}, {"active", "100"}, {"source", "tcp"}, {"payload", "5000"}},
         500});
    for (const char* source : {"eventfd", "pipe", "unix", "tcp"}) {
        all.push_back({"chain", {{"registered", "40"}, {"active", "1"}, {"source", source}}, 300});
        all.push_back({"chain",
                       {{"registered", "40"}, {"active", "30"}, {"batch", "3"}, {"source", source}},
                       300});
        all.push_back({"harvest", {{"registered", "40"}, {"source", source}}, 300});
    }
    for (const char* operation : {"add-remove", "modify", "cycle"}) {
        for (const char* batch : {"1", "16"}) {
            for (const char* order : {"in-order", "random"}) {
                all.push_back({"ctl_churn",
                               {{"registered", "50"},
                                {"operation", operation},
                                {"batch", batch},
                                {"order", order}},
                               301});
            }
        }
    }
    for (const char* source : {"eventfd", "pipe", "unix", "tcp"}) {
        for (const char* payload : {"1", "16384"}) {
            all.push_back({"source_pingpong", {{"source", source}, {"payload", payload}}, 30});
        }
        all.push_back({"wake_latency", {{"source", source}, {"interval", "0"}}, 30});
    }
    for (const char* placement : {"same-cpu", "free"}) {
        all.push_back({"source_pingpong", {{"placement", placement}}, 30});
        all.push_back({"wake_latency", {{"placement", placement}, {"interval", "10"}}, 30});
    }
    for (const char* connections : {"1", "10", "150"}) {
        all.push_back({"tcp_rr", {{"connections", connections}}, 301});
    }
    for (const char* size : {"1000", "16384"}) {
        all.push_back({"tcp_rr", {{"payload", size}, {"response", "1"}}, 50});
        all.push_back({"tcp_rr", {{"payload", "3"}, {"response", size}, {"batch", "1"}}, 50});
    }
    for (const char* placement : {"same-cpu", "free"}) {
        all.push_back({"tcp_rr", {{"placement", placement}}, 50});
    }
    for (const char* arrivals : {"poisson", "fixed"}) {
        all.push_back({"tcp_rr", {{"mode", "open"}, {"rate", "5000"}, {"arrivals", arrivals}}, 60});
    }
    all.push_back({"chain", {{"registered", "1"}}, 20});
    all.push_back({"harvest", {{"registered", "40"}, {"rearm", "yes"}, {"batch", "7"}}, 300});
    all.push_back({"harvest", {{"registered", "40"}, {"ring", "8"}, {"batch", "4"}}, 300});
    all.push_back({"empty_wait", {{"registered", "40"}}, 50});
    all.push_back({"footprint", {{"registered", "40"}}, 50});
    add_source_scenarios(all);
    add_crew_scenarios(all);
    add_stream_scenarios(all);
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

/// Set where the module is loaded: what needs it is held against epoll alone, since the others'
/// work is held equal where they are at home.
bool kevent_required() {
    static const bool required = std::getenv("KEVBENCH_REQUIRE_KEVENT") != nullptr;
    return required;
}

bool takes_part(const adapter::listing& each) {
    if (!kevent_required()) {
        return each.state.available;
    }
    if (each.fixed.mechanism == "kevent") {
        EXPECT_TRUE(each.state.available) << each.state.reason;
    }
    return each.state.available &&
           (each.fixed.mechanism == "kevent" || each.fixed.mechanism == "epoll");
}

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
    } catch (const std::exception& broken) {
        // Caught where the trace still names the variant.
        reason = broken.what();
        ADD_FAILURE() << reason;
    }
    return std::nullopt;
}

TEST_P(EqualWork, IsDoneByEveryVariant) {
#ifdef KVB_THREAD_SANITIZER
    const settings::value_type through_handler{"via", "handler"};
    const settings& chosen = GetParam().chosen;
    if (std::find(chosen.begin(), chosen.end(), through_handler) != chosen.end()) {
        GTEST_SKIP() << "TSan holds signals back while a thread waits in a call it does not know";
    }
#endif
    std::optional<tally> reference;
    std::size_t ran = 0;
    for (const adapter::listing& each : adapter::list_variants()) {
        if (!takes_part(each)) {
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
