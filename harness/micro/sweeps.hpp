// SPDX-License-Identifier: MIT
#pragma once

#include <map>
#include <span>
#include <string>
#include <vector>

namespace kevbench::micro {

/// Cells of one workload: the product of the values of each parameter, the others at their
/// defaults.
struct sweep {
    std::string workload;
    std::map<std::string, std::vector<std::string>> values;
};

/// What the curves of the report need, so that each of their points can also be measured alone. A
/// test holds this against the profiles of `kevbench run`. Where those say "as many descriptors as
/// the limit allows" this says 100,000: names must not depend on the machine. A workload without a
/// row has its defaults only; a row of a workload that this build lacks does nothing.
[[nodiscard]] std::span<const sweep> built_in_sweeps();

}  // namespace kevbench::micro
