// SPDX-License-Identifier: MIT
#include "engine/rounds.hpp"

#include "engine/dispatch.hpp"

namespace kevbench::workload {

std::unique_ptr<cell> make_round_cell(std::string_view mechanism, std::string_view variant,
                                      round_plan plan, bool checked) {
    return dispatch_or_bare(
        mechanism, variant,
        [&]<class A, class Policy>(
            const typename A::variant_type& chosen) -> std::unique_ptr<cell> {
            require_descriptor_range(chosen.fixed, plan.table.registered);
            if (checked) {
                return std::make_unique<round_cell<A, Policy, true>>(std::move(plan), chosen);
            }
            return std::make_unique<round_cell<A, Policy, false>>(std::move(plan), chosen);
        });
}

}  // namespace kevbench::workload
