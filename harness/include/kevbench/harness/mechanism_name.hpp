// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <string_view>

#include "kevbench/adapter/contract.hpp"

namespace kevbench::harness {

/// A mechanism with its variant as people write it: "epoll+et". The first '+', '/' or ':' divides
/// the two, so that variants may themselves contain '+' ("io_uring+poll+defer").
struct mechanism_name {
    std::string mechanism;
    std::string variant;
};

/// Throws usage_error when the variant is missing. Does not check that the mechanism exists.
[[nodiscard]] mechanism_name parse_mechanism(std::string_view text);

/// Fixed facts of a variant. Throws usage_error with the nearest name for an unknown one.
[[nodiscard]] adapter::traits find_traits(const mechanism_name& name);

/// Tries the variant on this kernel. Throws not_available with the reason if it cannot run, and
/// usage_error for an unknown name.
void require_available(const mechanism_name& name);

}  // namespace kevbench::harness
