// SPDX-License-Identifier: MIT
//
// The list of workloads: names, parameters with their ranges, and how to make a cell of each.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "kevbench/adapter/contract.hpp"
#include "kevbench/workload/cell.hpp"

namespace kevbench::workload {

/// One parameter: an integer in [min, max], or one of `choices` when those are given.
struct parameter {
    std::string name;
    std::int64_t initial = 0;
    std::int64_t min = 0;
    std::int64_t max = 0;
    std::string initial_choice;
    std::vector<std::string> choices;
    std::string help;  ///< one line, with the unit
};

/// Values for every parameter of one workload. Values are kept as text, as they appear in case
/// keys ("registered=1000"); integers are checked when set.
class parameters {
  public:
    explicit parameters(std::span<const parameter> specification);
    /// Throws usage_error naming the known parameters, the range or the choices.
    void set(std::string_view name, std::string_view value);
    [[nodiscard]] std::int64_t number(std::string_view name) const;
    [[nodiscard]] const std::string& choice(std::string_view name) const;
    /// name -> text, sorted by name, every parameter present.
    [[nodiscard]] const std::map<std::string, std::string, std::less<>>& values() const;

  private:
    std::span<const parameter> specification_;
    std::map<std::string, std::string, std::less<>> values_;
};

struct workload_info {
    std::string_view name;       ///< "idle_scan"
    std::string_view purpose;    ///< one line
    std::string_view operation;  ///< what one operation is, for units: "event", "request", "call"
    std::vector<parameter> parameters;
    bool timed = false;  ///< a timed run records latencies
    /// Driven by outside load generators (http_one_byte): cannot be run by slices.
    bool external_load = false;
};

[[nodiscard]] std::span<const workload_info> catalogue();
/// Throws usage_error naming the nearest workload.
[[nodiscard]] const workload_info& find_workload(std::string_view name);

/// "workload/mechanism+variant/name=value/..." with parameters sorted: the stable identity of a
/// case in results, filters and comparisons.
[[nodiscard]] std::string case_key(const workload_info& info, const adapter::traits& traits,
                                   const parameters& values);

/// Makes the cell; does not touch the kernel. Throws usage_error for an unknown mechanism or
/// variant and not_available when workload and variant do not go together (the text says why,
/// e.g. "not applicable: descriptor limit").
[[nodiscard]] std::unique_ptr<cell> make_cell(const workload_info& info, std::string_view mechanism,
                                              std::string_view variant, const parameters& values);

}  // namespace kevbench::workload
