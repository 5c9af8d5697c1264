// SPDX-License-Identifier: MIT
//
// The worker as its callers see it: a process with pipes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>
#include <nlohmann/json.hpp>

#include "test_support/child.hpp"

namespace kevbench::worker {
namespace {

using harness::test::child;
using harness::test::run;
using nlohmann::json;
using testing::HasSubstr;

const std::string worker = KVB_WORKER;
constexpr const char* open_request =
    R"({"do":"open","workload":"idle_scan","mechanism":"epoll","variant":"lt","params":{}})"
    "\n";

json ask(child& program, const std::string& line) {
    program.write(line);
    return json::parse(program.read_line());
}

TEST(Worker, EndsCleanlyWhenItsInputCloses) {
    child serving{{worker, "serve"}};
    EXPECT_EQ(ask(serving, open_request).at("ok"), true);
    serving.close_input();
    EXPECT_EQ(serving.read_all_output(), "");
    EXPECT_EQ(serving.wait(), 0);
}

TEST(Worker, EndsCleanlyOnSignals) {
    for (const int number : {SIGTERM, SIGINT}) {
        child serving{{worker, "serve"}};
        EXPECT_EQ(ask(serving, open_request).at("ok"), true);
        serving.signal(number);
        EXPECT_EQ(serving.wait(), 0);
    }
}

TEST(Worker, FinishesTheRunItIsInBeforeItObeysASignal) {
    child serving{{worker, "serve"}};
    EXPECT_EQ(ask(serving, open_request).at("ok"), true);
    serving.write("{\"do\":\"slice\",\"operations\":20000}\n");
    serving.signal(SIGTERM);
    const auto line = serving.read_line();
    // The signal may also have come first; a half-written answer may not.
    if (!line.empty()) {
        EXPECT_EQ(json::parse(line).at("ops"), 20000);
    }
    EXPECT_EQ(serving.wait(), 0);
}

TEST(Worker, TakesRequestsInPiecesAndSeveralAtOnce) {
    child serving{{worker, "serve"}};
    const std::string request = open_request;
    serving.write(request.substr(0, 10));
    serving.write(request.substr(10) + "{\"do\":\"close\"}\n{\"do\":\"exit\"}\n");
    EXPECT_THAT(serving.read_line(), HasSubstr("case_key"));
    EXPECT_THAT(serving.read_line(), HasSubstr("teardown_ns"));
    EXPECT_EQ(json::parse(serving.read_line()), (json{{"ok", true}, {"teardown_ns", nullptr}}));
    EXPECT_EQ(serving.wait(), 0);
}

TEST(Worker, ListHasTheShapeThatOtherProgramsRelyOn) {
    const auto listed = run({worker, "list"});
    ASSERT_EQ(listed.status, 0) << listed.errors;
    const auto document = json::parse(listed.output);
    EXPECT_EQ(document.at("schema"), "kvb.list");
    EXPECT_FALSE(document.at("mechanisms").empty());
    for (const auto& each : document.at("mechanisms")) {
        EXPECT_FALSE(each.at("name").get<std::string>().empty());
        EXPECT_TRUE(each.at("variant").is_string());
        EXPECT_EQ(each.at("available").get<bool>(), each.at("reason").is_null()) << each;
    }
    for (const auto& each : document.at("workloads")) {
        EXPECT_FALSE(each.at("name").get<std::string>().empty());
        EXPECT_EQ(each.at("available").get<bool>(), each.at("reason").is_null());
        for (const auto& [name, param] : each.at("params").items()) {
            EXPECT_EQ(param.at("choices").is_array(), param.at("default").is_string()) << name;
            EXPECT_EQ(param.at("min").is_null(), param.at("choices").is_array()) << name;
            EXPECT_EQ(param.at("max").is_null(), param.at("choices").is_array()) << name;
        }
    }
}

/// The element of a list whose fields include all of `wanted`.
json element_with(const json& list, const json& wanted) {
    for (const auto& each : list) {
        auto merged = each;
        merged.update(wanted);
        if (merged == each) return each;
    }
    ADD_FAILURE() << "nothing with " << wanted;
    return {};
}

TEST(Worker, ListNamesWhatTheDesignPromises) {
    const auto document = json::parse(run({worker, "list"}).output);
    EXPECT_EQ(element_with(document.at("mechanisms"), {{"name", "epoll"}, {"variant", "et"}}),
              (json{{"name", "epoll"},
                    {"variant", "et"},
                    {"available", true},
                    {"reason", nullptr},
                    {"trigger", "et"},
                    {"discipline", "drain"},
                    {"capabilities", json::array({"modify", "shared"})},
                    {"descriptor_limit", 0},
                    {"plugin", false}}));
    const auto scan = element_with(document.at("workloads"), {{"name", "idle_scan"}});
    const auto& registered = scan.at("params").at("registered");
    EXPECT_EQ(registered.at("default"), 1000);
    EXPECT_EQ(registered.at("min"), 1);
    EXPECT_TRUE(registered.at("choices").is_null());
    EXPECT_TRUE(registered.at("max").is_number_integer());
    const auto& source = scan.at("params").at("source");
    EXPECT_EQ(source.at("default"), "unix");
    EXPECT_EQ(source.at("choices"), (json{"eventfd", "pipe", "unix", "tcp"}));
}

TEST(Worker, RunPrintsOneLineASliceAndJsonOnRequest) {
    const std::vector<std::string> words{worker,         "run",         "idle_scan", "epoll:et",
                                         "--operations", "50",          "--slices",  "3",
                                         "--param",      "registered=5"};
    const auto people = run(words);
    EXPECT_EQ(people.status, 0) << people.errors;
    EXPECT_THAT(people.output, HasSubstr("idle_scan/epoll+et/"));
    EXPECT_THAT(people.output, HasSubstr("wall ns/event"));
    EXPECT_EQ(std::count(people.output.begin(), people.output.end(), '\n'), 5);
    auto for_program = words;
    for_program.insert(for_program.end(), {"--json", "--counts"});
    const auto document = json::parse(run(for_program).output);
    EXPECT_EQ(document.at("slices").size(), 3U);
    EXPECT_TRUE(document.at("counts").contains("perf"));
}

TEST(Worker, CountDoesTheWorkInSilence) {
    const auto counted = run({worker, "count", "idle_scan", "null+null", "--operations", "10"});
    EXPECT_EQ(counted.status, 0) << counted.errors;
    EXPECT_EQ(counted.output + counted.errors, "");
}

TEST(Worker, RefusesBadCommandLinesInOneLineWithStatusFour) {
    const std::vector<std::pair<std::vector<std::string>, const char*>> cases{
        {{"run", "idle_scan", "epoll"}, "write it as epoll+et"},
        {{"run", "idle_scan", "epoll+"}, "write it as epoll+et"},
        {{"run", "idle_scan", "epoll+tl"}, "epoll"},
        {{"run", "idle_scam", "epoll+et"}, "idle_scan"},
        {{"run", "idle_scan", "epoll+et", "--param", "registered"}, "registered=1000"},
        {{"run", "idle_scan", "epoll+et", "--param", "registered=0"}, "registered=0"},
        {{"run", "idle_scan", "select+select", "--param", "registered=5000"}, "descriptor limit"},
    };
    for (const auto& [words, text] : cases) {
        auto all = words;
        all.insert(all.begin(), worker);
        const auto refused = run(all);
        EXPECT_EQ(refused.status, 4) << refused.errors;
        EXPECT_THAT(refused.errors, HasSubstr(text));
        EXPECT_THAT(refused.errors, testing::StartsWith("kevbench-worker: "));
        EXPECT_EQ(std::count(refused.errors.begin(), refused.errors.end(), '\n'), 1)
            << refused.errors;
        EXPECT_EQ(refused.output, "");
    }
    EXPECT_EQ(run({worker}).status, 4);
    EXPECT_EQ(run({worker, "run", "idle_scan", "epoll+et", "--operations", "none"}).status, 4);
    EXPECT_EQ(run({worker, "--help"}).status, 0);
}

TEST(Worker, ServesHttpUntilItIsToldToEnd) {
    child serving{{worker, "http", "--mechanism", "epoll", "--variant", "et", "--port", "0"}};
    const auto listening = json::parse(serving.read_line());
    EXPECT_EQ(listening.at("state"), "listening");
    EXPECT_GT(listening.at("port"), 0);
    // A second one cannot have the same port.
    const auto refused = run({worker, "http", "--port", listening.at("port").dump()});
    EXPECT_EQ(refused.status, 4);
    EXPECT_THAT(refused.errors, HasSubstr("is in use: choose another with --port"));
    EXPECT_EQ(std::count(refused.errors.begin(), refused.errors.end(), '\n'), 1) << refused.errors;
    serving.signal(SIGTERM);
    EXPECT_EQ(json::parse(serving.read_line()).at("state"), "ended");
    EXPECT_EQ(serving.wait(), 0);
}

TEST(Worker, RefusesBadHttpOptionsWithStatusFour) {
    for (const auto& [words, text] : std::vector<std::pair<std::vector<std::string>, const char*>>{
             {{"--mechanism", "epol"}, "epoll"},
             {{"--port", "70000"}, "0 to 65535"},
             {{"--threads", "2"}, "unknown option '--threads'"}}) {
        std::vector<std::string> all{worker, "http"};
        all.insert(all.end(), words.begin(), words.end());
        const auto refused = run(all);
        EXPECT_EQ(refused.status, 4);
        EXPECT_THAT(refused.errors, HasSubstr(text));
    }
}

TEST(Worker, ListsTheVariantsOfAPlugInAsSuch) {
    const auto listed = run({worker, "list", "--plugin", KVB_SOUND_PLUGIN});
    ASSERT_EQ(listed.status, 0) << listed.errors;
    const auto document = json::parse(listed.output);
    std::size_t found = 0;
    for (const auto& each : document.at("mechanisms")) {
        if (!each.at("plugin").get<bool>()) continue;
        ++found;
        EXPECT_EQ(each.at("available"), false);
        EXPECT_THAT(each.at("reason").get<std::string>(), HasSubstr("only a test"));
    }
    EXPECT_EQ(found, 1U);
}

TEST(Worker, RefusesAPlugInOfAnotherAbiBeforeItServes) {
    for (const std::string verb : {"list", "serve", "http"}) {
        const auto refused = run({worker, verb, "--plugin", KVB_WRONG_PLUGIN});
        EXPECT_EQ(refused.status, 4) << verb;
        EXPECT_EQ(refused.output, "") << verb;
        EXPECT_THAT(refused.errors, testing::StartsWith("kevbench-worker: plug-in "));
        EXPECT_THAT(refused.errors, HasSubstr("wrong ABI number: expected"));
        EXPECT_EQ(std::count(refused.errors.begin(), refused.errors.end(), '\n'), 1);
    }
}

}  // namespace
}  // namespace kevbench::worker
