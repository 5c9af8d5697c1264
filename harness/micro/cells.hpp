// SPDX-License-Identifier: MIT
//
// Which cells the micro driver offers and what each is called.
#pragma once

#include <string>
#include <vector>

#include "kevbench/harness/session.hpp"

namespace kevbench::micro {

struct micro_cell {
    /// "workload/mechanism+variant/name=value/...": the case key of results, every parameter named.
    std::string name;
    /// The name without its mechanism: cells of one group must do the same work.
    std::string group;
    harness::cell_request request;
    bool synthetic = false;  ///< no kernel behind it, so no bytes whose order could be compared
};

/// Empty lists select everything; names select as options give them.
struct selection {
    std::vector<std::string> workloads;
    std::vector<std::string> mechanisms;  ///< "epoll" (all its variants) or "epoll+et"
    /// "registered=1,10": these values instead of the built-in sweeps; several are multiplied.
    std::vector<std::string> params;
};

/// Every selected workload on every selected variant, available here or not, with its defaults and
/// the built-in sweeps; in the same order with the same names on every machine. Throws usage_error
/// for a name, a parameter or a value that does not exist.
[[nodiscard]] std::vector<micro_cell> select_cells(const selection& chosen);

}  // namespace kevbench::micro
