// SPDX-License-Identifier: MIT
//
// The same input and output without any event mechanism: what instruction counts subtract to find
// out what notification costs. Never a contestant, so the registry and the catalogue do not know
// it; the workloads that have it take it under the name "null+bare".
#pragma once

#include <string_view>

#include "kevbench/adapter/contract.hpp"

namespace kevbench::workload {

inline constexpr std::string_view bare_mechanism = "null";
inline constexpr std::string_view bare_variant_name = "bare";

[[nodiscard]] constexpr bool is_bare(std::string_view mechanism,
                                     std::string_view variant) noexcept {
    return mechanism == bare_mechanism && variant == bare_variant_name;
}

inline constexpr adapter::traits bare_traits{
    bare_mechanism,          bare_variant_name,
    adapter::trigger::level, adapter::read_discipline::once,
    adapter::caps::modify,   0};

}  // namespace kevbench::workload
