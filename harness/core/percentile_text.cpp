// SPDX-License-Identifier: MIT
#include "kevbench/harness/percentile_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstddef>

namespace kevbench::harness {
namespace {

constexpr double steps_per_halving = 5.0;

double middle(std::size_t index) noexcept {
    return static_cast<double>(histogram::lower_bound(index)) +
           static_cast<double>(histogram::width(index) - 1) / 2.0;
}

double deviation(const histogram& values, double mean) {
    double squares = 0.0;
    const auto counts = values.counts();
    for (std::size_t at = 0; at < counts.size(); ++at)
        if (counts[at] != 0) {
            const double off = middle(at) - mean;
            squares += off * off * static_cast<double>(counts[at]);
        }
    return std::sqrt(squares / static_cast<double>(values.count()));
}

}  // namespace

std::string percentile_text(const histogram& values, double unit_ns) {
    std::string text = fmt::format("{:>12} {:>14} {:>10} {:>14}\n\n", "Value", "Percentile",
                                   "TotalCount", "1/(1-Percentile)");
    const auto total = values.count();
    double mean = 0.0;
    double spread = 0.0;
    double largest = 0.0;
    if (total != 0) {
        mean = static_cast<double>(values.sum()) / static_cast<double>(total);
        spread = deviation(values, mean);
        largest = static_cast<double>(*values.max());
        const auto counts = values.counts();
        std::uint64_t below = 0;
        double wanted = 0.0;
        for (std::size_t at = 0; below < total; ++at) {
            if (counts[at] == 0) continue;
            below += counts[at];
            const double reached = static_cast<double>(below) / static_cast<double>(total);
            if (reached < wanted && below != total) continue;
            const double value = static_cast<double>(*values.quantile(reached)) / unit_ns;
            if (below == total)
                text += fmt::format("{:12.3f} {:14.12f} {:10}\n", value, 1.0, below);
            else
                text += fmt::format("{:12.3f} {:14.12f} {:10} {:14.2f}\n", value, reached, below,
                                    1.0 / (1.0 - reached));
            const double halvings = std::floor(std::log2(1.0 / std::max(1.0 - reached, 1e-12)));
            wanted = reached + 1.0 / (steps_per_halving * std::pow(2.0, halvings + 1.0));
        }
    }
    text += fmt::format("#[Mean    = {:12.3f}, StdDeviation   = {:12.3f}]\n", mean / unit_ns,
                        spread / unit_ns);
    text +=
        fmt::format("#[Max     = {:12.3f}, Total count    = {:12}]\n", largest / unit_ns, total);
    text += fmt::format("#[Buckets = {:12}, SubBuckets     = {:12}]\n",
                        64 - histogram::sub_bucket_bits, 1U << histogram::sub_bucket_bits);
    return text;
}

}  // namespace kevbench::harness
