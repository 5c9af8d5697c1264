// SPDX-License-Identifier: MIT
//
// Which adapter a crew works on: the cell of every workload in which several threads wait.
#include <fmt/format.h>

#include <memory>

#include "engine/crew.hpp"
#include "engine/dispatch.hpp"

namespace kevbench::workload {

std::unique_ptr<cell> make_crew_cell(std::string_view mechanism, std::string_view variant,
                                     const crew_plan& plan) {
    return dispatch(
        mechanism, variant,
        [&]<class A, class Policy>(
            const typename A::variant_type& chosen) -> std::unique_ptr<cell> {
            const adapter::traits& fixed = chosen.fixed;
            if constexpr (synthetic_adapter<A>) {
                throw not_available("not applicable: no other thread can wake the null mechanism");
            } else {
                if (plan.shared && (fixed.capabilities & adapter::caps::shared) == 0) {
                    throw not_available(fmt::format("not applicable: {} {}; use queue=private",
                                                    fixed.mechanism,
                                                    adapter::why_not_shared(fixed)));
                }
                require_descriptor_range(fixed, plan.table.registered + 2 * plan.threads);
                return std::make_unique<crew_cell<A, Policy>>(plan, chosen);
            }
        });
}

}  // namespace kevbench::workload
