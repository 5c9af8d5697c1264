// SPDX-License-Identifier: MIT
#include "kevbench/harness/clock.hpp"

#include <algorithm>
#include <limits>

namespace kevbench::harness {

clock_quality measure_clock(clockid_t clock) noexcept {
    constexpr int batches = 20;
    constexpr int readings = 1000;
    auto best = std::numeric_limits<std::int64_t>::max();
    auto step = std::numeric_limits<std::int64_t>::max();
    for (int batch = 0; batch < batches; ++batch) {
        const auto start = read_clock(clock);
        auto previous = start;
        for (int i = 0; i < readings; ++i) {
            const auto now = read_clock(clock);
            if (now > previous) step = std::min(step, now - previous);
            previous = now;
        }
        // The minimum, since an interruption can only add to a batch.
        best = std::min(best, previous - start);
    }
    return {static_cast<double>(best) / readings, step};
}

}  // namespace kevbench::harness
