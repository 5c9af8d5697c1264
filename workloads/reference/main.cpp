// SPDX-License-Identifier: MIT
//
// kevbench-reference LOOP OPERATIONS: runs one of the loops that harness/reference.py counts,
// prints what it did, and exits with 0 only if it did all of it.
//   adapter     active_ratio through the epoll adapter, level-triggered
//   hand        the same written by hand on epoll
//   null        active_ratio through the null adapter, checks on
//   floor       the same with the checks of received bytes compiled out: the harness floor
#include <fmt/format.h>

#include <charconv>
#include <cstdlib>
#include <exception>
#include <string_view>

#include "engine/common_parameters.hpp"
#include "engine/rounds.hpp"
#include "kevbench/workload/error.hpp"
#include "reference/epoll_loop.hpp"

namespace kevbench::workload::reference {
namespace {

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

void run_cell(std::string_view mechanism, std::string_view variant, bool checked,
              std::uint64_t operations, tally& work) {
    const auto made = make_round_cell(mechanism, variant, make_plan(), checked);
    made->setup();
    made->run(operations, nullptr, work);
    made->teardown();
}

void run_by_hand(std::uint64_t operations, tally& work) {
    epoll_loop loop{make_plan()};
    loop.counter.begin_run();
    kevbench_hot_hand_written(loop, operations, work);
    loop.counter.report(work);
}

int run(std::string_view loop, std::uint64_t operations) {
    tally work;
    if (loop == "adapter") {
        run_cell("epoll", "lt", true, operations, work);
    } else if (loop == "hand") {
        run_by_hand(operations, work);
    } else if (loop == "null") {
        run_cell("null", "null", true, operations, work);
    } else if (loop == "floor") {
        run_cell("null", "null", false, operations, work);
    } else {
        throw usage_error(fmt::format("unknown loop '{}': use adapter, hand, null or floor", loop));
    }
    fmt::print("{{\"loop\":\"{}\",\"messages\":{},\"bytes\":{},\"order\":\"{}\",\"waits\":{}}}\n",
               loop, work.messages, work.bytes, work.order, work.waits);
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
            fmt::print(stderr, "usage: kevbench-reference adapter|hand|null|floor OPERATIONS\n");
            return 4;
        }
        return kevbench::workload::reference::run(arguments[1], operations);
    } catch (const std::exception& error) {
        fmt::print(stderr, "kevbench-reference: {}\n", error.what());
        return EXIT_FAILURE;
    }
}
