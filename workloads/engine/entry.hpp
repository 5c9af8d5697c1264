// SPDX-License-Identifier: MIT
//
// How a workload reaches the catalogue: its file defines `const entry NAME` in namespace entries,
// and table.def gets one line with that name.
#pragma once

#include <memory>
#include <string_view>

#include "kevbench/workload/catalogue.hpp"

namespace kevbench::workload {

struct entry {
    /// Called once, when the catalogue is first asked for.
    workload_info (*describe)();
    /// As make_cell(), with a mechanism and variant that may be unknown.
    std::unique_ptr<cell> (*make)(std::string_view mechanism, std::string_view variant,
                                  const parameters& values);
};

namespace entries {
#define KVB_WORKLOAD(name) extern const entry name;
#include "table.def"
#undef KVB_WORKLOAD
}  // namespace entries

}  // namespace kevbench::workload
