// SPDX-License-Identifier: MIT
//
// The same input and output without any event mechanism: what instruction counts subtract to find
// out what notification costs. Never a contestant, so the registry and the catalogue do not know
// it; the workloads that have it take it under the names "null+bare" and "null+bare-drain", which
// differ as variants do: one read a message, or reads until there is nothing left.
#pragma once

#include <string_view>

#include "kevbench/adapter/contract.hpp"

namespace kevbench::workload {

inline constexpr std::string_view bare_mechanism = "null";
inline constexpr std::string_view bare_once = "bare";
inline constexpr std::string_view bare_drain = "bare-drain";

[[nodiscard]] constexpr bool is_bare(std::string_view mechanism,
                                     std::string_view variant) noexcept {
    return mechanism == bare_mechanism && (variant == bare_once || variant == bare_drain);
}

/// Of one of the two variants.
[[nodiscard]] constexpr adapter::traits bare_traits(std::string_view variant) noexcept {
    const bool drains = variant == bare_drain;
    return {bare_mechanism,
            drains ? bare_drain : bare_once,
            adapter::trigger::level,
            drains ? adapter::read_discipline::drain : adapter::read_discipline::once,
            adapter::caps::modify,
            0};
}

}  // namespace kevbench::workload
