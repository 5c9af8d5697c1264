// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>

#include "kevbench/harness/mechanism_name.hpp"
#include "kevbench/harness/slice.hpp"
#include "kevbench/workload/catalogue.hpp"

namespace kevbench::harness {

struct cell_request {
    std::string workload;
    mechanism_name mechanism;
    std::map<std::string, std::string> params;  ///< those not named keep their defaults
};

/// One open cell with everything needed to measure it. Setting up and tearing down are timed apart
/// from runs. Not thread-safe; several sessions may exist in one process, but process-wide counters
/// then mix.
class session {
  public:
    /// Throws usage_error for a request that can never work, not_available for one that cannot work
    /// here, and fault when setting up fails.
    explicit session(const cell_request& request);

    [[nodiscard]] const std::string& case_key() const noexcept { return case_key_; }
    [[nodiscard]] const workload::workload_info& info() const noexcept { return *info_; }
    [[nodiscard]] std::int64_t setup_ns() const noexcept { return setup_ns_; }
    /// What `open` of the worker answers.
    [[nodiscard]] nlohmann::json describe() const;

    /// Negative where the workload does not measure it.
    /// How the sources reach the mechanism; empty where there is no choice.
    [[nodiscard]] std::string_view via() const { return cell_->via(); }
    [[nodiscard]] double kernel_bytes_per_watch() const { return cell_->kernel_bytes_per_watch(); }

    /// One slice as numbers, for drivers with a form of their own. Throws as slice() does.
    [[nodiscard]] slice_result measure(std::uint64_t operations);
    /// One slice, with latencies when `timed`. Throws usage_error when the workload has none to
    /// record, and fault when the run is void: then only close() may follow.
    [[nodiscard]] nlohmann::json slice(std::uint64_t operations, bool timed);
    /// A slice under the kernel's event counters, then a second one under the system call counters,
    /// whose cost would show in the first and which leave a load thread out. Fields of the first,
    /// "perf", and "syscalls" or its reason.
    [[nodiscard]] nlohmann::json counts(std::uint64_t operations);
    /// For drivers with a clock of their own.
    void run(std::uint64_t operations, workload::tally& work);

    /// Tears down and returns how long it took; once.
    std::int64_t close();

  private:
    const workload::workload_info* info_;
    std::string case_key_;
    std::unique_ptr<workload::cell> cell_;
    usage_meter meter_;
    std::unique_ptr<latency_recorder> recorder_;  // 1.3 MiB, so only when needed
    std::int64_t setup_ns_ = 0;
};

}  // namespace kevbench::harness
