// SPDX-License-Identifier: MIT
#include "net/arrivals.hpp"

#include <algorithm>
#include <cmath>

namespace kevbench::workload::net {
namespace {

/// splitmix64: 64 well-mixed bits a step from a counter; any seed is a good seed.
class generator {
  public:
    explicit generator(std::uint64_t seed) noexcept : state_(seed) {}
    std::uint64_t next() noexcept {
        state_ += 0x9E37'79B9'7F4A'7C15U;
        std::uint64_t mixed = state_;
        mixed = (mixed ^ (mixed >> 30U)) * 0xBF58'476D'1CE4'E5B9U;
        mixed = (mixed ^ (mixed >> 27U)) * 0x94D0'49BB'1331'11EBU;
        return mixed ^ (mixed >> 31U);
    }
    /// Uniform in (0, 1]: never 0, so its logarithm is finite.
    double uniform() noexcept { return static_cast<double>((next() >> 11U) + 1) * 0x1.0p-53; }

  private:
    std::uint64_t state_;
};

}  // namespace

void draw_arrivals(arrival_process process, double rate, std::uint64_t seed,
                   std::span<std::int64_t> plan) noexcept {
    const double gap = 1e9 / rate;
    generator random(seed);
    double at = 0.0;
    double count = 0.0;
    for (std::int64_t& intended : plan) {
        if (process == arrival_process::poisson) {
            at -= gap * std::log(random.uniform());
        } else {
            at = gap * ++count;  // a running sum would gather rounding errors
        }
        intended = static_cast<std::int64_t>(at);
    }
}

punctuality judge_punctuality(std::span<const std::int64_t> plan,
                              std::span<const std::int64_t> lateness) noexcept {
    const auto in_time = std::count_if(lateness.begin(), lateness.end(), [](std::int64_t late) {
        return late <= lateness_tolerance;
    });
    const auto intended = static_cast<double>(plan.back());
    // Lateness within the tolerance is no loss of rate, or every short run would fail by its last
    // send alone.
    const double actual = intended + static_cast<double>(std::max<std::int64_t>(
                                         lateness.back() - lateness_tolerance, 0));
    punctuality judged;
    judged.achieved_of_intended = actual == 0.0 ? 1.0 : intended / actual;
    judged.share_in_time = static_cast<double>(in_time) / static_cast<double>(lateness.size());
    return judged;
}

}  // namespace kevbench::workload::net
