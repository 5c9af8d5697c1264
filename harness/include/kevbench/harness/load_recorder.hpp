// SPDX-License-Identifier: MIT
//
// Books of one run of the HTTP generator.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <vector>

#include "kevbench/harness/clock.hpp"
#include "kevbench/harness/histogram.hpp"
#include "kevbench/harness/process_usage.hpp"
#include "kevbench/workload/http_load.hpp"

namespace kevbench::harness {

/// Histograms of the whole run and, by second, what ended in it. Used by one thread.
class load_recorder final : public workload::load_observer {
  public:
    load_recorder() : start_(monotonic_now()) {}

    [[nodiscard]] std::int64_t now() noexcept override { return monotonic_now(); }
    void due(std::int64_t lateness) noexcept override { late.record(lateness); }
    void replied(std::int64_t intended, std::int64_t started, std::int64_t at) noexcept override;
    void failed(workload::load_error why, std::int64_t at) noexcept override;

    /// One second of the run, by the time at which requests ended.
    struct second {
        std::uint64_t replies = 0;
        std::uint64_t errors = 0;
        std::int64_t p50_ns = 0;  ///< corrected, as the next two; 0 without replies
        std::int64_t p99_ns = 0;
        std::int64_t max_ns = 0;
    };
    /// Every second so far, the one that has begun included.
    [[nodiscard]] std::vector<second> seconds() const;

    histogram corrected;    ///< from the intended time
    histogram uncorrected;  ///< from the actual start
    histogram late;         ///< of the client's turns after their plan

  private:
    void move_to(std::int64_t at) noexcept;
    [[nodiscard]] second closed() const;

    std::int64_t start_;
    std::vector<second> past_;
    second current_;
    histogram of_current_;
};

/// The kvb.httpload document: what was asked for, what came of it, the client's own consumption,
/// histograms and seconds. see docs/load.md.
[[nodiscard]] nlohmann::json load_document(const workload::load_options& options,
                                           const workload::load_outcome& outcome,
                                           const load_recorder& recorder,
                                           const process_usage& used);

}  // namespace kevbench::harness
