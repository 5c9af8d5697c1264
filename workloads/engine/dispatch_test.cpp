// SPDX-License-Identifier: MIT
#include "engine/dispatch.hpp"

#include <gtest/gtest.h>

#include <string>

namespace kevbench::workload {
namespace {

struct consumption {
    bool completes;
    bool drains;
    bool rearms;
    bool edge;
};

// Of all variants, also those that this kernel lacks: a wrong policy shows only where they run.
TEST(Dispatch, EveryVariantIsConsumedAsItsTraitsSay) {
    for (const adapter::listing& each : adapter::list_variants()) {
        const adapter::traits& fixed = each.fixed;
        if ((fixed.capabilities & adapter::caps::synthetic) != 0) {
            continue;
        }
        SCOPED_TRACE(std::string{fixed.mechanism} + "+" + std::string{fixed.variant});
        const auto chosen = dispatch_to<consumption>(
            fixed.mechanism, fixed.variant, []<class A, class Policy>(const auto&) {
                return consumption{Policy::completes, Policy::drains, Policy::rearms, Policy::edge};
            });
        const bool drains = fixed.discipline == adapter::read_discipline::drain;
        EXPECT_EQ(chosen.completes, (fixed.capabilities & adapter::caps::completion) != 0);
        EXPECT_EQ(chosen.drains, drains);
        EXPECT_EQ(chosen.rearms, fixed.mode == adapter::trigger::one_shot);
        EXPECT_EQ(chosen.edge, fixed.mode == adapter::trigger::edge && !drains);
    }
}

}  // namespace
}  // namespace kevbench::workload
