// SPDX-License-Identifier: MIT
//
// One measured run of a cell. Everything is read at its two ends: the loop itself has no harness
// code in it unless latencies are asked for.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>

#include "kevbench/harness/clock.hpp"
#include "kevbench/harness/histogram.hpp"
#include "kevbench/harness/process_usage.hpp"
#include "kevbench/workload/cell.hpp"

namespace kevbench::harness {

/// The observer of timed runs: one clock and a histogram for each kind of delay.
class latency_recorder final : public workload::observer {
  public:
    [[nodiscard]] std::int64_t now() noexcept override { return monotonic_now(); }
    void latency(std::int64_t nanoseconds) noexcept override { corrected.record(nanoseconds); }
    void uncorrected_latency(std::int64_t nanoseconds) noexcept override {
        uncorrected.record(nanoseconds);
    }
    void lateness(std::int64_t nanoseconds) noexcept override { late.record(nanoseconds); }
    void clear() noexcept {
        corrected.clear();
        uncorrected.clear();
        late.clear();
    }

    histogram corrected;
    histogram uncorrected;  ///< open loop only, as is `late`
    histogram late;
};

struct slice_result {
    std::int64_t start_ns = 0;  ///< CLOCK_MONOTONIC
    std::int64_t wall_ns = 0;
    process_usage used;
    workload::tally work;
    /// CPU time of the cell's load thread, which is part of `used` too; none without such a thread.
    std::optional<std::int64_t> load_cpu_ns;
    std::optional<workload::punctuality> pace;  ///< of planned load
};

/// Runs exactly `operations` operations. Throws workload::fault if the cell does, or if it did
/// another number.
[[nodiscard]] slice_result run_slice(workload::cell& cell, std::uint64_t operations,
                                     workload::observer* timing, const usage_meter& meter);

/// The slice fields of docs/architecture.md, without histograms.
[[nodiscard]] nlohmann::json to_json(const slice_result& slice);
/// Adds "hist" and, when they hold values, "hist_uncorrected" and "hist_lateness".
void add_histograms(nlohmann::json& fields, const latency_recorder& recorder);

}  // namespace kevbench::harness
