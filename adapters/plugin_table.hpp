// SPDX-License-Identifier: MIT
//
// The variants of loaded libraries: filled by the loader, listed by plugin_adapter.
#pragma once

#include <vector>

#include "kevbench/adapter/plugin_adapter.hpp"

namespace kevbench::adapter::detail {

[[nodiscard]] std::vector<plugin_variant>& plugin_variants();

}  // namespace kevbench::adapter::detail
