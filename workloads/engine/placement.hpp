// SPDX-License-Identifier: MIT
//
// Which CPUs the two threads of a workload run on. Placement changes results by a factor of ten,
// so it is part of a case and never left open by accident.
#pragma once

#include <sched.h>

#include <optional>
#include <string_view>

#include "kevbench/workload/catalogue.hpp"

namespace kevbench::workload {

/// same-cpu: both on the first CPU this process may use; split-cpu: on the first and the second;
/// free: wherever the scheduler puts them.
[[nodiscard]] parameter placement_parameter();

/// CPU numbers, or nothing where the scheduler decides.
struct placement {
    std::optional<unsigned> caller;
    std::optional<unsigned> companion;
};
/// Throws not_available when the process may not use enough CPUs.
[[nodiscard]] placement choose_placement(std::string_view name);

/// Binds the calling thread to one CPU and gives it back its former set when destroyed, on the same
/// thread. Does nothing without a CPU. Throws fault when the kernel refuses.
class cpu_binding {
  public:
    explicit cpu_binding(std::optional<unsigned> cpu);
    cpu_binding(const cpu_binding&) = delete;
    cpu_binding& operator=(const cpu_binding&) = delete;
    ~cpu_binding();

  private:
    std::optional<cpu_set_t> former_;
};

}  // namespace kevbench::workload
