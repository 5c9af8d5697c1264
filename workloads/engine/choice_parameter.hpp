// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "kevbench/workload/catalogue.hpp"

namespace kevbench::workload {

/// A parameter that is one of `choices`, of which the first is its default.
[[nodiscard]] inline parameter choice_parameter(std::string name, std::vector<std::string> choices,
                                                std::string help) {
    parameter made;
    made.name = std::move(name);
    made.initial_choice = choices.front();
    made.choices = std::move(choices);
    made.help = std::move(help);
    return made;
}

}  // namespace kevbench::workload
