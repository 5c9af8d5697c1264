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
#include <string_view>

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

template <class Work>
span clocked(Work run) {
    const auto start = std::chrono::steady_clock::now();
    run();
    return std::chrono::steady_clock::now() - start;
}

span run_cell(std::string_view mechanism, std::string_view variant, bool checked,
              std::uint64_t operations, tally& work) {
    const auto made = make_round_cell(mechanism, variant, make_plan(), checked);
    made->setup();
    const span taken = clocked([&] { made->run(operations, nullptr, work); });
    made->teardown();
    return taken;
}

template <class Loop>
span run_by_hand(void (*hot)(Loop&, std::uint64_t, tally&), std::uint64_t operations, tally& work) {
    Loop loop{make_plan()};
    loop.counter.begin_run();
    const span taken = clocked([&] { hot(loop, operations, work); });
    loop.counter.report(work);
    return taken;
}

int run(std::string_view loop, std::uint64_t operations) {
    tally work;
    span taken{};
    if (loop == "adapter") {
        taken = run_cell("epoll", "lt", true, operations, work);
    } else if (loop == "hand") {
        taken = run_by_hand(kevbench_hot_hand_written, operations, work);
    } else if (loop == "kevent-adapter") {
        taken = run_cell("kevent", "mapped-et", true, operations, work);
    } else if (loop == "kevent-hand") {
        taken = run_by_hand(kevbench_hot_kevent, operations, work);
    } else if (loop == "null") {
        taken = run_cell("null", "null", true, operations, work);
    } else if (loop == "floor") {
        taken = run_cell("null", "null", false, operations, work);
    } else {
        throw usage_error(fmt::format("unknown loop '{}': use {}", loop, loops));
    }
    fmt::print(
        "{{\"loop\":\"{}\",\"messages\":{},\"bytes\":{},\"order\":\"{}\",\"waits\":{},\"ns\":{}}}"
        "\n",
        loop, work.messages, work.bytes, work.order, work.waits, taken.count());
    return work.messages == operations ? EXIT_SUCCESS : EXIT_FAILURE;
}

}  // namespace
}  // namespace kevbench::workload::reference

int main(int count, char** arguments) {
    try {
        const std::string_view text = count == 3 ? arguments[2] : "";
        std::uint64_t operations = 0;
        const auto [rest, failure] =
            std::from_chars(text.data(), text.data() + text.size(), operations);
        if (failure != std::errc{} || rest != text.data() + text.size() || operations == 0) {
            fmt::print(stderr, "usage: kevbench-reference LOOP OPERATIONS, LOOP: {}\n",
                       kevbench::workload::reference::loops);
            return 4;
        }
        return kevbench::workload::reference::run(arguments[1], operations);
    } catch (const std::exception& error) {
        fmt::print(stderr, "kevbench-reference: {}\n", error.what());
        return EXIT_FAILURE;
    }
}
