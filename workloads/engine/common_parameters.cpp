// SPDX-License-Identifier: MIT
#include "engine/common_parameters.hpp"

#include <fmt/format.h>

#include <bit>
#include <numeric>
#include <utility>

#include "engine/buffers.hpp"
#include "kevbench/workload/error.hpp"

namespace kevbench::workload {
namespace {

parameter number(std::string name, std::int64_t initial, std::int64_t min, std::int64_t max,
                 std::string help) {
    parameter made;
    made.name = std::move(name);
    made.initial = initial;
    made.min = min;
    made.max = max;
    made.help = std::move(help);
    return made;
}

}  // namespace

parameter registered_parameter(std::int64_t initial) {
    return number("registered", initial, 1, 100'000,
                  "descriptors watched; RLIMIT_NOFILE bounds it too");
}

parameter sources_parameter(std::int64_t initial, std::int64_t max, std::string help) {
    return number("registered", initial, 1, max, std::move(help));
}

parameter burst_parameter(std::int64_t initial) {
    return number("active", initial, 1, 4'096,
                  "made before the thread waits for them; more than registered are merged where a "
                  "source merges");
}

parameter payload_parameter(std::int64_t initial) {
    return number("payload", initial, 1, 16'384,
                  "bytes of one message (an eventfd always moves 8)");
}

parameter batch_parameter(std::int64_t initial) {
    return number("batch", initial, 1, 4'096, "events one wait delivers, at most");
}

parameter buffers_parameter() {
    return number("buffers", 0, 0, 32'768,
                  "receive buffers, a power of two; 0 = enough for all messages under way, 64 to "
                  "4096");
}

parameter checks_parameter() {
    parameter made;
    made.name = "checks";
    made.initial_choice = "on";
    made.choices = {"on", "off"};
    made.help = "checksum received bytes; off only to measure the harness floor";
    return made;
}

table_plan make_table_plan(const parameters& values, std::uint64_t outstanding) {
    table_plan plan;
    plan.source = parse_source(values.choice("source"));
    plan.registered = static_cast<std::uint32_t>(values.number("registered"));
    plan.payload = effective_payload(plan.source, values.number("payload"));
    plan.batch = static_cast<std::uint32_t>(values.number("batch"));
    const auto buffers = static_cast<std::uint32_t>(values.number("buffers"));
    if (buffers != 0 && !std::has_single_bit(buffers)) {
        throw usage_error(fmt::format("buffers={} is not possible: use a power of two, such as {}",
                                      buffers, std::bit_ceil(buffers)));
    }
    plan.buffers = buffers != 0 ? buffers : default_buffer_count(outstanding, plan.batch);
    return plan;
}

std::uint32_t active_flows(const parameters& values) {
    const std::int64_t active = values.number("active");
    const std::int64_t registered = values.number("registered");
    if (active > registered) {
        throw usage_error(
            fmt::format("active={} is above registered={}: lower active or raise registered",
                        active, registered));
    }
    return static_cast<std::uint32_t>(active);
}

std::vector<std::uint32_t> seeded_permutation(std::uint32_t count) {
    std::vector<std::uint32_t> order(count);
    std::iota(order.begin(), order.end(), 0U);
    // Fisher-Yates over SplitMix64: the standard library's distributions differ between versions.
    std::uint64_t state = 0x6B65'7662'656E'6368U;
    for (std::uint32_t left = count; left > 1; --left) {
        state += 0x9E37'79B9'7F4A'7C15U;
        std::uint64_t mixed = state;
        mixed = (mixed ^ (mixed >> 30U)) * 0xBF58'476D'1CE4'E5B9U;
        mixed = (mixed ^ (mixed >> 27U)) * 0x94D0'49BB'1331'11EBU;
        mixed ^= mixed >> 31U;
        std::swap(order[left - 1], order[mixed % left]);
    }
    return order;
}

}  // namespace kevbench::workload
