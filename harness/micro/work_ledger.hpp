// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "kevbench/workload/cell.hpp"

namespace kevbench::micro {

/// Holds every cell of a group to the same work. Not thread-safe.
class work_ledger {
  public:
    [[nodiscard]] bool knows(const std::string& group) const { return groups_.contains(group); }

    /// The first operations of a fresh cell, always the same number: the first of a group is what
    /// the others must equal in messages, bytes and, unless `synthetic`, order. A synthetic one is
    /// never the first. Throws workload::fault naming the difference.
    void check_opening(const std::string& group, const std::string& name,
                       const workload::tally& work, bool synthetic);

  private:
    struct reference {
        std::string name;
        workload::tally work;
    };
    std::map<std::string, reference> groups_;
};

/// Any further run of a cell: no errors, and messages and bytes in proportion to the opening ones.
/// Throws workload::fault.
void check_proportion(const workload::tally& opening, const workload::tally& work);

}  // namespace kevbench::micro
