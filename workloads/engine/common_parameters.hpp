// SPDX-License-Identifier: MIT
//
// Parameters that several workloads share, with one meaning and one range each.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/source.hpp"
#include "engine/watch_table.hpp"
#include "kevbench/workload/catalogue.hpp"

namespace kevbench::workload {

[[nodiscard]] parameter registered_parameter(std::int64_t initial);
/// `registered` of workloads whose sources are not connected pairs; `help` names them.
[[nodiscard]] parameter sources_parameter(std::int64_t initial, std::int64_t max, std::string help);
/// `active`: occurrences made before the thread waits for them.
[[nodiscard]] parameter burst_parameter(std::int64_t initial);
[[nodiscard]] parameter payload_parameter(std::int64_t initial);
[[nodiscard]] parameter batch_parameter(std::int64_t initial);
[[nodiscard]] parameter buffers_parameter();
/// Checks of received bytes; "off" serves to measure the harness floor and nothing else.
[[nodiscard]] parameter checks_parameter();

/// registered, source, payload, batch and buffers as given; `outstanding` = messages under way at
/// most. Throws usage_error when buffers is not a power of two.
[[nodiscard]] table_plan make_table_plan(const parameters& values, std::uint64_t outstanding);

/// The value of `active`. Throws usage_error when it is above `registered`.
[[nodiscard]] std::uint32_t active_flows(const parameters& values);

/// 0 .. count-1 in a random order that depends on `count` alone, so every mechanism and every
/// process gets the same one.
[[nodiscard]] std::vector<std::uint32_t> seeded_permutation(std::uint32_t count);

}  // namespace kevbench::workload
