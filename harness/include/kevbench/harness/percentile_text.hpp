// SPDX-License-Identifier: MIT
#pragma once

#include <string>

#include "kevbench/harness/histogram.hpp"

namespace kevbench::harness {

/// The percentile distribution in the text form of HdrHistogram, which its plotters read: columns
/// value, percentile, total count and 1/(1-percentile), then mean, deviation, maximum and count.
/// Values are printed in `unit_ns` nanoseconds, above 0: 1e6 gives the usual milliseconds. Five
/// steps are taken for each halving of the distance to 100 %, each value once.
[[nodiscard]] std::string percentile_text(const histogram& values, double unit_ns = 1e6);

}  // namespace kevbench::harness
