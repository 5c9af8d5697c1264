// SPDX-License-Identifier: MIT
//
// kevbench-reference LOOP OPERATIONS: runs one of the loops that harness/reference.py counts,
// prints what it did, and exits with 0 only if it did all of it.
//   adapter     active_ratio through the epoll adapter, level-triggered
//   hand        the same written by hand on epoll
//   kevent-adapter, kevent-hand   both on kevent's mapped ring, edge-triggered; need kevent.ko
//   null        active_ratio through the null adapter, checks on
//   floor       the same with the checks of received bytes compiled out: the harness floor
#include <fmt/format.h>

#include <charconv>
#include <chrono>
#include <cstdlib>
#include <exception>
#include <string>
#include <string_view>
#include <vector>

#include "engine/common_parameters.hpp"
#include "engine/rounds.hpp"
#include "kevbench/workload/error.hpp"
#include "reference/epoll_loop.hpp"
#include "reference/kevent_loop.hpp"

namespace kevbench::workload::reference {
namespace {

constexpr std::string_view loops = "adapter, hand, kevent-adapter, kevent-hand, null or floor";

round_plan make_plan() {
    constexpr std::uint32_t registered = 100;
    constexpr std::uint32_t active = 16;
    round_plan plan;
    plan.table.source = source_kind::unix_stream;
    plan.table.registered = registered;
    plan.table.payload = 1;
    plan.table.batch = 64;
    plan.table.buffers = default_buffer_count(active, plan.table.batch);
    plan.active = active;
    plan.turns = seeded_permutation(registered);
    return plan;
}

using span = std::chrono::nanoseconds;

/// How often the operations are done, on the same set-up.
struct repetition {
    std::uint64_t operations;
    std::uint64_t runs;
};

template <class Work>
std::vector<span> clocked(std::uint64_t runs, Work run) {
    std::vector<span> taken;
    taken.reserve(runs);
    while (taken.size() != runs) {
        const auto start = std::chrono::steady_clock::now();
        run();
        taken.emplace_back(std::chrono::steady_clock::now() - start);
    }
    return taken;
}

std::vector<span> run_cell(std::string_view mechanism, std::string_view variant, bool checked,
                           repetition times, tally& work) {
    const auto made = make_round_cell(mechanism, variant, make_plan(), checked);
    made->setup();
    auto taken = clocked(times.runs, [&] { made->run(times.operations, nullptr, work); });
    made->teardown();
    return taken;
}

template <class Loop>
std::vector<span> run_by_hand(void (*hot)(Loop&, std::uint64_t, tally&), repetition times,
                              tally& work) {
    Loop loop{make_plan()};
    return clocked(times.runs, [&] {
        loop.counter.begin_run();
        hot(loop, times.operations, work);
        loop.counter.report(work);
    });
}

std::vector<span> run_loop(std::string_view loop, repetition times, tally& work) {
    if (loop == "adapter") {
        return run_cell("epoll", "lt", true, times, work);
    }
    if (loop == "hand") {
        return run_by_hand(kevbench_hot_hand_written, times, work);
    }
    if (loop == "kevent-adapter") {
        return run_cell("kevent", "mapped-et", true, times, work);
    }
    if (loop == "kevent-hand") {
        return run_by_hand(kevbench_hot_kevent, times, work);
    }
    if (loop == "null") {
        return run_cell("null", "null", true, times, work);
    }
    if (loop == "floor") {
        return run_cell("null", "null", false, times, work);
    }
    throw usage_error(fmt::format("unknown loop '{}': use {}", loop, loops));
}

int run(std::string_view loop, repetition times) {
    tally work;
    const std::vector<span> taken = run_loop(loop, times, work);
    std::string each;
    for (const span one : taken) {
        each += fmt::format("{}{}", each.empty() ? "" : ",", one.count());
    }
    fmt::print(
        "{{\"loop\":\"{}\",\"messages\":{},\"bytes\":{},\"order\":\"{}\",\"waits\":{},\"ns\":[{}]}}"
        "\n",
        loop, work.messages, work.bytes, work.order, work.waits, each);
    return work.messages == times.operations * times.runs ? EXIT_SUCCESS : EXIT_FAILURE;
}

/// 0 when `text` is no positive number.
std::uint64_t positive(std::string_view text) {
    std::uint64_t number = 0;
    const auto [rest, failure] = std::from_chars(text.data(), text.data() + text.size(), number);
    return failure == std::errc{} && rest == text.data() + text.size() ? number : 0;
}

}  // namespace
}  // namespace kevbench::workload::reference

int main(int count, char** arguments) {
    try {
        using namespace kevbench::workload::reference;
        const repetition times{count > 2 ? positive(arguments[2]) : 0,
                               count > 3 ? positive(arguments[3]) : 1};
        if (count < 3 || count > 4 || times.operations == 0 || times.runs == 0) {
            fmt::print(stderr, "usage: kevbench-reference LOOP OPERATIONS [RUNS], LOOP: {}\n",
                       loops);
            return 4;
        }
        return run(arguments[1], times);
    } catch (const std::exception& error) {
        fmt::print(stderr, "kevbench-reference: {}\n", error.what());
        return EXIT_FAILURE;
    }
}
