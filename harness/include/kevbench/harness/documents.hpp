// SPDX-License-Identifier: MIT
//
// What this build can do on this machine, as JSON documents for programs.
#pragma once

#include <nlohmann/json_fwd.hpp>

namespace kevbench::harness {

/// The "kvb.list" document: every mechanism with its variants and every workload with its
/// parameters. Probes each variant, which takes milliseconds the first time.
[[nodiscard]] nlohmann::ordered_json list_document();

/// For provenance and self-checks: version, compiler, optimisation, sanitizer, the clock's measured
/// quality, and which counters really count, with the reason for those that do not.
[[nodiscard]] nlohmann::ordered_json about_document();

}  // namespace kevbench::harness
