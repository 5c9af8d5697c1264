// SPDX-License-Identifier: MIT
#include "engine/via.hpp"

namespace kevbench::workload {

parameter via_parameter() {
    parameter made;
    made.name = "via";
    made.initial_choice = "native";
    made.choices = {"native", "descriptor"};
    made.help =
        "native: a mechanism's own source, and a descriptor where it has none; or a descriptor "
        "for all";
    return made;
}

}  // namespace kevbench::workload
